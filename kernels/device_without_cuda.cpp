// The CUDA device of a program that was built without CUDA: it says so.
#include "kernels/device_probe.hpp"

namespace nibble::kernels {
namespace {

class AbsentDevice final : public Device {
public:
    Machine machine() const override { return Machine::cuda; }
    DeviceInfo probe() const override {
        DeviceInfo info;
        info.machine = Machine::cuda;
        info.state = DeviceState::not_built;
        info.reason = "This program was built without CUDA.";
        return info;
    }
    void wait() const override { refuse(); }
    double milliseconds(const std::function<void()>&) const override { refuse(); }
    void* allocate(std::size_t, const std::string&) const override { refuse(); }
    void release(void*) const noexcept override {}
    void upload(void*, const void*, std::size_t) const override { refuse(); }
    void download(void*, const void*, std::size_t) const override { refuse(); }
    void fill(void*, unsigned char, std::size_t) const override { refuse(); }

private:
    [[noreturn]] void refuse() const { throw DeviceError(DeviceState::not_built, probe().reason); }
};

}  // namespace

const Device& cuda_device() {
    static const AbsentDevice absent;
    return absent;
}

}  // namespace nibble::kernels
