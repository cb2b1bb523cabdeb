// Properties that every laid-out scene has, checked on its rectangles.
#pragma once

#include <string>
#include <vector>

#include "viz/figure/scene.hpp"

namespace nibble::samples {

struct TextBox {
    std::string text;
    Rect box;  // ascent 0.75, descent 0.25 of the size around the baseline
};

/// Where each text of the scene stands.
std::vector<TextBox> text_boxes(const Scene& scene, const TextMeasure& measure);

/// Pairs of texts that overlap, and texts outside the scene, in words; empty when all is well.
std::vector<std::string> misplaced_texts(const Scene& scene, const TextMeasure& measure);

/// Labels inside a plot's frame that touch a curve or a point, in words.
std::vector<std::string> labels_on_data(const Scene& scene, const TextMeasure& measure);

/// Primitives with a position that is not a number or far outside, in words.
std::vector<std::string> wild_positions(const Scene& scene);

}  // namespace nibble::samples
