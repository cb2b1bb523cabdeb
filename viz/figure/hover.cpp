// What is under the pointer.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "viz/figure/scene.hpp"
#include "viz/figure/ticks.hpp"

namespace nibble {
namespace {

/// "row 3", or "rows 3 to 6" when several are shown as one.
std::string range_of(const char* one, int shown, int pooled, int source) {
    const int first = shown * pooled, last = std::min(first + pooled, source) - 1;
    return first == last ? fmt::format("{} {}", one, first)
                         : fmt::format("{}s {} to {}", one, first, last);
}

HoverSpot grid_spot(const Scene& scene, const GridHover& grid, Point at) {
    const auto index = [](float offset, float length, int count) {
        return std::clamp(static_cast<int>(offset / length * static_cast<float>(count)), 0,
                          count - 1);
    };
    const int col = index(at.x - grid.area.x, grid.area.width, grid.cols);
    const int row = index(at.y - grid.area.y, grid.area.height, grid.rows);
    const float width = grid.area.width / static_cast<float>(grid.cols);
    const float height = grid.area.height / static_cast<float>(grid.rows);
    const float value =
        grid.values->at(static_cast<std::size_t>(row) * static_cast<std::size_t>(grid.cols) +
                        static_cast<std::size_t>(col));
    const int matrix_row = grid.row0_at_bottom ? grid.rows - 1 - row : row;
    HoverSpot spot;
    spot.area = {grid.area.x + static_cast<float>(col) * width,
                 grid.area.y + static_cast<float>(row) * height, width, height};
    spot.text = range_of("row", matrix_row, grid.pooled_rows, grid.source_rows) + ", " +
                range_of("column", col, grid.pooled_cols, grid.source_cols) + "\n" +
                (grid.label.empty() ? "value" : grid.label) + ": " +
                (std::isnan(value) ? "missing" : format_value(value, NumberStyle::plain)) +
                (grid.unit.empty() || std::isnan(value) ? "" : " " + grid.unit);
    if (grid.pooled_rows * grid.pooled_cols > 1) {
        spot.text += fmt::format("\nfarthest from zero of {} × {} cells", grid.pooled_rows,
                                 grid.pooled_cols);
    }
    const PlotArea& plot = scene.plots.at(grid.plot);
    if (!grid.pick_col_param.empty()) {
        spot.set.emplace_back(grid.pick_col_param, plot.x.invert(at.x));
    }
    if (!grid.pick_row_param.empty()) {
        spot.set.emplace_back(grid.pick_row_param, plot.y.invert(at.y));
    }
    return spot;
}

}  // namespace

std::optional<HoverSpot> hover_at(const Scene& scene, Point at) {
    const auto spot = std::find_if(scene.hovers.rbegin(), scene.hovers.rend(),
                                   [at](const HoverSpot& s) { return s.area.contains(at); });
    if (spot != scene.hovers.rend()) {
        return *spot;
    }
    for (auto grid = scene.grids.rbegin(); grid != scene.grids.rend(); ++grid) {
        if (grid->visible.contains(at)) {
            return grid_spot(scene, *grid, at);
        }
    }
    return std::nullopt;
}

}  // namespace nibble
