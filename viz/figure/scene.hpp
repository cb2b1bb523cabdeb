// A laid-out picture: what layout() makes of a figure and every canvas paints.
//
// All positions are in points from the top left of the scene, y downwards. A scene is plain data,
// so the screen, SVG, PDF, PNG and the recording used by tests show the very same picture.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sim/core/figure.hpp"

namespace nibble {

struct Color {
    std::uint8_t r = 0, g = 0, b = 0, a = 255;
    friend bool operator==(const Color&, const Color&) = default;
    Color with_alpha(double share) const {
        return {r, g, b, static_cast<std::uint8_t>(a * share + 0.5)};
    }
};

struct Point {
    float x = 0, y = 0;
};

struct Size {
    float width = 0, height = 0;
};

struct Rect {
    float x = 0, y = 0, width = 0, height = 0;
    float right() const { return x + width; }
    float bottom() const { return y + height; }
    Point centre() const { return {x + width / 2, y + height / 2}; }
    bool contains(Point p) const { return p.x >= x && p.x < right() && p.y >= y && p.y < bottom(); }
    bool overlaps(const Rect& o) const {
        return x < o.right() && o.x < right() && y < o.bottom() && o.y < bottom();
    }
    Rect inset(float by) const { return {x + by, y + by, width - 2 * by, height - 2 * by}; }
};

/// The five faces of the type system (Inter, JetBrains Mono, STIX; see fonts.hpp).
enum class Face : std::uint8_t { text, medium, semibold, mono, math };

struct Font {
    Face face = Face::text;
    float size = 12.5F;  // points
};

/// How wide text comes out on a canvas. Heights follow from the size: ascent 0.75, descent 0.25.
class TextMeasure {
public:
    virtual ~TextMeasure() = default;
    virtual float width(std::string_view text, Font font) const = 0;
};

enum class Dash : std::uint8_t { solid, dashed, dotted };
enum class HAlign : std::uint8_t { left, centre, right };
/// `baseline`: y is the baseline. `middle`: y is the middle of the digits.
enum class VAlign : std::uint8_t { baseline, middle };

/// Lengths of a stroke's pieces and gaps, in points.
struct DashPattern {
    float piece = 0, gap = 0;
};
/// Not for solid strokes.
constexpr DashPattern dash_pattern(Dash dash, float line_width) {
    const auto at_least = [](float least, float value) { return value < least ? least : value; };
    return dash == Dash::dashed
               ? DashPattern{at_least(4, 3 * line_width), at_least(3, 2 * line_width)}
               : DashPattern{at_least(1.5F, line_width), at_least(3, 2 * line_width)};
}

struct FillRect {
    Rect rect;
    Color color;
    float radius = 0;
};
struct StrokeRect {
    Rect rect;
    Color color;
    float line_width = 1, radius = 0;
};
struct Polyline {
    std::vector<Point> points;
    Color color;
    float line_width = 1;
    Dash dash = Dash::solid;
};
struct Polygon {  // filled; convex, or a band whose outline is monotone in x
    std::vector<Point> points;
    Color color;
};
/// Many equal small shapes: points of a scatter, quantizer levels.
struct Circle {
    Point centre;
    float radius = 3;
    Color fill;                   // alpha 0: no body
    Color stroke = {0, 0, 0, 0};  // alpha 0: no outline
    float line_width = 1;
};
struct TextRun {
    Point at;
    std::string text;
    Font font;
    Color color;
    HAlign align = HAlign::left;
    VAlign valign = VAlign::baseline;
    bool upwards = false;  // turned 90 degrees counter-clockwise: the label of a y axis
};
/// How far below `at` (along the turned axis when upwards) the baseline of a run lies. Every canvas
/// uses this one, or text would sit differently on each.
inline float baseline_drop(const TextRun& run) {
    return run.valign == VAlign::middle ? 0.36F * run.font.size : 0.0F;
}
/// Opaque pixels stretched over a rectangle without smoothing: a heat map.
struct Image {
    Rect rect;
    int width = 0, height = 0;
    std::shared_ptr<const std::vector<Color>> pixels;  // (row, column), row 0 at the top
};
struct PushClip {
    Rect rect;
};
struct PopClip {};

using Primitive = std::variant<FillRect, StrokeRect, Polyline, Polygon, Circle, TextRun, Image,
                               PushClip, PopClip>;

/// Axis values to points and back; log axes included.
struct AxisMap {
    double low = 0, high = 1;  // axis values at the two ends
    float from = 0, to = 1;    // points at the two ends
    Scale scale = Scale::linear;
    float operator()(double value) const;
    double invert(float position) const;
};

/// The plotting area of one figure: what zoom, pan and handles work in.
struct PlotArea {
    std::string figure_id;
    Rect frame;
    AxisMap x, y;
    bool zoomable = false;  // false for hidden axes, bars and cells
};

/// Something with values to tell when the pointer is on it, and maybe a parameter to set.
struct HoverSpot {
    Rect area;
    std::string text;                                // lines separated by '\n'
    std::vector<std::pair<std::string, Value>> set;  // parameters that a click sets
};

/// The values under a heat map in one piece: a HoverSpot for each cell would be millions.
struct GridHover {
    Rect area;                             // of the whole grid; zoomed, it reaches beyond `visible`
    Rect visible;                          // the part that answers to the pointer
    int rows = 0, cols = 0;                // as shown: pooled when there are more cells than pixels
    int pooled_rows = 1, pooled_cols = 1;  // cells of the matrix behind one shown cell
    int source_rows = 0, source_cols = 0;  // of the matrix
    std::shared_ptr<const std::vector<float>> values;  // (row, column), row 0 at the top of `area`
    bool row0_at_bottom = false;                       // the matrix' row 0 is the last shown row
    std::string label, unit;
    std::size_t plot = 0;  // index into Scene::plots, whose axes give the picked values
    std::string pick_row_param, pick_col_param;  // empty: cannot be picked
};

/// Where a Handle mark came to lie.
struct HandleSpot {
    std::size_t plot = 0;  // index into Scene::plots
    Handle handle;
    Rect area;  // where a press grabs it
};

struct Scene {
    Size size;
    std::vector<Primitive> items;
    std::vector<PlotArea> plots;
    std::vector<HoverSpot> hovers;  // later ones lie on top
    std::vector<GridHover> grids;   // below all hovers
    std::vector<HandleSpot> handles;

    template <class Item>
    void add(Item item) {
        items.emplace_back(std::move(item));
    }
};

/// What is under the pointer: the topmost spot, or the heat map cell with its value in words and
/// the axis values that a click sets. Nothing when there is nothing to tell.
std::optional<HoverSpot> hover_at(const Scene& scene, Point at);

/// Something a scene can be painted on.
class Canvas {
public:
    virtual ~Canvas() = default;
    virtual void paint(const FillRect&) = 0;
    virtual void paint(const StrokeRect&) = 0;
    virtual void paint(const Polyline&) = 0;
    virtual void paint(const Polygon&) = 0;
    virtual void paint(const Circle&) = 0;
    virtual void paint(const TextRun&) = 0;
    virtual void paint(const Image&) = 0;
    virtual void paint(const PushClip&) = 0;
    virtual void paint(const PopClip&) = 0;
};

/// Paints every primitive in order.
void paint(const Scene& scene, Canvas& canvas);

}  // namespace nibble
