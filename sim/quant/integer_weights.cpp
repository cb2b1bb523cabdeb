#include "sim/quant/integer_weights.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "kernels/formats/float_format.hpp"
#include "sim/core/parallel.hpp"
#include "sim/core/text.hpp"

namespace nibble {
namespace {

constexpr float largest_fp16 = 65504, smallest_fp16 = 0x1p-24F;
constexpr float smallest_scale = 0x1p-126F;  // below, quotients would lose digits or not be finite

float stored_scale(float scale, ScaleFormat format) {
    if (format == ScaleFormat::fp32) {
        return scale;
    }
    if (scale > largest_fp16) {
        throw Error(Error::Code::bad_param,
                    fmt::format("a group needs the scale {}, FP16 ends at 65504",
                                format_number(static_cast<double>(scale))),
                    "store the scales as FP32 (--scale_format fp32), or rescale the weights");
    }
    return formats::to_float<formats::fp16>(formats::float_to_f16(std::max(scale, smallest_fp16)));
}

}  // namespace

GroupScale IntegerFormat::group_scale(float low, float high) const {
    const float middle = static_cast<float>(1 << (bits - 1));
    const auto with = [&](float scale, float zero) {
        return GroupScale{scale, stored_scale(scale, scale_format), zero};
    };
    if (rule == RangeRule::awq) {
        constexpr float narrowest = 1e-5F;
        if (symmetric) {
            const float most = std::max({std::abs(low), std::abs(high), narrowest});
            return with(most / (middle - 1), middle);
        }
        const float scale = std::max(high - low, narrowest) / max_code();
        return with(scale, std::clamp(-std::nearbyint(low / scale), 0.0F, max_code()));
    }
    low = std::min(low, 0.0F);
    high = std::max(high, 0.0F);
    if (symmetric) {
        high = std::max(-low, high);
        low = -high;
    }
    if (low == 0 && high == 0) {
        low = -1;
        high = 1;
    }
    const float scale = std::max((high - low) / max_code(), smallest_scale);
    return with(scale, symmetric ? middle : std::nearbyint(-low / scale));
}

IntegerWeights::IntegerWeights(const IntegerFormat& integer_format, Index row_count,
                               Index col_count)
    : format(integer_format),
      rows(row_count),
      cols(col_count),
      codes(static_cast<std::size_t>(row_count * col_count)),
      scales(static_cast<std::size_t>(row_count * integer_format.groups(col_count))),
      zeros(scales.size()),
      group_of(static_cast<std::size_t>(col_count)) {
    const Index length = format.group_length(cols);
    for (Index c = 0; c < cols; ++c) {
        group_of[static_cast<std::size_t>(c)] = static_cast<std::int32_t>(c / length);
    }
}

bool IntegerWeights::is_scattered() const {
    return !std::is_sorted(group_of.begin(), group_of.end());
}

Matrix<float> IntegerWeights::dequantize() const {
    Matrix<float> out(rows, cols);
    const Index count = groups();
    parallel_for(static_cast<std::size_t>(rows), 16, [&](std::size_t begin, std::size_t end) {
        for (auto r = static_cast<Index>(begin); r < static_cast<Index>(end); ++r) {
            const std::uint8_t* code = codes.data() + r * cols;
            const float* scale = scales.data() + r * count;
            const float* zero = zeros.data() + r * count;
            float* w = out.row(r);
            for (Index c = 0; c < cols; ++c) {
                const std::int32_t g = group_of[static_cast<std::size_t>(c)];
                w[c] = (static_cast<float>(code[c]) - zero[g]) * scale[g];
            }
        }
    });
    return out;
}

double IntegerWeights::stored_bits() const {
    const auto scale_count = static_cast<double>(scales.size());
    const double scale_bits = format.scale_format == ScaleFormat::fp32 ? 32 : 16;
    return static_cast<double>(codes.size()) * format.bits +
           scale_count * (scale_bits + (format.symmetric ? 0 : format.bits)) +
           (is_scattered() ? 32.0 * static_cast<double>(cols) : 0);
}

void check_finite(View<const float> values, const char* what) {
    if (values.rows == 0 || values.cols == 0) {
        throw Error(Error::Code::bad_param,
                    fmt::format("{} is {} x {}", what, values.rows, values.cols),
                    "it needs at least one row and one column");
    }
    for (Index r = 0; r < values.rows; ++r) {
        const float* row = values.row(r);
        float sum = 0;  // of x - x: 0, or NaN when any x is not finite
        for (Index c = 0; c < values.cols; ++c) {
            sum += row[c] - row[c];
        }
        for (Index c = 0; sum != 0 && c < values.cols; ++c) {
            if (!std::isfinite(row[c])) {
                throw Error(Error::Code::bad_param,
                            fmt::format("{} holds {} at row {}, column {}", what,
                                        format_number(static_cast<double>(row[c])), r, c),
                            "quantization needs finite numbers: was the model diverging?");
            }
        }
    }
}

}  // namespace nibble
