#include "sim/quant/double_quantization.hpp"

#include "sim/core/arithmetic.hpp"

namespace nibble {

DoubleQuantized::DoubleQuantized(std::span<const float> extents)
    : codes_(extents.size()), block_scales_(ceil_div(extents.size(), block)) {
    mean_ = kernels::quantize_scales(extents.data(), extents.size(), codes_.data(),
                                     block_scales_.data());
}

float DoubleQuantized::at(std::size_t i) const {
    return kernels::dequantized_scale(codes_[i], block_scales_[i / block], mean_);
}

}  // namespace nibble
