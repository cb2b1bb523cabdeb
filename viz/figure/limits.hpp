// How far an axis reaches: fitted to the marks, set by the author, or zoomed by the reader.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "viz/figure/layout.hpp"

namespace nibble {

/// What the marks of a figure ask of its two axes.
struct Reach {
    std::pair<double, double> x, y;             // limits, low < high, usable on the axis' scale
    std::vector<std::string> x_names, y_names;  // of bars and lanes, at 0, 1, 2, ...
    bool y_down = false;     // lanes, horizontal bars and matrices start at the top
    bool cartesian = false;  // some mark uses the axes
    bool zoomable = false;
};

/// Never fails: without a usable value an axis runs from 0 to 1 (log: from 1 to 10).
Reach reach_of(const Figure& figure, const Zoom& zoom);

}  // namespace nibble
