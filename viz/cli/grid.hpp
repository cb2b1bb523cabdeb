// The values a sweep visits: lists and ranges on the command line, and their product.
//
//     2..8          every whole number; of reals, eleven values evenly spaced
//     0..1:0.25     in steps of 0.25, both ends included when the steps meet them
//     16..1024:x2   each twice the one before
//     absmax,nf4    a list; its items may be ranges: 2..4,8
//     all           every choice, both booleans, the whole range of an integer
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "sim/core/param.hpp"

namespace nibble {

/// More points than a person can have meant.
inline constexpr std::size_t most_grid_points = 100'000;

/// The values of one parameter in the order written, each once. Text and file names that hold a
/// comma write it as "\,". Throws Error::bad_param naming the item that is no value or no range,
/// lies out of the parameter's range, or would give more than most_grid_points.
std::vector<Value> parse_axis(const ParamInfo& param, std::string_view text);

struct GridAxis {
    ParamInfo param;
    std::vector<Value> values;  // at least one
};

/// The product of axes; the last axis varies fastest.
class Grid {
public:
    /// Throws Error::bad_param when there are more than most_grid_points.
    explicit Grid(std::vector<GridAxis> axes);

    const std::vector<GridAxis>& axes() const { return axes_; }
    std::size_t points() const { return points_; }
    /// One value an axis.
    std::vector<Value> at(std::size_t point) const;

private:
    std::vector<GridAxis> axes_;
    std::size_t points_ = 1;
};

}  // namespace nibble
