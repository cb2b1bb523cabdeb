#include "sim/quant/quantizer.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "kernels/formats/packed_formats.hpp"
#include "sim/core/arithmetic.hpp"
#include "sim/core/error.hpp"
#include "sim/quant/double_quantization.hpp"

namespace nibble {
namespace {

/// What a scheme's codes are, of those that are no integers.
const kernels::PackedLayout& layout_of(Scheme scheme) {
    switch (scheme) {
        case Scheme::nf4:
            return layout(kernels::PackedFormat::nf4);
        case Scheme::fp4:
            return layout(kernels::PackedFormat::fp4);
        case Scheme::fp8_e4m3:
            return layout(kernels::PackedFormat::fp8_e4m3);
        default:
            return layout(kernels::PackedFormat::fp8_e5m2);
    }
}

const formats::NumberFormat& codes_of(Scheme scheme) {
    return *layout_of(scheme).codes;
}

/// FP4's levels rising and without its second zero.
const std::vector<float>& rising_fp4() {
    static const std::vector<float> levels = [] {
        std::vector<float> v(formats::fp4_levels.begin(), formats::fp4_levels.end());
        std::sort(v.begin(), v.end());
        v.erase(std::unique(v.begin(), v.end()), v.end());  // -0 == 0
        return v;
    }();
    return levels;
}

/// FP16's nearest number, halves to even, kept between its smallest and its largest.
float through_fp16(float value) {
    constexpr auto smallest = static_cast<float>(formats::fp16.smallest());
    constexpr auto largest = static_cast<float>(formats::fp16.largest());
    return formats::to_float<formats::fp16>(
        formats::float_to_f16(std::clamp(value, smallest, largest)));
}

}  // namespace

int Quantizer::code_bits() const {
    return is_integer() ? bits : codes_of(scheme).bits();
}

std::size_t Quantizer::run_length(std::size_t cols) const {
    return granularity == Granularity::group ? std::min(group_size, cols) : cols;
}

std::size_t Quantizer::groups_per_row(std::size_t cols) const {
    return ceil_div(cols, run_length(cols));
}

std::size_t Quantizer::scales(std::size_t rows, std::size_t cols) const {
    return granularity == Granularity::tensor ? 1 : rows * groups_per_row(cols);
}

kernels::IntegerGrid Quantizer::integer_grid() const {
    if (scheme == Scheme::zero_point) {
        return {0, (1 << bits) - 1};
    }
    const int half = 1 << (bits - 1);
    return full_range ? kernels::IntegerGrid{-half, half - 1}
                      : kernels::IntegerGrid{-(half - 1), half - 1};
}

kernels::Grid Quantizer::grid() const {
    switch (scheme) {
        case Scheme::nf4:
            return kernels::Codebook{formats::nf4_levels.level};
        case Scheme::fp4:
            return kernels::Codebook{rising_fp4(), true};
        case Scheme::fp8_e4m3:
        case Scheme::fp8_e5m2:
            return codes_of(scheme).floating;
        default:
            return integer_grid();
    }
}

double Quantizer::steps() const {
    switch (scheme) {
        case Scheme::absmax:
            return full_range ? ((1 << bits) - 1) / 2.0 : (1 << (bits - 1)) - 1;
        case Scheme::zero_point:
            return (1 << bits) - 1;
        default:
            return codes_of(scheme).largest();
    }
}

float Quantizer::extent(float low, float high) const {
    return scheme == Scheme::zero_point ? std::max(high, 0.0F) - std::min(low, 0.0F)
                                        : std::max(std::abs(low), std::abs(high));
}

std::string granularity_name(const Quantizer& q) {
    switch (q.granularity) {
        case Granularity::tensor:
            return "per tensor";
        case Granularity::channel:
            return "per channel";
        default:
            return fmt::format("groups of {}", q.group_size);
    }
}

std::string scheme_name(const Quantizer& q) {
    switch (q.scheme) {
        case Scheme::absmax:
            return fmt::format("INT{} absmax", q.bits);
        case Scheme::zero_point:
            return fmt::format("INT{} zero point", q.bits);
        default:
            return std::string(layout_of(q.scheme).label);
    }
}

StorageBits storage(const Quantizer& q, std::size_t rows, std::size_t cols) {
    const auto weights = static_cast<double>(rows) * static_cast<double>(cols);
    const std::size_t count = q.scales(rows, cols);
    double scale_bits = 0;
    switch (q.scale_format) {
        case ScaleFormat::fp16:
            scale_bits = 16.0 * static_cast<double>(count);
            break;
        case ScaleFormat::fp32:
            scale_bits = 32.0 * static_cast<double>(count);
            break;
        case ScaleFormat::double_quantized:
            scale_bits = static_cast<double>(8 * count + 32) +
                         32.0 * static_cast<double>(ceil_div(count, DoubleQuantized::block));
            break;
    }
    const double zero_bits =
        q.scheme == Scheme::zero_point ? q.bits * static_cast<double>(count) : 0;
    return {static_cast<double>(q.code_bits()), scale_bits / weights, zero_bits / weights};
}

void make_scales(const Quantizer& q, std::span<const float> low, std::span<const float> high,
                 std::span<const float> stored_extent, Scales& out) {
    NIBBLE_ASSERT((q.scale_format == ScaleFormat::double_quantized) == !stored_extent.empty(),
                  "double quantization, and nothing else, brings its own extents");
    const std::size_t count = low.size();
    const double steps = q.steps();
    out.scale.resize(count);
    out.stored_scale.resize(count);
    out.zero_point.resize(count);
    for (std::size_t g = 0; g < count; ++g) {
        float scale = static_cast<float>(static_cast<double>(q.extent(low[g], high[g])) / steps);
        scale = scale > 0 ? scale : 1.0F;
        if (q.scale_format == ScaleFormat::fp16) {
            scale = through_fp16(scale);
        }
        out.scale[g] = scale;
        out.stored_scale[g] =
            stored_extent.empty()
                ? scale
                : static_cast<float>(static_cast<double>(stored_extent[g]) / steps);
        out.zero_point[g] = q.scheme == Scheme::zero_point
                                ? std::clamp(std::nearbyint(-std::min(low[g], 0.0F) / scale), 0.0F,
                                             static_cast<float>((1 << q.bits) - 1))
                                : 0.0F;
    }
}

std::vector<double> unit_levels(const Quantizer& q) {
    std::vector<double> levels;
    if (q.is_integer()) {
        const kernels::IntegerGrid grid = q.integer_grid();
        for (int code = grid.low; code <= grid.high; ++code) {
            levels.push_back(code);
        }
    } else if (q.code_bits() == 4) {
        if (q.scheme == Scheme::nf4) {
            levels.assign(formats::nf4_levels.begin(), formats::nf4_levels.end());
        } else {
            levels.assign(rising_fp4().begin(), rising_fp4().end());
        }
    } else {
        const formats::FloatFormat& f = codes_of(q.scheme).floating;
        for (std::uint32_t code = 0; code <= f.largest_code(); ++code) {
            levels.push_back(decode(f, code));
            if (code > 0) {
                levels.push_back(-levels.back());
            }
        }
        std::sort(levels.begin(), levels.end());
    }
    return levels;
}

kernels::RoundingError quantize(const Quantizer& q, std::span<const float> values,
                                std::size_t group_size, const Scales& scales,
                                const kernels::QuantizeOut& out) {
    return std::visit(
        [&](const auto& grid) {
            return kernels::quantize(values, group_size, scales.view(), grid, out);
        },
        q.grid());
}

QuantizedRow quantize_row(const Quantizer& q, std::span<const float> row) {
    const std::size_t run = q.run_length(row.size()), groups = q.groups_per_row(row.size());
    std::vector<float> low(groups), high(groups);
    kernels::group_ranges(row, run, low, high);
    QuantizedRow result;
    make_scales(q, low, high, {}, result.scales);
    result.codes.resize(row.size());
    result.dequantized.resize(row.size());
    result.groups.resize(groups);
    result.error =
        quantize(q, row, run, result.scales, {result.codes, result.dequantized, result.groups});
    return result;
}

}  // namespace nibble
