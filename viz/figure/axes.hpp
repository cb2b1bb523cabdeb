// The surroundings of a plot: title, key, tick labels, axis names, footnote and colour bar, and the
// frame that is left over for the data.
#pragma once

#include <string>
#include <vector>

#include "viz/figure/labels.hpp"
#include "viz/figure/plot.hpp"
#include "viz/figure/ticks.hpp"

namespace nibble {

/// Distances around a plot, in points at scale 1.
namespace spacing {
inline constexpr float tick_length = 4, tick_gap = 4, title_line = 16, title_gap = 8,
                       name_line = 18, footer_line = 20, key_gap = 4;
}

/// How the names under a bar chart are set.
enum class NameStyle : std::uint8_t { flat, wrapped, upright };

/// The layout of one figure before anything is drawn.
struct Plan {
    const Figure* figure = nullptr;
    Rect box;  // everything
    Reach reach;
    std::vector<std::string> title;
    std::vector<KeyEntry> wanted_key;  // what must be named above the plot
    std::vector<KeyEntry> key;         // what there is room for
    bool key_beside_title = false;
    NameStyle names = NameStyle::flat;
    float name_height = 0;      // of tick labels under the plot
    float top = 0, bottom = 0;  // what the surroundings take; figures of a row share the larger
    float own_top = 0, own_bottom = 0;  // what this figure's own take
    bool two_footers = false;           // footnote and colour bar do not fit beside each other
    int left_out = 0;  // in a small box: 1 axis names and footnote, 2 also title and key, 3 all
    float least_left = 0, least_right = 0;  // kept free beside the frame, to line up with others
    float slack = 0;                        // how far a tick label may stick out at the right
    Rect frame;
    AxisTicks x_ticks, y_ticks;
};

/// The font of tick labels.
Font tick_font(const Theme& theme);
/// "label, 10⁶ unit"
std::string axis_name(const Axis& axis, const std::string& factor);
/// Whether bars or lanes name the positions of the axis.
bool has_names(const Axis& axis, const std::vector<std::string>& names);
/// The first heat map of the figure that wants a colour bar, or null.
const Heatmap* colour_bar_of(const Figure& figure);

/// The numbers at the ends of a colour bar, and the width of them and the shortest bar between.
struct ColourBar {
    std::string low, high;
    float least_width = 0;
};
ColourBar colour_bar(const Heatmap& map, const Theme& theme, const TextMeasure& measure);

/// What can only be named above the plot: series of bars, rules that fill it from top to bottom.
std::vector<KeyEntry> certain_key(const Figure& figure);
/// Title, key and names: sets `title`, `names`, `top` and `bottom`.
void plan_surroundings(Plan& plan, const Theme& theme, const TextMeasure& measure);
/// Frame and ticks, once `top` and `bottom` are final.
void plan_frame(Plan& plan, const Theme& theme, const TextMeasure& measure);

void draw_title(const Plan& plan, Scene& scene, const Theme& theme, const TextMeasure& measure);
/// What lies under the data.
void draw_grid(const Plan& plan, Plot& plot);
/// What lies around the data.
void draw_axes(const Plan& plan, Plot& plot);
void draw_footer(const Plan& plan, Plot& plot);

}  // namespace nibble
