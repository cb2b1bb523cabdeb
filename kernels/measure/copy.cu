#include "kernels/device_cuda.hpp"
#include "kernels/measure/ladder_speed.hpp"

namespace nibble::kernels {

void start_copy_on_gpu(void* to, const void* from, std::size_t bytes) {
    cuda::check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice),
                     "a copy within the GPU");
}

}  // namespace nibble::kernels
