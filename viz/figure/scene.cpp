#include "viz/figure/scene.hpp"

#include <cmath>

namespace nibble {

float AxisMap::operator()(double value) const {
    if (scale != Scale::linear) {
        const double share = std::log(value / low) / std::log(high / low);
        return static_cast<float>(from + (to - from) * share);
    }
    return static_cast<float>(from + (to - from) * (value - low) / (high - low));
}

double AxisMap::invert(float position) const {
    const double share = (double(position) - from) / (double(to) - from);
    return scale == Scale::linear ? low + share * (high - low) : low * std::pow(high / low, share);
}

void paint(const Scene& scene, Canvas& canvas) {
    for (const Primitive& item : scene.items) {
        std::visit([&](const auto& primitive) { canvas.paint(primitive); }, item);
    }
}

}  // namespace nibble
