// From figures to a scene: places axes, ticks, titles, legends, labels and marks, once for all
// canvases.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/core/outcome.hpp"
#include "viz/figure/scene.hpp"
#include "viz/figure/theme.hpp"

namespace nibble {

/// What the reader zoomed to, by figure id; absent axes are fitted to the marks.
struct Zoom {
    std::optional<std::pair<double, double>> x, y;
};
using Zooms = std::map<std::string, Zoom>;

struct LayoutOptions {
    bool headings = true;  // the finding and the explanation above the figures
    bool footer = false;   // a line under the figures: sampling note and provenance
    std::string footer_text = {};
    bool handles = true;  // draw draggable handles as such (false on paper)
    Zooms zooms = {};
};

/// Rows of figures under the outcome's finding and explanation, filling `size`. Never throws on
/// odd data: empty marks, NaN, one point or equal limits give an empty but labelled plot.
Scene layout(const Outcome& outcome, Size size, const Theme& theme, const TextMeasure& measure,
             const LayoutOptions& options = {});

/// The least height at which every plot has room for its curves, and every named row for its name,
/// when the figures are `width` wide and the finding is shown whole. At least `from`.
float comfortable_height(const Outcome& outcome, float width, float from, const Theme& theme,
                         const TextMeasure& measure);

/// Lines that fit `width`, broken at spaces; a longer word is broken where it must be.
std::vector<std::string> wrap(std::string_view text, Font font, float width,
                              const TextMeasure& measure);

/// `text` cut with an ellipsis so that it fits.
std::string shortened(std::string_view text, Font font, float width, const TextMeasure& measure);

}  // namespace nibble
