#include "sim/quant/rtn.hpp"

#include "kernels/quantize/ops.hpp"
#include "sim/core/parallel.hpp"

namespace nibble {

IntegerWeights round_to_nearest(View<const float> weights, const IntegerFormat& format) {
    IntegerWeights out(format, weights.rows, weights.cols);
    const auto cols = static_cast<std::size_t>(weights.cols);
    const auto groups = static_cast<std::size_t>(out.groups());
    const auto length = static_cast<std::size_t>(format.group_length(weights.cols));
    const kernels::IntegerGrid grid{0, (1 << format.bits) - 1};
    parallel_for(
        static_cast<std::size_t>(weights.rows), 16, [&](std::size_t begin, std::size_t end) {
            std::vector<float> low(groups), high(groups), finding(groups);
            std::vector<std::int16_t> codes(cols);
            for (std::size_t r = begin; r < end; ++r) {
                const std::span<const float> row(weights.row(static_cast<Index>(r)), cols);
                const auto scales = std::span(out.scales).subspan(r * groups, groups);
                const auto zeros = std::span(out.zeros).subspan(r * groups, groups);
                kernels::group_ranges(row, length, low, high);
                for (std::size_t g = 0; g < groups; ++g) {
                    const GroupScale s = format.group_scale(low[g], high[g]);
                    finding[g] = s.scale;
                    scales[g] = s.stored;
                    zeros[g] = s.zero;
                }
                kernels::quantize(row, length, {finding, scales, zeros}, grid, {.codes = codes});
                std::copy(codes.begin(), codes.end(),
                          out.codes.begin() + static_cast<Index>(r * cols));
            }
        });
    return out;
}

}  // namespace nibble
