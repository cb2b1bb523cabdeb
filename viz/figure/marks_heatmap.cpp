// A matrix as an image of at most one pixel a point. Where more cells than points meet, the cell
// farthest from zero stands for its neighbours: averaging would hide the lone outlier that the map
// is there to show.
#include <algorithm>
#include <array>
#include <cmath>

#include "viz/figure/plot.hpp"
#include "viz/figure/ticks.hpp"

namespace nibble {
namespace {

/// A matrix with `rows` x `cols` values, and how many cells of the original each stands for.
struct Pooled {
    int rows = 0, cols = 0, by_rows = 1, by_cols = 1;
    std::vector<float> values;  // (row, column)
};

Pooled pooled(const Heatmap& map, int most_rows, int most_cols) {
    Pooled p;
    p.by_rows = (map.rows + most_rows - 1) / most_rows;
    p.by_cols = (map.cols + most_cols - 1) / most_cols;
    p.rows = (map.rows + p.by_rows - 1) / p.by_rows;
    p.cols = (map.cols + p.by_cols - 1) / p.by_cols;
    if (p.by_rows == 1 && p.by_cols == 1) {
        p.values = map.cells;
        return p;
    }
    p.values.assign(static_cast<std::size_t>(p.rows) * static_cast<std::size_t>(p.cols), NAN);
    const float* cell = map.cells.data();
    for (int row = 0; row < map.rows; ++row) {
        float* const out = p.values.data() + static_cast<std::ptrdiff_t>(row / p.by_rows) * p.cols;
        for (int col = 0, column = 0, left = p.by_cols; col < map.cols; ++col, ++cell) {
            if (left-- == 0) {
                ++column;
                left = p.by_cols - 1;
            }
            if (!(std::abs(*cell) <= std::abs(out[column]))) {  // also replaces the initial NaN
                out[column] = std::isnan(*cell) ? out[column] : *cell;
            }
        }
    }
    return p;
}

/// 256 colours from the low to the high end of the colour bar.
std::array<Color, 256> colour_table(const Heatmap& map, ThemeKind kind) {
    std::array<Color, 256> table;
    for (std::size_t k = 0; k < table.size(); ++k) {
        const double share = static_cast<double>(k) / 255;
        table[k] = map.is_signed ? signed_color(2 * share - 1, kind) : magnitude_color(share);
    }
    return table;
}

/// Missing cells: a checkerboard of two greys, unlike any colour of the ramps.
Color missing(int row, int col, const Theme& theme) {
    return (row + col) % 2 == 0 ? theme.line : theme.grid;
}

Image image_of(const Heatmap& map, const Pooled& p, const Rect& area, const Theme& theme) {
    const std::array<Color, 256> table = colour_table(map, theme.kind);
    const double reach = std::max(std::abs(map.low), std::abs(map.high));
    const double low = map.is_signed ? -reach : map.low;
    const double high = map.is_signed ? reach : map.high;
    const auto to_index = static_cast<float>(high > low ? 255 / (high - low) : 0);
    auto pixels = std::make_shared<std::vector<Color>>();
    pixels->reserve(p.values.size());
    for (int row = 0; row < p.rows; ++row) {
        const int from = map.row0_at_bottom ? p.rows - 1 - row : row;
        const float* const cells = p.values.data() + static_cast<std::ptrdiff_t>(from) * p.cols;
        for (int col = 0; col < p.cols; ++col) {
            const float v = cells[col];
            const float at = std::clamp((v - static_cast<float>(low)) * to_index, 0.0F, 255.0F);
            pixels->push_back(std::isnan(v) || std::isnan(at)
                                  ? missing(row, col, theme)
                                  : table[static_cast<std::size_t>(at + 0.5F)]);
        }
    }
    return {area, p.cols, p.rows, std::move(pixels)};
}

/// The rows as shown, top first.
std::vector<float> shown_rows(Pooled& p, bool row0_at_bottom) {
    if (row0_at_bottom) {
        for (int top = 0, bottom = p.rows - 1; top < bottom; ++top, --bottom) {
            std::swap_ranges(p.values.begin() + std::ptrdiff_t(top) * p.cols,
                             p.values.begin() + std::ptrdiff_t(top + 1) * p.cols,
                             p.values.begin() + std::ptrdiff_t(bottom) * p.cols);
        }
    }
    return std::move(p.values);
}

}  // namespace

void draw(const Heatmap& mark, Plot& plot) {
    const auto cells = static_cast<std::size_t>(std::max(mark.rows, 0)) *
                       static_cast<std::size_t>(std::max(mark.cols, 0));
    if (cells == 0 || mark.cells.size() != cells) {
        return;
    }
    const bool own_x = mark.x0 != mark.x1, own_y = mark.y0 != mark.y1;
    const double left = position(plot.x, own_x ? mark.x0 : 0);
    const double right = position(plot.x, own_x ? mark.x1 : mark.cols);
    const double a = position(plot.y, own_y ? mark.y0 : 0);
    const double b = position(plot.y, own_y ? mark.y1 : mark.rows);
    const auto [top, bottom] = std::minmax(a, b);
    const bool drawable = right > left && bottom > top && right - left < 1e6 && bottom - top < 1e6;
    if (!drawable) {
        return;
    }
    const Rect area = {static_cast<float>(left), static_cast<float>(top),
                       static_cast<float>(right - left), static_cast<float>(bottom - top)};
    Pooled p = pooled(mark, std::max(1, static_cast<int>(area.height)),
                      std::max(1, static_cast<int>(area.width)));
    plot.add(image_of(mark, p, area, plot.theme));
    const float x0 = std::max(area.x, plot.frame.x), y0 = std::max(area.y, plot.frame.y);
    const Rect visible = {x0, y0, std::min(area.right(), plot.frame.right()) - x0,
                          std::min(area.bottom(), plot.frame.bottom()) - y0};
    plot.picture = visible;
    GridHover grid;
    grid.area = area;
    grid.visible = visible;
    grid.rows = p.rows;
    grid.cols = p.cols;
    grid.pooled_rows = p.by_rows;
    grid.pooled_cols = p.by_cols;
    grid.source_rows = mark.rows;
    grid.source_cols = mark.cols;
    grid.values = std::make_shared<std::vector<float>>(shown_rows(p, mark.row0_at_bottom));
    grid.row0_at_bottom = mark.row0_at_bottom;
    grid.label = mark.label;
    grid.unit = mark.unit;
    grid.plot = plot.index;
    grid.pick_row_param = mark.pick_row_param;
    grid.pick_col_param = mark.pick_col_param;
    plot.scene.grids.push_back(std::move(grid));
}

}  // namespace nibble
