#include "sim/quant/double_quantization.hpp"

#include <algorithm>
#include <cmath>

namespace nibble {
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

}  // namespace

const std::array<float, 256>& dynamic_map() {
    static const std::array<float, 256> map = make_dynamic_map();
    return map;
}

DoubleQuantized::DoubleQuantized(std::span<const float> extents) : codes_(extents.size()) {
    double sum = 0;
    for (const float e : extents) {
        sum += static_cast<double>(e);
    }
    mean_ = extents.empty() ? 0 : static_cast<float>(sum / static_cast<double>(extents.size()));
    for (std::size_t begin = 0; begin < extents.size(); begin += block) {
        const std::size_t end = std::min(extents.size(), begin + block);
        float largest = 0;
        for (std::size_t i = begin; i < end; ++i) {
            largest = std::max(largest, std::abs(extents[i] - mean_));
        }
        block_scales_.push_back(largest);
        for (std::size_t i = begin; i < end; ++i) {
            codes_[i] = nearest_code(largest > 0 ? (extents[i] - mean_) / largest : 0.0F);
        }
    }
}

float DoubleQuantized::at(std::size_t i) const {
    return std::max(0.0F, mean_ + block_scales_[i / block] * dynamic_map()[codes_[i]]);
}

}  // namespace nibble
