// From what CUDA answers to what a person is told. Apart from the calls that ask, so that every
// answer can be tested on a machine that gives only one of them.
#pragma once

#include <optional>
#include <string>

#include "kernels/device.hpp"

namespace nibble::kernels {

/// The answers of the CUDA runtime, in the order they are asked for; the first refusal ends it.
struct CudaAnswers {
    enum class Refusal { none, driver, no_device, no_code, memory, other };

    Refusal refusal = Refusal::none;
    std::string error;          // the runtime's own words for the refusal
    int driver_version = 0;     // as 13000 for 13.0; 0 when there is no driver
    int runtime_version = 0;    // that this program was built with
    std::string architectures;  // that this program holds code for, "90" or "75;80"

    // of the GPU, where one answered
    std::string name;
    std::size_t memory_bytes = 0, free_bytes = 0;
    int compute_major = 0, compute_minor = 0, multiprocessors = 0;
};

DeviceInfo describe(const CudaAnswers& answers);

/// The CUDA device, or one that says that there is none in this build.
const Device& cuda_device();

}  // namespace nibble::kernels
