// One float in each narrow format, by whoever converts it.
#pragma once

#include <cstdint>

namespace nibble::kernels {

struct Codes {
    std::uint16_t half = 0, bfloat = 0;
    std::uint8_t e4m3 = 0, e5m2 = 0, e4m3_unsaturated = 0, e5m2_unsaturated = 0;
    bool operator==(const Codes&) const = default;
};

namespace cuda {  // in builds with CUDA, by CUDA's headers
Codes convert(float x);
float half_to_float(std::uint16_t code);
float bfloat_to_float(std::uint16_t code);
std::uint16_t fp8_to_half(std::uint8_t code, bool e5m2);
}  // namespace cuda

}  // namespace nibble::kernels
