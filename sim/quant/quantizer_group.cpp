// One group of the quantizer lab's matrix, quantized again to be looked at.
#include <algorithm>

#include "sim/quant/quantizer_sweep.hpp"

namespace nibble::quant {

GroupView look_at_group(const Data& data, std::size_t row, std::size_t col) {
    const WeightSource& source = *data.source;
    const std::size_t run = data.chosen.run_length(source.cols);
    GroupView view;
    view.row = std::min(row, source.rows - 1);
    view.group = std::min(col, source.cols - 1) / run;
    view.first_col = view.group * run;
    view.size = std::min(run, source.cols - view.first_col);
    std::vector<float> values(view.size);
    source.read(view.row, view.first_col, values);
    data.outliers.apply(view.row, view.first_col, values);

    Quantizer q = data.chosen;
    std::vector<float> low(1, data.low), high(1, data.high), stored;
    if (q.granularity != Granularity::tensor) {
        kernels::group_ranges(values, view.size, low, high);
    }
    const auto visited = std::lower_bound(data.rows.begin(), data.rows.end(), view.row);
    if (q.scale_format == ScaleFormat::double_quantized) {
        if (visited != data.rows.end() && *visited == view.row) {
            const auto slot = static_cast<std::size_t>(visited - data.rows.begin());
            stored.push_back(
                data.stored_extents.at(slot * q.groups_per_row(source.cols) + view.group));
        } else {
            q.scale_format = ScaleFormat::fp32;  // a row that the preview left out
        }
    }
    Scales scales;
    make_scales(q, low, high, stored, scales);
    view.low = low[0];
    view.high = high[0];
    view.scale = static_cast<double>(scales.scale[0]);
    view.stored_scale = static_cast<double>(scales.stored_scale[0]);
    view.zero_point = static_cast<double>(scales.zero_point[0]);
    view.squared_error = quantize(q, values, view.size, scales).squared;
    for (const double level : unit_levels(q)) {
        view.levels.push_back((level - view.zero_point) * view.stored_scale / data.sigma);
    }
    return view;
}

std::vector<double> tensor_levels(const Data& data) {
    Scales scales;
    const std::vector<float> low(1, data.low), high(1, data.high);
    make_scales(data.tensor, low, high, {}, scales);
    std::vector<double> levels;
    for (const double level : unit_levels(data.tensor)) {
        levels.push_back((level - static_cast<double>(scales.zero_point[0])) *
                         static_cast<double>(scales.stored_scale[0]) / data.sigma);
    }
    return levels;
}

}  // namespace nibble::quant
