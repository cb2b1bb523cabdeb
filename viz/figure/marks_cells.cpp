// Memory blocks and bits: equal cells in reading order, with headings over runs of them.
#include <algorithm>
#include <cmath>

#include "viz/figure/plot.hpp"

namespace nibble {
namespace {

constexpr std::size_t most_hovers = 4096;

struct Grid {
    int columns = 1, rows = 1;
    float side_x = 0, side_y = 0;  // of a cell with its gap
    float heading = 0;             // above each row of cells, when there are headings
    float gap = 1, radius = 2;
    int gap_every = 0;  // columns between wider gaps
    float wide_gap = 0;
    Point origin;
};

Font cell_name_font(const Plot& plot) {
    return {Face::text, 11.0F * plot.theme.scale};
}

/// Width of the column of row names, with the space behind it.
float names_width(const Cells& mark, const Plot& plot) {
    float width = 0;
    for (const std::string& name : mark.row_names) {
        width = std::max(width, plot.text_width(name, cell_name_font(plot)));
    }
    constexpr float most = 0.3F;  // of the frame
    return width > 0 ? std::min(width, plot.frame.width * most) + 8 * plot.theme.scale : 0;
}

Grid grid_of(const Cells& mark, const Plot& plot) {
    const float s = plot.theme.scale;
    Grid g;
    g.columns = std::max(1, mark.columns);
    const int count = static_cast<int>(mark.items.size());
    g.rows = (count + g.columns - 1) / g.columns;
    g.heading = mark.groups.empty() ? 0 : 20 * s;
    const Rect& f = plot.frame;
    const float names = names_width(mark, plot);
    g.gap_every = std::max(0, mark.gap_every);
    const int gaps = g.gap_every > 0 ? (g.columns - 1) / g.gap_every : 0;
    g.wide_gap = gaps > 0 ? std::min(6 * s, 0.1F * f.width / static_cast<float>(gaps)) : 0;
    const float room = f.width - names - g.wide_gap * static_cast<float>(gaps);
    const float wide = std::max(0.0F, room) / static_cast<float>(g.columns);
    const float high = std::max(1.0F, f.height / static_cast<float>(g.rows) - g.heading);
    // Square where it can be; stretched as far as allowed to use the room.
    const auto most_stretch = static_cast<float>(std::clamp(mark.stretch, 1.0, 100.0));
    const auto whole = [](float side) {  // keeps every gap the same, unless cells get too small
        return side >= 4 ? std::floor(side) : side;
    };
    g.side_x = whole(std::min({wide, high * most_stretch, 44 * s}));
    g.side_y = whole(std::min({high, g.side_x * most_stretch, 44 * s}));
    const float side = std::min(g.side_x, g.side_y);
    g.gap = side >= 24 ? 3 : side >= 5 ? 2 : side >= 3 ? 1 : 0;
    g.radius = side >= 24 ? 4 * s : side * 0.2F;
    g.origin = {f.x + names, f.y};
    return g;
}

Rect cell_rect(const Grid& g, std::size_t item) {
    const auto column = static_cast<float>(item % static_cast<std::size_t>(g.columns));
    const auto row = static_cast<float>(item / static_cast<std::size_t>(g.columns));
    const auto before =
        g.gap_every > 0 ? static_cast<float>(static_cast<int>(column) / g.gap_every) * g.wide_gap
                        : 0;
    return {g.origin.x + column * g.side_x + before,
            g.origin.y + row * (g.side_y + g.heading) + g.heading, g.side_x - g.gap,
            g.side_y - g.gap};
}

void draw_cell(const Cells::Item& item, const Rect& rect, const Grid& g, Plot& plot) {
    const Theme& theme = plot.theme;
    const Color color = plot.color(item.role);
    const double filled = std::isfinite(item.filled) ? std::clamp(item.filled, 0.0, 1.0) : 0;
    if (item.outlined) {
        const float w = theme.hairline();
        const Color empty = theme.kind == ThemeKind::print ? theme.grid : theme.line;
        plot.add(
            StrokeRect{rect.inset(w / 2), item.role == Role::muted ? empty : color, w, g.radius});
    } else if (filled >= 1) {
        plot.add(FillRect{rect, color, g.radius});
    } else {
        plot.add(FillRect{rect, color.with_alpha(0.28), g.radius});
        if (filled > 0) {
            Rect used = rect;
            used.width = std::max(1.0F, snap(rect.width * filled));
            plot.add(FillRect{used, color, std::min(g.radius, used.width / 2)});
        }
    }
    const Font font = {Face::mono, std::min(12.0F * theme.scale, rect.height * 0.55F)};
    if (!item.text.empty() && font.size >= 7 &&
        plot.text_width(item.text, font) + 4 <= rect.width) {
        const Color on = item.outlined || filled < 0.5 ? theme.text : ink_on(color);
        plot.add(TextRun{rect.centre(), item.text, font, on, HAlign::centre, VAlign::middle});
    }
}

/// A heading and a line over the cells of its group, on each row only as far as the row goes.
void draw_headings(const Cells& mark, const Grid& g, Plot& plot) {
    const Theme& theme = plot.theme;
    const Font font = {Face::medium, 11.0F * theme.scale};
    const std::size_t groups = std::min(mark.groups.size(), mark.group_starts.size());
    for (std::size_t k = 0; k < groups; ++k) {
        const auto first = static_cast<std::size_t>(std::max(mark.group_starts[k], 0));
        std::size_t end = k + 1 < groups
                              ? static_cast<std::size_t>(std::max(mark.group_starts[k + 1], 0))
                              : mark.items.size();
        const auto columns = static_cast<std::size_t>(g.columns);
        end = std::min({end, mark.items.size(), (first / columns + 1) * columns});
        if (first >= end) {
            continue;
        }
        const Rect from = cell_rect(g, first), to = cell_rect(g, end - 1);
        const float width = to.right() - from.x;
        const Role role = mark.items[first].role;
        const float line_y = from.y - 4;
        plot.add(FillRect{{from.x, line_y, width, theme.hairline()}, plot.color(role)});
        plot.add(TextRun{{from.x, line_y - 4 * theme.scale},
                         shortened(mark.groups[k], font, width + g.gap, plot.measure),
                         font,
                         ink(plot.color(role), theme)});
    }
}

/// Names beside the rows; in rows lower than a letter only every second, fourth ...
void draw_row_names(const Cells& mark, const Grid& g, Plot& plot) {
    const Font font = cell_name_font(plot);
    const std::size_t rows = std::min(mark.row_names.size(), static_cast<std::size_t>(g.rows));
    std::size_t every = 1;
    while (static_cast<float>(every) * (g.side_y + g.heading) < font.size + 3) {
        every *= 2;
    }
    const float right = g.origin.x - 8 * plot.theme.scale;
    float used = -INFINITY;  // down to here by the name before
    for (std::size_t row = 0; row < rows; row += every) {
        const Rect first = cell_rect(g, row * static_cast<std::size_t>(g.columns));
        // The name of a low row at the very top would stand beyond the frame. Digits are half as
        // high as their line.
        const float middle = std::max(first.centre().y, plot.frame.y + font.size / 4);
        if (middle - font.size / 2 < used || middle + font.size / 2 > plot.frame.bottom() + 2) {
            continue;
        }
        used = middle + font.size / 2 + 1;
        plot.add(TextRun{{right, middle},
                         shortened(mark.row_names[row], font, right - plot.frame.x, plot.measure),
                         font,
                         plot.theme.muted,
                         HAlign::right,
                         VAlign::middle});
    }
}

}  // namespace

void draw(const Cells& mark, Plot& plot) {
    if (mark.items.empty()) {
        return;
    }
    const Grid g = grid_of(mark, plot);
    const std::size_t stride = (mark.items.size() + most_hovers - 1) / most_hovers;
    for (std::size_t i = 0; i < mark.items.size(); ++i) {
        const Cells::Item& item = mark.items[i];
        const Rect rect = cell_rect(g, i);
        draw_cell(item, rect, g, plot);
        const bool tells = !item.label.empty() || !item.text.empty() || !mark.pick.param.empty();
        if (tells && i % stride == 0) {
            plot.scene.hovers.push_back({rect.inset(-g.gap / 2),
                                         item.label.empty() ? item.text : item.label,
                                         picked(mark.pick, i)});
        }
    }
    draw_headings(mark, g, plot);
    draw_row_names(mark, g, plot);
    plot.content_bottom = cell_rect(g, mark.items.size() - 1).bottom();
}

}  // namespace nibble
