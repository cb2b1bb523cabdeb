// Quantizing the scales: 8 bits each, with one FP32 for every 256 of them (QLoRA, arXiv 2305.14314,
// section 3; bitsandbytes). The mean of all extents is taken off first, and one FP32 keeps it.
//
// The 8-bit levels are bitsandbytes' dynamic map: seven decades below 1, each with twice as many
// levels as the one beneath, so that small differences from the mean stay fine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nibble {

/// The 256 levels of the signed dynamic map, rising, from -0.99 to 1.
const std::array<float, 256>& dynamic_map();

class DoubleQuantized {
public:
    static constexpr std::size_t block = 256;

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
