#include "viz/figure/coverage.hpp"

#include <algorithm>
#include <cmath>

namespace nibble {
namespace {

constexpr float cell = 2;  // points

}  // namespace

Coverage::Coverage(const Rect& frame)
    : frame_(frame),
      columns_(std::max(0, static_cast<int>(std::ceil(frame.width / cell)))),
      rows_(std::max(0, static_cast<int>(std::ceil(frame.height / cell)))),
      owners_(static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows_)) {}

Coverage::Cells Coverage::cells_of(const Rect& box) const {
    const auto index = [](float offset, int last, bool up) {
        const float at = std::clamp(offset / cell, 0.0F, static_cast<float>(last));
        return static_cast<int>(up ? std::ceil(at) : std::floor(at));
    };
    return {index(box.x - frame_.x, columns_, false), index(box.y - frame_.y, rows_, false),
            index(box.right() - frame_.x, columns_, true),
            index(box.bottom() - frame_.y, rows_, true)};
}

void Coverage::add(const Rect& box, Owners owner) {
    const Cells c = cells_of(box);
    for (int row = c.top; row < c.bottom; ++row) {
        for (int column = c.left; column < c.right; ++column) {
            owners_[static_cast<std::size_t>(row * columns_ + column)] |= owner;
        }
    }
}

void Coverage::add_stroke(Point a, Point b, float half_width, Owners owner) {
    const float longer = std::max(std::abs(b.x - a.x), std::abs(b.y - a.y));
    const int steps = std::max(1, static_cast<int>(std::ceil(longer / cell)));
    const float side = std::max(half_width, cell / 2) * 2;
    for (int k = 0; k <= steps; ++k) {
        const float share = static_cast<float>(k) / static_cast<float>(steps);
        const Point p = {a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share};
        add({p.x - side / 2, p.y - side / 2, side, side}, owner);
    }
}

Owners Coverage::in(const Rect& box) const {
    const Cells c = cells_of(box);
    Owners all = 0;
    for (int row = c.top; row < c.bottom; ++row) {
        for (int column = c.left; column < c.right; ++column) {
            all |= owners_[static_cast<std::size_t>(row * columns_ + column)];
        }
    }
    return all;
}

int Coverage::count(const Rect& box) const {
    const Cells c = cells_of(box);
    int taken = 0;
    for (int row = c.top; row < c.bottom; ++row) {
        for (int column = c.left; column < c.right; ++column) {
            taken += owners_[static_cast<std::size_t>(row * columns_ + column)] != 0 ? 1 : 0;
        }
    }
    return taken;
}

}  // namespace nibble
