// A number format at work: with the scale it is used under, and what it does to a tensor.
//
// A float can hold values as they are; integers and codebooks need to be told what their largest
// level stands for, and block formats choose a scale for every block. All quantities here are in
// the units of the values: scale times the number that the code means.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sim/formats/block_format.hpp"
#include "sim/formats/number_format.hpp"

namespace nibble {

enum class Scaling : std::uint8_t {
    none,    // floats hold the value itself; integers and codebooks span -1 to 1
    absmax,  // one scale for the tensor puts its largest magnitude on the format's largest number;
             // not for floats wider than 8 bits, which need none, nor for E8M0, which is a scale
};

struct ScaledFormat {
    const NumberFormat* numbers = nullptr;
    const BlockFormat* block = nullptr;  // null: one scale for all
    double scale = 1;
    double tensor_scale = 1;       // of NVFP4 under Scaling::absmax: a factor of `scale`
    std::uint32_t scale_code = 0;  // of a block format's shared scale
    Overflow overflow = Overflow::saturate;

    const std::string& id() const { return block ? block->id : numbers->id(); }
    const std::string& name() const { return block ? block->name : numbers->name(); }
    double bits_per_value() const {
        return block ? block->bits_per_value() : static_cast<double>(numbers->bits());
    }
    std::uint32_t encode(double value) const;
    /// What becomes of `value`.
    double stored(double value) const;
    /// The distinct finite values in [low, high], rising; nothing when there are more than `limit`.
    std::vector<double> values_between(double low, double high, std::int64_t limit) const;
    std::int64_t count_between(double low, double high) const;
    double largest() const { return numbers->largest() * scale; }
    double lowest() const { return numbers->lowest() * scale; }
    double smallest() const { return numbers->smallest() * scale; }
    /// The smallest value with all its mantissa bits; smallest() where there are no subnormals.
    double smallest_normal() const;
    /// The smallest x such that at least half of all values lie in [-x, x].
    double half_range() const { return half_share() * largest(); }
    /// That x as a share of the largest number.
    double half_share() const;
    /// The largest number over the smallest above zero.
    double range_ratio() const { return numbers->largest() / numbers->smallest(); }
    /// Around the finite number nearest to `value`; what lies beyond the ends rounds to them only
    /// when overflow saturates.
    Neighbourhood neighbourhood(double value) const;
};

/// The format under the scale that fits a tensor (or, for block formats, a block) whose largest
/// magnitude is `absmax`. `id` is a number format's or a block format's.
/// Throws Error::bad_param for an unknown id.
ScaledFormat scaled_format(std::string_view id, Scaling scaling, Overflow overflow, double absmax);

/// What storing a tensor costs. Block formats choose a scale for every block.
struct TensorFit {
    double signal = 0, noise = 0;  // sums of squares over the finite values
    double clipped = 0;            // share of values beyond the largest number that was there
    double zeros = 0;              // share of values that became zero
    double sqnr_db() const;        // infinite when nothing was lost
};
/// Values that are not finite are left out of the sums. Runs on all threads; the same bits on any
/// number of them.
TensorFit fit(const ScaledFormat& format, std::span<const float> values);

}  // namespace nibble
