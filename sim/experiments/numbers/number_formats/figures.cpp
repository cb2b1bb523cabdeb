// The figures of the number formats lab: bits, ticks, the interval close up, the tensor.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/experiments/numbers/number_formats/data.hpp"

namespace nibble::number_formats_lab {
namespace {

Figure histogram_figure(const ScaledFormat& f, const Data& data, const NumberWindow& w) {
    Figure figure{"tensor",
                  fmt::format("The numbers of {} among {}", f.name(), data.source),
                  "Histogram of the tensor's values with the format's numbers as ticks.",
                  {},
                  {},
                  {}};
    Histogram histogram{data.source, Role::baseline, {}, {}};
    if (w.scale == Scale::linear) {
        histogram.counts = data.by_value;
        for (std::size_t i = 0; i <= value_bins; ++i) {
            histogram.edges.push_back((2.0 * static_cast<double>(i) / value_bins - 1) *
                                      data.absmax);
        }
        figure.x = {.label = "value", .limits = {{w.low, w.high}}};
    } else {
        histogram.counts = data.by_magnitude;
        for (std::size_t i = 0; i <= magnitude_bins; ++i) {
            histogram.edges.push_back(data.absmax *
                                      std::exp2((static_cast<double>(i) - magnitude_bins) / 2.0));
        }
        figure.x = {.label = "magnitude", .scale = w.scale, .limits = {{w.low, w.high}}};
    }
    figure.y.hidden = true;
    const double tallest = *std::max_element(histogram.counts.begin(), histogram.counts.end());
    figure.y.limits = {{0, tallest > 0 ? 1.08 * tallest : 1}};
    if (data.absmax > 0) {
        figure.marks.emplace_back(std::move(histogram));
    }
    constexpr std::int64_t readable = 1024;
    Ticks ticks;
    ticks.length = 0.14;
    ticks.at = f.values_between(w.low, w.high, readable);
    if (f.count_between(w.low, w.high) > readable) {
        figure.title =
            fmt::format("{}; the numbers of {} are too dense to draw", data.source, f.name());
    }
    figure.marks.emplace_back(std::move(ticks));
    return figure;
}

}  // namespace

double reach_of(const Data& data) {
    return data.absmax > 0 ? data.absmax : 1;
}

std::vector<FigureRow> figures(const std::vector<ScaledFormat>& rows, double value,
                               const Data& data, const NumberWindow& window) {
    const ScaledFormat& chosen = rows.front();
    Figure bits = bits_figure(chosen, value), close_up = close_up_figure(chosen, value);
    Figure ticks = ticks_figure(rows, value, window);
    // The tensor stays in view whatever the value does.
    const NumberWindow whole = number_window(rows, 0, reach_of(data), 1, window.scale);
    Figure histogram = histogram_figure(chosen, data, whole);
    const int cells = std::get<Cells>(bits.marks.front()).columns;
    constexpr int most_beside = 20;  // more bits than this need the whole width to be read
    if (cells > most_beside) {
        return {{0.5, {std::move(bits)}},
                {1.6, {std::move(ticks)}},
                {1, {std::move(histogram), std::move(close_up)}}};
    }
    bits.width = cells > 12 ? 1.6 : 1;
    if (chosen.id() == "nf4") {
        // Sixteen levels need no close-up; where they come from is the better use of the place.
        bits.width = 0.42;
        return {{1.5, {std::move(bits), nf4_figure()}},
                {2, {std::move(ticks)}},
                {0.8, {std::move(histogram)}}};
    }
    return {{0.9, {std::move(bits), std::move(close_up)}},
            {2.1, {std::move(ticks)}},
            {0.9, {std::move(histogram)}}};
}

}  // namespace nibble::number_formats_lab
