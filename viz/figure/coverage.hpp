// Which parts of a plot are taken, and by what: a coarse raster that label placement asks.
//
// Everything drawn marks the cells it touches, generously, so that a box whose cells are free
// touches nothing. A cell holds one bit an owner; series beyond the 30th share bits.
#pragma once

#include <cstdint>
#include <vector>

#include "viz/figure/scene.hpp"

namespace nibble {

using Owners = std::uint32_t;
inline constexpr Owners label_owner = 1U << 31U;
inline constexpr Owners handle_owner = 1U << 30U;
constexpr Owners owner_of_mark(std::size_t index) {
    return 1U << (index % 30);
}

class Coverage {
public:
    explicit Coverage(const Rect& frame);

    void add(const Rect& box, Owners owner);
    /// A stroke from a to b, `half_width` to each side.
    void add_stroke(Point a, Point b, float half_width, Owners owner);
    /// Everyone who has something inside `box`.
    Owners in(const Rect& box) const;
    /// Taken cells inside `box`.
    int count(const Rect& box) const;

private:
    struct Cells {
        int left, top, right, bottom;  // half open
    };
    Cells cells_of(const Rect& box) const;

    Rect frame_;
    int columns_, rows_;
    std::vector<Owners> owners_;  // (row, column)
};

}  // namespace nibble
