// The GPU through the CUDA runtime, which is linked into the program: without a driver its calls
// answer with an error, and nothing else happens.
#include "kernels/device_cuda.hpp"
#include "kernels/device_probe.hpp"

namespace nibble::kernels {
namespace {

using cuda::check_cuda;

/// Does nothing. That it can be found on the GPU shows that this program holds code for it.
__global__ void present() {}

CudaAnswers::Refusal refusal_of(cudaError_t answer) {
    using Refusal = CudaAnswers::Refusal;
    switch (answer) {
        case cudaSuccess:
            return Refusal::none;
        case cudaErrorInsufficientDriver:
            return Refusal::driver;
        case cudaErrorNoDevice:
            return Refusal::no_device;
        case cudaErrorNoKernelImageForDevice:
        case cudaErrorInvalidDeviceFunction:
        case cudaErrorUnsupportedPtxVersion:
            return Refusal::no_code;
        case cudaErrorMemoryAllocation:
            return Refusal::memory;
        default:
            return Refusal::other;
    }
}

/// Asks until something is refused; the rest keeps its zeros.
CudaAnswers ask() {
    CudaAnswers a;
    a.architectures = NIBBLE_CUDA_ARCHITECTURES;
    const auto accepted = [&a](cudaError_t answer) {
        a.refusal = refusal_of(answer);
        if (answer != cudaSuccess) {
            a.error = cudaGetErrorString(answer);
            cudaGetLastError();  // errors stick, and the next launch would report this one
        }
        return answer == cudaSuccess;
    };
    cudaDriverGetVersion(&a.driver_version);
    cudaRuntimeGetVersion(&a.runtime_version);
    int devices = 0;
    if (!accepted(cudaGetDeviceCount(&devices))) {
        return a;
    }
    cudaDeviceProp properties{};
    if (devices == 0 || !accepted(cudaGetDeviceProperties(&properties, 0))) {
        a.refusal = devices == 0 ? CudaAnswers::Refusal::no_device : a.refusal;
        return a;
    }
    a.name = properties.name;
    a.memory_bytes = properties.totalGlobalMem;
    a.compute_major = properties.major;
    a.compute_minor = properties.minor;
    a.multiprocessors = properties.multiProcessorCount;
    cudaFuncAttributes attributes{};
    std::size_t total = 0;
    if (accepted(cudaFuncGetAttributes(&attributes, present))) {
        accepted(cudaMemGetInfo(&a.free_bytes, &total));
    }
    return a;
}

/// A CUDA event, destroyed with the object.
class Event {
public:
    Event() { check_cuda(cudaEventCreate(&event_), "an event"); }
    ~Event() { cudaEventDestroy(event_); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    void record() const { check_cuda(cudaEventRecord(event_), "recording an event"); }
    double milliseconds_since(const Event& start) const {
        check_cuda(cudaEventSynchronize(event_), "waiting for a kernel");
        float milliseconds = 0;
        check_cuda(cudaEventElapsedTime(&milliseconds, start.event_, event_), "a time");
        return milliseconds;
    }

private:
    cudaEvent_t event_ = nullptr;
};

class CudaDevice final : public Device {
public:
    Machine machine() const override { return Machine::cuda; }
    DeviceInfo probe() const override { return describe(ask()); }

    void wait() const override { check_cuda(cudaDeviceSynchronize(), "to finish a kernel"); }

    double milliseconds(const std::function<void()>& work) const override {
        const Event start, end;
        start.record();
        work();
        end.record();
        return end.milliseconds_since(start);
    }

    void* allocate(std::size_t bytes, const std::string&) const override {
        void* memory = nullptr;
        const std::string what = std::to_string(bytes) + " bytes of memory";
        check_cuda(cudaMalloc(&memory, bytes), what.c_str());
        return memory;
    }
    void release(void* memory) const noexcept override { cudaFree(memory); }

    void upload(void* to, const void* from, std::size_t bytes) const override {
        check_cuda(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "a copy to the GPU");
    }
    void download(void* to, const void* from, std::size_t bytes) const override {
        check_cuda(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost), "a copy from the GPU");
    }
    void fill(void* memory, unsigned char byte, std::size_t bytes) const override {
        check_cuda(cudaMemset(memory, byte, bytes), "filling memory");
    }
};

}  // namespace

const Device& cuda_device() {
    static const CudaDevice gpu;
    return gpu;
}

}  // namespace nibble::kernels
