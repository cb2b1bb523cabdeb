// Curves in points: thinned to what pixels can show, and cut at the plot's edges.
#pragma once

#include <vector>

#include "viz/figure/plot.hpp"

namespace nibble {

/// A point before clipping: a zoomed curve reaches far beyond what a float holds exactly.
struct FarPoint {
    double x = 0, y = 0;
};
using FarPath = std::vector<FarPoint>;

/// (x, y) in points, split where either is missing.
std::vector<FarPath> mapped_runs(const std::vector<double>& x, const std::vector<double>& y,
                                 const AxisMap& x_map, const AxisMap& y_map);

/// A path of many points with x in order keeps, for each pixel column, its first, lowest, highest
/// and last point: the picture is the same. Others lose points that repeat a pixel.
FarPath thinned(FarPath path, float width);

/// The parts of a path inside `box`.
std::vector<std::vector<Point>> clipped(const FarPath& path, const Rect& box);

/// A closed outline cut at the edges of `box`; empty when nothing is left.
std::vector<Point> clipped_outline(FarPath outline, const Rect& box);

}  // namespace nibble
