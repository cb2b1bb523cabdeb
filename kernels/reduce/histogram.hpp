// The bins of the histogram ladder: fixed, because a Job has no place for them. They reach to about
// three standard deviations of weights with 0.02, as trained layers have.
#pragma once

namespace nibble::kernels {

inline constexpr int histogram_bins = 256;
inline constexpr float histogram_low = -0.0625f, histogram_high = 0.0625f;
/// After the bins: values below, values above, NaN.
inline constexpr int histogram_counts = histogram_bins + 3;

}  // namespace nibble::kernels
