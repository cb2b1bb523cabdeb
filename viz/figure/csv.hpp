// Every number of every figure as one tidy table: a row a data point, a column a meaning.
//
//   figure   id of the figure
//   mark     line, points, bars, band, histogram, heatmap, rule, ticks, note, segment, cell, node,
//            token, handle
//   series   label of the series (bars: of the series; segments: name of the lane)
//   x, y     position on the axes; matrices: column and row, from 0; cells, nodes, tokens: x is the
//            index, and y of a node is its parent's index
//   low, high   ends of a band, a histogram bin, a segment
//   value    height of a bar or bin, content of a matrix cell, filled share of a cell, intensity of
//            a token
//   label    name of the point, bar, cell, node or token
//
// Numbers are written so that reading them gives the same bits; a missing value is an empty field.
// Lines that start with # come first: pandas.read_csv(path, comment="#") reads the rest.
#pragma once

#include <string>

#include "sim/core/outcome.hpp"

namespace nibble {

/// The table with its header row. `figure`: only the figure with that id, when not empty.
std::string csv_text(const Outcome& outcome, const std::string& figure = {});

/// A table as it is: its columns, then its rows.
std::string csv_text(const Table& table);

}  // namespace nibble
