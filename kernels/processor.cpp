#include "kernels/processor.hpp"

#include <fstream>

#include "kernels/quantize/ops.hpp"

namespace nibble::kernels {

std::string processor_name() {
    std::ifstream system("/proc/cpuinfo");  // Linux; elsewhere there is none, and no line
    for (std::string line; std::getline(system, line);) {
        const auto colon = line.find(": ");
        if (line.starts_with("model name") && colon != std::string::npos) {
            return line.substr(colon + 2);
        }
    }
    return "this processor";
}

std::string instruction_set(std::string_view target) {
    return target.starts_with("AVX3") ? "AVX-512" : std::string(target);
}

std::string instruction_set() {
    return instruction_set(simd_target());
}

}  // namespace nibble::kernels
