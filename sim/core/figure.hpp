// A figure as data: what to show, never how to paint it.
//
// Experiments fill it; viz/figure lays it out once and paints that layout on the screen, into SVG,
// PDF and PNG, and into a recording for tests. Colours are roles: the theme turns a role into a
// colour-blind-safe colour, a dash and a marker, for the screen, for paper and for the projector.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sim/core/param.hpp"

namespace nibble {

/// What a mark is in the argument the figure makes.
enum class Role : std::uint8_t {
    subject,    // what the reader changes
    baseline,   // what it is compared with
    reference,  // the ideal, the measured, the theory
    limit,      // a roof, a capacity, a warning
    muted,      // context
    category0,  // eight unordered kinds, category0 + k
    category1,
    category2,
    category3,
    category4,
    category5,
    category6,
    category7,
};

/// The k-th of eight unordered kinds, wrapping around.
constexpr Role category(int k) {
    return static_cast<Role>(static_cast<int>(Role::category0) + ((k % 8) + 8) % 8);
}

/// Clicking an item of a mark sets a parameter. `param` empty: the mark cannot be picked.
/// `values` hold one value an item; when empty, the item's index is the value.
struct Pick {
    std::string param;
    std::vector<Value> values;
};

/// A curve through (x, y); a NaN in y leaves a gap.
struct Line {
    std::string label;
    Role role = Role::subject;
    std::vector<double> x, y;
    bool markers = false;  // draw the points too, when they are few
    bool steps = false;    // hold y until the next x
};

struct Points {
    std::string label;
    Role role = Role::subject;
    std::vector<double> x, y;
    std::vector<std::string> names = {};  // one a point, for hover and, when few, beside it
    Pick pick = {};
};

/// Bars over named positions. Several series stand beside each other, or on each other.
struct Bars {
    struct Series {
        std::string label;
        Role role = Role::subject;
        std::vector<double> values;  // one a name; NaN leaves a gap
    };
    std::vector<std::string> names;
    std::vector<Series> series;
    bool stacked = false;
    bool horizontal = false;
    bool value_labels = true;  // the number at the end of each bar, when there is room
    int chosen = -1;           // index of the name in focus, the others step back; negative: none
    Pick pick = {};            // item = index of the name
};

/// The region between low(x) and high(x): a spread, an interval.
struct Band {
    std::string label;
    Role role = Role::subject;
    std::vector<double> x, low, high;
};

/// Counts (or shares) in bins; edges has one more element than counts, increasing.
struct Histogram {
    std::string label;
    Role role = Role::subject;
    std::vector<double> edges, counts;
};

/// A matrix as colours. Row 0 is at the top unless the y axis runs upwards (`row0_at_bottom`).
struct Heatmap {
    int rows = 0, cols = 0;
    std::vector<float> cells;  // (row, column); NaN is drawn as missing
    std::string label, unit;   // of the colour bar
    double low = 0, high = 1;  // the values at the ends of the colour bar; beyond is clamped
    bool is_signed = false;    // diverging colours centred on zero instead of magnitude
    double x0 = 0, x1 = 0;     // axis extent of the columns; x0 == x1 means 0 .. cols
    double y0 = 0, y1 = 0;     // axis extent of the rows; y0 == y1 means 0 .. rows
    bool row0_at_bottom = false;
    bool colour_bar = true;
    std::string pick_row_param = {}, pick_col_param = {};  // set to the axis value that was clicked
};

/// A line right across the plot, at one value of one axis.
struct Rule {
    std::string label;
    Role role = Role::muted;
    bool vertical = true;
    double at = 0;
};

/// Many unlabelled rules of one kind: the levels of a quantizer, the values of a format.
/// They take the share `length` of the plot's height (or width), from the share `start` on: rows of
/// ticks stand over each other.
struct Ticks {
    std::string label;
    Role role = Role::subject;
    bool vertical = true;
    std::vector<double> at;
    double length = 1;
    double start = 0;  // 0: at the axis
};

struct Note {
    double x = 0, y = 0;  // axis values
    std::string text;
    Role role = Role::muted;
};

/// A Gantt chart: bars from start to end in named lanes.
struct Segments {
    struct Item {
        int lane = 0;
        double start = 0, end = 0;
        Role role = Role::subject;
        std::string label;
    };
    std::vector<std::string> lanes;  // top to bottom
    std::vector<Item> items;
    Pick pick = {};
};

/// Equal cells in reading order: memory blocks, bits.
struct Cells {
    struct Item {
        Role role = Role::muted;
        double filled = 1;       // share of the cell that is in use, from the left
        std::string text = {};   // inside the cell, when it fits
        std::string label = {};  // on hover
        bool outlined = false;   // empty or chosen: an outline instead of a body
    };
    int columns = 1;
    std::vector<Item> items;
    std::vector<std::string> groups = {};     // headings over runs of cells
    std::vector<int> group_starts = {};       // first item of each heading
    std::vector<std::string> row_names = {};  // to the left of each row of cells
    int gap_every = 0;                        // a wider gap after so many columns; 0: none
    double stretch = 1.6;  // a cell is at most so many times as wide as it is high, or as high
    Pick pick = {};
};

/// Nodes with at most one parent, root first; drawn left to right by depth.
struct Tree {
    struct Node {
        int parent = -1;  // index of an earlier node; -1 for a root
        std::string text;
        std::string edge = {};  // on the line from the parent: a probability
        Role role = Role::muted;
    };
    std::vector<Node> nodes;
    Pick pick = {};
};

/// Two columns of boxes and arrows from the left ones to the right ones: a table and what its
/// entries point to. A box is divided into slots side by side; an empty text is an empty slot.
struct Links {
    struct Box {
        Role role = Role::muted;
        std::vector<std::string> slots = {};
        std::string name = {};      // beside the box, on its outer side
        std::string note = {};      // behind the name, quieter: "2 users"
        std::string label = {};     // on hover
        bool strong = false;        // what the reader should look at
        bool starts_group = false;  // a wider gap before it
    };
    struct Arrow {
        int from = 0, to = 0;  // indices of boxes
        Role role = Role::muted;
        bool strong = false;
    };
    std::string left_heading, right_heading;
    std::vector<Box> left, right;  // from the top
    std::vector<Arrow> arrows;
    Pick pick = {};  // item = index of the right box
};

/// Running text whose pieces are tinted: by a role, or by an intensity on the magnitude ramp.
struct Tokens {
    struct Item {
        std::string text;
        Role role = Role::muted;
        double intensity = -1;  // 0 .. 1 tints by magnitude instead of by role; negative: role
        std::string label = {};
    };
    std::vector<Item> items;
    Pick pick = {};
};

/// Lines of source code with their numbers, some of them marked. A listing that is too long for its
/// place keeps the chosen line, then the marked ones, then what surrounds them, and says how many
/// lines are left out where.
struct Listing {
    struct Item {
        std::string text;
        Role role = Role::muted;  // any other tints the line
        std::string note = {};    // in the right margin: "32 sectors"
        std::string label = {};   // on hover
    };
    std::vector<Item> lines;
    unsigned first_line = 1;  // number of the first
    int chosen = -1;          // index of the line in focus; negative: none
    Pick pick = {};           // item = index of the line; only lines with a note can be picked
};

/// A point or a line on the chart that the reader drags. An axis whose parameter is empty does not
/// move. With only `x_param`, and `y` absent, it is a vertical line; likewise for y.
/// The dragged axis value, divided by `x_scale` (`y_scale`), becomes the parameter's value.
struct Handle {
    std::string label;
    Role role = Role::limit;
    std::optional<double> x, y;  // axis values
    std::string x_param = {}, y_param = {};
    double x_scale = 1, y_scale = 1;
    std::string hint = {};  // follows the label where the handle can be dragged: "drag me"
};

using Mark = std::variant<Line, Points, Bars, Band, Histogram, Heatmap, Rule, Ticks, Note, Segments,
                          Cells, Tree, Links, Tokens, Listing, Handle>;

/// How an axis (or a metric) writes its numbers.
enum class NumberStyle { plain, si, bytes, percent };

struct Axis {
    std::string label;
    std::string unit = {};
    Scale scale = Scale::linear;
    std::optional<std::pair<double, double>> limits = {};  // fitted to the marks when empty
    NumberStyle style = NumberStyle::plain;
    std::vector<std::pair<double, std::string>> named_ticks = {};  // instead of computed ones
    bool hidden = false;  // neither line nor numbers: cells, trees, tokens, maps
};

struct Figure {
    std::string id;        // stable name within the experiment: "error-map"
    std::string title;     // what is shown; the finding is the outcome's
    std::string alt_text;  // the same for someone who cannot see it
    Axis x, y;
    std::vector<Mark> marks;
    Role title_role = Role::muted;  // colours the title when the figure is about one role
    std::string footnote = {};      // small, under the plot: what part is shown, what is sampled
    double width = 1;               // relative to the other figures of its row
    bool timed = false;             // shows values off a clock (see reproducible() of outcome.hpp)
};

/// Figures beside each other.
struct FigureRow {
    double height = 1;  // relative to the other rows
    std::vector<Figure> figures;
};

}  // namespace nibble
