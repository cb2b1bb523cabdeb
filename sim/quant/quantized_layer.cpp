#include "sim/quant/quantized_layer.hpp"

#include <algorithm>

#include "sim/core/parallel.hpp"
#include "sim/quant/double_quantization.hpp"

namespace nibble {
namespace {

constexpr std::size_t rows_a_task = 16;

struct Ranges {
    std::vector<float> low, high, stored;  // (row, group); stored extents with double quantization

    std::span<const float> row(const std::vector<float>& of, std::size_t r,
                               std::size_t groups) const {
        return of.empty() ? std::span<const float>{} : std::span(of).subspan(r * groups, groups);
    }
};

Ranges ranges_of(View<const float> rows, const Quantizer& q) {
    const auto cols = static_cast<std::size_t>(rows.cols);
    const std::size_t groups = q.groups_per_row(cols), length = q.run_length(cols);
    Ranges r;
    r.low.resize(static_cast<std::size_t>(rows.rows) * groups);
    r.high.resize(r.low.size());
    parallel_for(static_cast<std::size_t>(rows.rows), rows_a_task,
                 [&](std::size_t begin, std::size_t end) {
                     for (std::size_t i = begin; i < end; ++i) {
                         kernels::group_ranges({rows.row(static_cast<Index>(i)), cols}, length,
                                               std::span(r.low).subspan(i * groups, groups),
                                               std::span(r.high).subspan(i * groups, groups));
                     }
                 });
    if (q.granularity == Granularity::tensor) {
        std::fill(r.low.begin(), r.low.end(), *std::min_element(r.low.begin(), r.low.end()));
        std::fill(r.high.begin(), r.high.end(), *std::max_element(r.high.begin(), r.high.end()));
    }
    if (q.scale_format == ScaleFormat::double_quantized) {
        std::vector<float> extents(r.low.size());
        for (std::size_t i = 0; i < extents.size(); ++i) {
            extents[i] = q.extent(r.low[i], r.high[i]);
        }
        const DoubleQuantized stored(extents);
        for (std::size_t i = 0; i < extents.size(); ++i) {
            r.stored.push_back(stored.at(i));
        }
    }
    return r;
}

}  // namespace

Matrix<float> quantized_rows(View<const float> rows, const Quantizer& q) {
    Matrix<float> out(rows.rows, rows.cols);
    const auto cols = static_cast<std::size_t>(rows.cols);
    const std::size_t groups = q.groups_per_row(cols), length = q.run_length(cols);
    const Ranges ranges = ranges_of(rows, q);
    parallel_for(static_cast<std::size_t>(rows.rows), rows_a_task,
                 [&](std::size_t begin, std::size_t end) {
                     Scales scales;
                     for (std::size_t i = begin; i < end; ++i) {
                         const auto r = static_cast<Index>(i);
                         make_scales(q, ranges.row(ranges.low, i, groups),
                                     ranges.row(ranges.high, i, groups),
                                     ranges.row(ranges.stored, i, groups), scales);
                         quantize(q, {rows.row(r), cols}, length, scales,
                                  {.dequantized = {out.row(r), cols}});
                     }
                 });
    return out;
}

Matrix<float> QuantizedLayer::output(View<const float> x) const {
    Matrix<float> out(x.rows, weights.rows());
    if (!round_input) {
        multiply<float>(x, weights.view().transposed(), out.view());
        return out;
    }
    Matrix<float> rounded(x.rows, x.cols);
    for (Index t = 0; t < x.rows; ++t) {
        std::copy_n(x.row(t), x.cols, rounded.row(t));
    }
    round_input(rounded.view());
    multiply<float>(rounded.view(), weights.view().transposed(), out.view());
    return out;
}

OutputChange output_change(View<const float> weights, const QuantizedLayer& layer,
                           View<const float> x) {
    Matrix<float> exact(x.rows, weights.rows);
    multiply<float>(x, weights.transposed(), exact.view());
    OutputChange change;
    change.outputs = squared_distance(exact.view());
    if (layer.round_input) {
        change.moved = squared_distance(layer.output(x).view(), exact.view());
    } else {  // of the difference, so that small errors keep their digits
        change.moved = output_error(weights, layer.weights.view(), x);
    }
    return change;
}

double relative_output_error(View<const float> weights, const QuantizedLayer& layer,
                             View<const float> x) {
    return output_change(weights, layer, x).relative();
}

}  // namespace nibble
