// Double-quantized extents of groups, owned: 8 bits each, one FP32 for every 256 of them and one
// for their mean. kernels/quantize/packed.hpp tells how.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/quantize/packed.hpp"

namespace nibble {

class DoubleQuantized {
public:
    static constexpr std::size_t block = kernels::scale_block;

    DoubleQuantized() = default;
    explicit DoubleQuantized(std::span<const float> extents);

    std::size_t size() const { return codes_.size(); }
    bool empty() const { return codes_.empty(); }
    /// What is left of extent i; never below 0.
    float at(std::size_t i) const;
    /// What all this takes in storage.
    std::size_t bits() const { return 8 * codes_.size() + 32 * block_scales_.size() + 32; }

private:
    float mean_ = 0;
    std::vector<std::uint8_t> codes_;  // (extent)
    std::vector<float> block_scales_;  // (block of 256 extents)
};

}  // namespace nibble
