// One figure while it is laid out: where it lies, its axes, what has been drawn, which labels wait
// for a place. Each kind of mark draws itself through it (marks_*.cpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "viz/figure/coverage.hpp"
#include "viz/figure/layout.hpp"
#include "viz/figure/limits.hpp"

namespace nibble {

/// Ticks at least this long leave no room for a label at their tips.
inline constexpr double full_length = 0.95;

/// What stands before the name in a key.
enum class Swatch : std::uint8_t { line, line_with_marker, marker, box, rule, none };

struct KeyEntry {
    std::string text;
    Role role = Role::subject;
    Swatch swatch = Swatch::line;
    friend bool operator==(const KeyEntry&, const KeyEntry&) = default;
};

/// A label that wants to stand near what it names.
struct LabelWish {
    enum class Kind : std::uint8_t {
        series,  // all of a figure, or none
        name,    // of a point: left out where there is no room
        rule,
        note,
        handle,
    };
    struct Candidate {
        Rect box;
        float cost = 0;  // lower is better; distance and awkwardness
    };
    Kind kind = Kind::series;
    KeyEntry key;  // what it becomes in a key when no candidate is free
    Owners owner = 0;
    std::vector<Candidate> candidates;
    std::optional<Point> leader;  // a thin line leads here when the label stands away from it
    float leader_gap = 0;         // the line stops this far before it
    std::size_t order = 0;        // in which the wishes came
    bool on_picture = false;      // stands on a heat map: gets a plate
};

struct Plot {
    Scene& scene;
    const Figure& figure;
    const Theme& theme;
    const TextMeasure& measure;
    Rect frame;
    AxisMap x, y;
    bool handles = true;
    std::size_t index = 0;  // in scene.plots
    Coverage coverage;
    const std::vector<KeyEntry>& in_key;  // named above the plot already
    std::vector<LabelWish> wishes = {};
    Owners owner = 0;                          // of the mark being drawn
    std::optional<float> content_bottom = {};  // of cells and tokens, which may not fill the frame
    std::optional<Rect> picture = {};          // area of a heat map, if there is one

    template <class Item>
    void add(Item item) {
        scene.add(std::move(item));
    }
    Color color(Role role) const { return theme.style(role).color; }
    float scaled(float points) const { return points * theme.scale; }
    float text_width(std::string_view text, Font font) const { return measure.width(text, font); }
    Font label_font() const { return {Face::medium, theme.small().size}; }
};

/// Axis value to points without overflow; NaN where the axis cannot show it (log of zero).
double position(const AxisMap& map, double value);
/// As position(), held within `slack` points of the axis' ends.
float clamped_position(const AxisMap& map, double value, float slack = 0);
/// Rounded to the pixel grid, so that one-pixel lines stay crisp.
float snap(double points);

/// Draw the mark: primitives, hovers, coverage, label wishes.
void draw(const Line& mark, Plot& plot);
void draw(const Points& mark, Plot& plot);
void draw(const Bars& mark, Plot& plot);
void draw(const Band& mark, Plot& plot);
void draw(const Histogram& mark, Plot& plot);
void draw(const Heatmap& mark, Plot& plot);
void draw(const Rule& mark, Plot& plot);
void draw(const Ticks& mark, Plot& plot);
void draw(const Note& mark, Plot& plot);
void draw(const Segments& mark, Plot& plot);
void draw(const Cells& mark, Plot& plot);
void draw(const Tree& mark, Plot& plot);
void draw(const Links& mark, Plot& plot);
void draw(const Tokens& mark, Plot& plot);
void draw(const Listing& mark, Plot& plot);
void draw(const Handle& mark, Plot& plot);

/// The value of an axis as a hover says it: "bits per code: 4 bit".
std::string told(const Axis& axis, double value, const char* otherwise);

/// What a click on item `index` of a picked mark sets.
std::vector<std::pair<std::string, Value>> picked(const Pick& pick, std::size_t index);

/// A series' symbol centred on `at`.
void draw_marker(Scene& scene, const RoleStyle& style, Point at, float radius);

/// A whole-pixel strip where a one-pixel line at `at` belongs: crisp on every canvas.
Rect hairline_x(const Plot& plot, double at, float top, float bottom);
Rect hairline_y(const Plot& plot, double at, float left, float right);

/// Boxes for a text of `size` around `at`, `reach` points away; each costs `cost` and a little for
/// its side.
void wish_around(LabelWish& wish, Point at, Size size, float reach, float cost);
/// A label wish for the mark being drawn; null when `text` is empty or in the key.
LabelWish* wish_for(Plot& plot, const std::string& text, Role role, LabelWish::Kind kind,
                    Swatch swatch);
/// Size of a label's box.
Size label_size(const Plot& plot, const std::string& text);
/// Wishes for places along a drawn path, its end first.
void wish_along(LabelWish& wish, const std::vector<Point>& path, Size size);

}  // namespace nibble
