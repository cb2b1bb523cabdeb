#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/reduce/ops.hpp"

namespace nibble::kernels {

float absmax(InputType type, const void* x, std::size_t count) {
    // Bits of magnitudes compare as the magnitudes do, with NaN above infinity.
    if (type == InputType::f32) {
        std::uint32_t largest = 0;
        for (std::size_t i = 0; i < count; ++i) {
            largest = std::max(
                largest, std::bit_cast<std::uint32_t>(static_cast<const float*>(x)[i]) & ~0u >> 1);
        }
        return std::bit_cast<float>(largest);
    }
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < count; ++i) {
        largest =
            std::max<std::uint32_t>(largest, static_cast<const std::uint16_t*>(x)[i] & 0x7fffu);
    }
    if (type == InputType::bf16) {
        return std::bit_cast<float>(largest << 16);
    }
    if (largest >= 0x7c00) {
        return std::bit_cast<float>(0x7f800000u | largest << 13);
    }
    return std::bit_cast<float>(largest << 13) * 0x1p112F;
}

HistogramOutside histogram(std::span<const float> x, float low, float high,
                           std::span<std::uint32_t> counts) {
    const float range = high - low;
    if (!(range > 0) || !std::isfinite(range) || !std::isfinite(1 / range) || counts.empty() ||
        counts.size() > 1u << 24) {
        throw std::invalid_argument("histogram: " + std::to_string(counts.size()) + " bins over " +
                                    std::to_string(low) + " .. " + std::to_string(high));
    }
    const float per_unit = static_cast<float>(counts.size()) / range;
    HistogramOutside outside;
    for (const float v : x) {
        if (std::isnan(v)) {
            ++outside.nan;
        } else if (v < low) {
            ++outside.below;
        } else if (v > high) {
            ++outside.above;
        } else {
            const auto bin = static_cast<std::size_t>((v - low) * per_unit);
            ++counts[std::min(bin, counts.size() - 1)];
        }
    }
    return outside;
}

double squared_error(const float* a, const float* b, std::size_t count) {
    std::array<double, 8> sum = {};
    for (std::size_t i = 0; i < count; ++i) {
        const double error = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        sum[i % 8] += error * error;
    }
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

}  // namespace nibble::kernels
