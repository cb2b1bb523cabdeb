// Where a field sampled on a grid crosses a level: straight pieces, square by square (marching
// squares, Lorensen and Cline 1987 in two dimensions).
#pragma once

#include <span>
#include <vector>

namespace nibble {

/// Between two points in grid coordinates: x is a column, y a row, both from 0 at the centres of
/// the first.
struct ContourPiece {
    double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};

/// `field`: rows x cols, row by row. Crossings are placed on the edges between neighbours by linear
/// interpolation. A square with a NaN has none; one whose corners alternate gets two pieces.
std::vector<ContourPiece> contour(int rows, int cols, std::span<const float> field, double level);

}  // namespace nibble
