// For sources that nvcc compiles: an answer of the CUDA runtime other than success becomes a
// DeviceError.
#pragma once

#include <cuda_runtime.h>
#include <string>

#include "kernels/device.hpp"

namespace nibble::kernels::cuda {

/// `doing` completes the sentence "CUDA refused ...".
inline void check_cuda(cudaError_t answer, const char* doing) {
    if (answer != cudaSuccess) {
        const DeviceState state =
            answer == cudaErrorMemoryAllocation ? DeviceState::out_of_memory : DeviceState::failed;
        throw DeviceError(state,
                          std::string("CUDA refused ") + doing + ": " + cudaGetErrorString(answer));
    }
}

}  // namespace nibble::kernels::cuda
