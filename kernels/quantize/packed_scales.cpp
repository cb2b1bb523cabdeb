// The second level of double quantization: scales in eight bits.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/quantize/packed.hpp"

namespace nibble::kernels {
namespace {

std::array<float, 256> make_dynamic_map() {
    // Decade i of 7 reaches from 10^(i-7) to 10^(i-6) and holds 2^i levels a sign: the middles of
    // as many equal parts. Zero and 1 make it 256.
    std::array<float, 256> levels = {};
    std::size_t count = 0;
    for (int i = 0; i < 7; ++i) {
        const int parts = 1 << i;
        const double top = std::pow(10.0, i - 6);
        for (int k = 0; k < parts; ++k) {
            const double middle = 0.1 + 0.9 * (k + 0.5) / parts;
            levels[count++] = static_cast<float>(top * middle);
            levels[count++] = static_cast<float>(-top * middle);
        }
    }
    levels[count++] = 0;
    levels[count++] = 1;
    std::sort(levels.begin(), levels.end());
    return levels;
}

std::uint8_t nearest_code(float value) {
    const auto& map = dynamic_map();
    const auto above = std::lower_bound(map.begin(), map.end(), value);
    if (above == map.begin()) {
        return 0;
    }
    if (above == map.end()) {
        return 255;
    }
    const bool lower = value - *(above - 1) <= *above - value;
    return static_cast<std::uint8_t>(above - map.begin() - (lower ? 1 : 0));
}

float mean_of_finite(const float* scales, std::size_t count) {
    double sum = 0;
    std::size_t finite = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (std::isfinite(scales[i])) {
            sum += static_cast<double>(scales[i]);
            ++finite;
        }
    }
    return finite == 0 ? 0.0F : static_cast<float>(sum / static_cast<double>(finite));
}

}  // namespace

const std::array<float, 256>& dynamic_map() {
    static const std::array<float, 256> map = make_dynamic_map();
    return map;
}

float quantize_scales(const float* scales, std::size_t count, std::uint8_t* codes,
                      float* block_scales) {
    const float mean = mean_of_finite(scales, count);
    for (std::size_t begin = 0; begin < count; begin += scale_block) {
        const std::size_t end = std::min(count, begin + scale_block);
        float largest = 0;
        for (std::size_t i = begin; i < end; ++i) {
            const float from_mean = std::abs(scales[i] - mean);
            if (!std::isfinite(from_mean)) {
                largest = std::numeric_limits<float>::quiet_NaN();
                break;
            }
            largest = std::max(largest, from_mean);
        }
        block_scales[begin / scale_block] = largest;
        for (std::size_t i = begin; i < end; ++i) {
            codes[i] = nearest_code(largest > 0 ? (scales[i] - mean) / largest : 0.0F);
        }
    }
    return mean;
}

float dequantized_scale(std::uint8_t code, float block_scale, float mean) {
    const float scale = mean + block_scale * dynamic_map()[code];
    return scale < 0 ? 0.0F : scale;
}

void dequantize_scales(const std::uint8_t* codes, const float* block_scales, float mean,
                       std::size_t count, float* scales) {
    for (std::size_t i = 0; i < count; ++i) {
        scales[i] = dequantized_scale(codes[i], block_scales[i / scale_block], mean);
    }
}

}  // namespace nibble::kernels
