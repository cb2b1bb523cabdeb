// How high a scrolling panel has to be. Titles, keys and names take what they need whatever the
// height; so the figures are laid out, and the whole grows by what the smallest plot lacks.
#include <algorithm>

#include "viz/figure/layout.hpp"
#include "viz/figure/limits.hpp"

namespace nibble {
namespace {

constexpr float readable_plot = 110;  // points that curves and maps need
constexpr float named_row = 14;       // points that the name of a bar or a lane needs
constexpr int most_rounds = 3;        // a change of height can move a key in or out

/// Points of height that the plot of a figure wants; 0 when anything will do.
float wanted_height(const Figure& figure) {
    const Reach reach = reach_of(figure, {});
    if (!reach.cartesian) {
        return 0;
    }
    return std::max(readable_plot, named_row * static_cast<float>(reach.y_names.size()));
}

/// Points that the rows together lack when they share a height as the outcome says.
float lack_of(const Outcome& outcome, const Scene& scene, float scale) {
    double weights = 0;
    for (const FigureRow& row : outcome.rows) {
        weights += row.figures.empty() ? 0 : std::max(row.height, 1e-6);
    }
    float lack = 0;
    std::size_t plot = 0;
    for (const FigureRow& row : outcome.rows) {
        const auto share = static_cast<float>(std::max(row.height, 1e-6) / weights);
        for (const Figure& figure : row.figures) {
            if (plot == scene.plots.size()) {
                return lack;  // too narrow for any: more height would not help
            }
            const float has = scene.plots.at(plot++).frame.height;
            lack = std::max(lack, (wanted_height(figure) * scale - has) / share);
        }
    }
    return lack;
}

}  // namespace

float comfortable_height(const Outcome& outcome, float width, float from, const Theme& theme,
                         const TextMeasure& measure) {
    const float most = 3 * from;  // rows of very unequal height would ask for too much
    float height = from;
    for (int round = 0; round < most_rounds; ++round) {
        const Scene scene = layout(outcome, {width, height}, theme, measure);
        const float lack = lack_of(outcome, scene, theme.scale);
        if (lack < 1 || height >= most) {
            break;
        }
        height = std::min(height + lack, most);
    }
    return height;
}

}  // namespace nibble
