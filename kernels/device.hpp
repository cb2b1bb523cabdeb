// Where kernels run: on this processor, on a CUDA GPU, or on the emulator. Nothing here names a
// type of CUDA, so callers need no nvcc, and a program built with CUDA starts on a machine without
// it: the device then says why it cannot be used, and the processor takes over.
//
//     const Device& gpu = device(Machine::cuda);
//     if (!gpu.probe().ready()) { show(gpu.probe().reason); }
//     DeviceArray<float> x(gpu, values);       // allocates and uploads; freed at the end of scope
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace nibble::kernels {

enum class Machine { cpu, cuda, emulated };

inline constexpr std::array all_machines = {Machine::cpu, Machine::cuda, Machine::emulated};
/// "cpu", "cuda", "emulated"
const char* name(Machine machine);
/// The machine of that name.
std::optional<Machine> machine_named(std::string_view name);

enum class DeviceState {
    ready,
    not_built,        // this program was built without CUDA
    no_driver,        // no NVIDIA driver is installed
    driver_too_old,   // the driver is older than the CUDA this program was built with
    no_gpu,           // a driver, and no GPU it can use
    unsupported_gpu,  // this program holds no code for this GPU
    out_of_memory,    // the GPU's memory is taken
    failed,           // anything else; the reason quotes it
};

/// "ready", "no driver": for a badge.
const char* in_words(DeviceState state);

struct DeviceInfo {
    Machine machine = Machine::cpu;
    DeviceState state = DeviceState::ready;
    std::string name;    // of the hardware, "NVIDIA H200"
    std::string reason;  // one sentence why it cannot be used; empty when ready
    std::size_t memory_bytes = 0, free_bytes = 0;  // a GPU's own; 0 elsewhere
    int compute_major = 0, compute_minor = 0;
    int multiprocessors = 0;

    bool ready() const { return state == DeviceState::ready; }
};

/// What a device answered instead of doing as asked.
class DeviceError : public std::runtime_error {
public:
    DeviceError(DeviceState state, const std::string& what)
        : std::runtime_error(what), state_(state) {}
    DeviceState state() const { return state_; }

private:
    DeviceState state_;
};

class Device {
public:
    virtual ~Device() = default;

    virtual Machine machine() const = 0;
    /// Asks the machine anew; never throws on a machine that is absent or broken.
    virtual DeviceInfo probe() const = 0;

    // What follows throws DeviceError on a device that is not ready, or when the device refuses.

    /// Waits for every launch so far, and throws what went wrong in them.
    virtual void wait() const = 0;
    /// Milliseconds that `work` keeps the device busy, by the device's own clock. Meaningless as a
    /// speed on the emulator.
    virtual double milliseconds(const std::function<void()>& work) const = 0;

    virtual void* allocate(std::size_t bytes, const std::string& name) const = 0;
    virtual void release(void* memory) const noexcept = 0;
    virtual void upload(void* to, const void* from, std::size_t bytes) const = 0;
    virtual void download(void* to, const void* from, std::size_t bytes) const = 0;
    virtual void fill(void* memory, unsigned char byte, std::size_t bytes) const = 0;
};

/// The one device of its kind; lives as long as the program.
const Device& device(Machine machine);

/// The GPU when it is ready, the processor otherwise. The emulator is chosen by name only.
const Device& fastest_device();

/// `count` elements on a device, freed with the object. Starts at a multiple of 256 bytes.
template <class T>
class DeviceArray {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    DeviceArray() = default;
    /// Uninitialised. `name` appears in the emulator's faults.
    DeviceArray(const Device& where, std::size_t count, const std::string& name = {})
        : device_(&where),
          data_(static_cast<T*>(where.allocate(count * sizeof(T), name))),
          size_(count) {}
    DeviceArray(const Device& where, std::span<const T> values, const std::string& name = {})
        : DeviceArray(where, values.size(), name) {
        upload(values);
    }
    DeviceArray(DeviceArray&& other) noexcept { swap(other); }
    DeviceArray& operator=(DeviceArray&& other) noexcept {
        swap(other);
        return *this;
    }
    ~DeviceArray() {
        if (data_ != nullptr) {
            device_->release(data_);
        }
    }

    T* data() { return data_; }
    const T* data() const { return data_; }
    std::size_t size() const { return size_; }

    /// Throws std::length_error unless there are exactly as many values as elements.
    void upload(std::span<const T> values) {
        if (values.size() != size_) {
            throw std::length_error("DeviceArray: " + std::to_string(values.size()) +
                                    " values for " + std::to_string(size_) + " elements");
        }
        device_->upload(data_, values.data(), size_ * sizeof(T));
    }
    /// Waits for the launches before it.
    std::vector<T> download() const {
        std::vector<T> values(size_);
        device_->download(values.data(), data_, size_ * sizeof(T));
        return values;
    }
    void fill(unsigned char byte) { device_->fill(data_, byte, size_ * sizeof(T)); }

private:
    void swap(DeviceArray& other) noexcept {
        std::swap(device_, other.device_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }

    const Device* device_ = nullptr;
    T* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace nibble::kernels
