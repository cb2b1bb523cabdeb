// The whole panel: heading, rows of figures, footer. Each figure is planned first, so that the
// frames of a row line up, then drawn; a figure whose labels found no place is planned again with a
// key above its plot.
#include "viz/figure/layout.hpp"

#include <algorithm>
#include <cmath>

#include "viz/figure/axes.hpp"

namespace nibble {
namespace {

constexpr float column_gap = 32, row_gap = 24, heading_gap = 16;
constexpr float least_frame = 12;  // points; a smaller plot shows nothing

struct Panel {
    Scene scene;
    const Theme& theme;
    const TextMeasure& measure;
    const LayoutOptions& options;

    void text(Point baseline, const std::string& words, Font font, Color color) {
        scene.add(TextRun{baseline, words, font, color});
    }
};

/// At most `most` lines; what does not fit ends in an ellipsis.
std::vector<std::string> few_lines(const std::string& text, Font font, float width,
                                   std::size_t most, const TextMeasure& measure) {
    std::vector<std::string> lines = wrap(text, font, width, measure);
    if (most > 0 && lines.size() > most) {
        for (std::size_t i = most; i < lines.size(); ++i) {
            lines[most - 1] += " " + lines[i];
        }
        lines.resize(most);
        lines.back() = shortened(lines.back(), font, width, measure);
    }
    return most > 0 ? lines : std::vector<std::string>{};
}

/// Finding and explanation; returns the height used.
float draw_heading(const Outcome& outcome, Panel& panel, const Rect& area) {
    const Theme& theme = panel.theme;
    const float s = theme.scale;
    // In a small window the figures come first: the heading takes a third of it at most.
    const float finding_line = 26 * s, body_line = 18 * s, most = area.height / 3;
    const auto fits = [&](float line, float used, int limit) {
        return static_cast<std::size_t>(
            std::clamp(static_cast<int>((most - used) / line), 0, limit));
    };
    float y = area.y;
    for (const std::string& line : few_lines(outcome.finding, theme.title(), area.width,
                                             fits(finding_line, 0, 3), panel.measure)) {
        panel.text({area.x, y + 19 * s}, line, theme.title(), theme.text);
        y += finding_line;
    }
    const float used = y - area.y;
    for (const std::string& line : few_lines(outcome.explanation, theme.body(), area.width,
                                             fits(body_line, used, 5), panel.measure)) {
        panel.text({area.x, y + 14 * s}, line, theme.body(), theme.muted);
        y += body_line;
    }
    return y > area.y ? y - area.y + heading_gap * s : 0;
}

float footer_height(const Panel& panel, const Outcome& outcome, float height) {
    const bool any = !panel.options.footer_text.empty() || !outcome.sampling.empty();
    return panel.options.footer && any && height > 160 * panel.theme.scale ? 24 * panel.theme.scale
                                                                           : 0;
}

void draw_panel_footer(const Outcome& outcome, Panel& panel, const Rect& area) {
    const Theme& theme = panel.theme;
    const Font font = {Face::text, 9.5F * theme.scale};
    std::string words = outcome.sampling;
    if (!panel.options.footer_text.empty()) {
        words += (words.empty() ? "" : "  ·  ") + panel.options.footer_text;
    }
    panel.text({area.x, area.bottom()}, shortened(words, font, area.width, panel.measure), font,
               theme.faint);
}

/// Draws the planned figure at the end of the scene. Returns the labels that found no place.
std::vector<KeyEntry> draw_figure(const Plan& plan, Panel& panel) {
    const Figure& figure = *plan.figure;
    const Rect& f = plan.frame;
    const bool down = plan.reach.y_down;
    Plot plot{.scene = panel.scene,
              .figure = figure,
              .theme = panel.theme,
              .measure = panel.measure,
              .frame = f,
              .x = {plan.reach.x.first, plan.reach.x.second, f.x, f.right(), figure.x.scale},
              .y = {plan.reach.y.first, plan.reach.y.second, down ? f.y : f.bottom(),
                    down ? f.bottom() : f.y, figure.y.scale},
              .handles = panel.options.handles,
              .index = panel.scene.plots.size(),
              .coverage = Coverage(f),
              .in_key = plan.wanted_key};
    draw_title(plan, panel.scene, panel.theme, panel.measure);
    panel.scene.plots.push_back({figure.id, f, plot.x, plot.y, plan.reach.zoomable});
    if (f.width < least_frame || f.height < least_frame) {
        return {};
    }
    draw_grid(plan, plot);
    // Heat maps fill their area: whatever else the figure has lies on them. Curves and points are
    // cut at the frame already, so that a marker on its edge may stand over it whole.
    const float stroke = panel.theme.stroke();
    for (const bool pictures : {true, false}) {
        for (std::size_t i = 0; i < figure.marks.size(); ++i) {
            const Mark& mark = figure.marks[i];
            if (std::holds_alternative<Heatmap>(mark) == pictures &&
                !std::holds_alternative<Handle>(mark)) {
                const bool has_markers =
                    std::holds_alternative<Line>(mark) || std::holds_alternative<Points>(mark);
                const float beyond = has_markers ? panel.theme.marker_radius() + stroke : stroke;
                plot.owner = owner_of_mark(i);
                plot.add(PushClip{f.inset(-beyond)});
                std::visit([&plot](const auto& m) { draw(m, plot); }, mark);
                plot.add(PopClip{});
            }
        }
    }
    for (const Mark& mark : figure.marks) {
        if (const auto* handle = std::get_if<Handle>(&mark)) {
            plot.owner = handle_owner;
            draw(*handle, plot);
        }
    }
    draw_axes(plan, plot);
    draw_footer(plan, plot);
    std::vector<KeyEntry> homeless = place_labels(plot);
    const bool bars = !plan.reach.x_names.empty() || !plan.reach.y_names.empty();
    if (!homeless.empty() && !bars && plan.wanted_key.empty() && draw_corner_key(plot, homeless)) {
        homeless.clear();
    }
    return homeless;
}

/// What the scene held before a figure was tried.
struct Before {
    std::size_t items, plots, hovers, grids, handles;
};

template <class Item>
void cut(std::vector<Item>& list, std::size_t size) {
    while (list.size() > size) {
        list.pop_back();
    }
}

void rewind(Scene& scene, const Before& to) {
    cut(scene.items, to.items);
    cut(scene.plots, to.plots);
    cut(scene.hovers, to.hovers);
    cut(scene.grids, to.grids);
    cut(scene.handles, to.handles);
}

/// What must stay free beside the frames of figures that stand under each other and show the same
/// stretch of the same axis, so that one value is in one place. By figure id.
struct Sides {
    float left = 0, right = 0;
};
using SidesById = std::map<std::string, Sides>;

/// The figures of a row beside each other, not yet planned.
std::vector<Plan> plans_of(const FigureRow& row, const Panel& panel, const Rect& area,
                           const SidesById& sides) {
    const float s = panel.theme.scale;
    const float gaps = column_gap * s * static_cast<float>(row.figures.size() - 1);
    double weights = 0;
    for (const Figure& f : row.figures) {
        weights += std::max(f.width, 1e-6);
    }
    std::vector<Plan> plans;
    float x = area.x;
    for (const Figure& f : row.figures) {
        const auto share = static_cast<float>(std::max(f.width, 1e-6) / weights);
        const float width = std::max(0.0F, (area.width - gaps) * share);
        const auto zoom = panel.options.zooms.find(f.id);
        Plan plan;
        plan.figure = &f;
        plan.wanted_key = certain_key(f);
        plan.box = {std::round(x), area.y, std::round(width), area.height};
        plan.slack = std::min({area.x, column_gap * s / 2, 12 * s});
        plan.reach = reach_of(f, zoom == panel.options.zooms.end() ? Zoom{} : zoom->second);
        if (const auto beside = sides.find(f.id); beside != sides.end()) {
            plan.least_left = beside->second.left;
            plan.least_right = beside->second.right;
        }
        plans.push_back(std::move(plan));
        x += width + column_gap * s;
    }
    return plans;
}

bool shows_same_axis(const Figure& a, const Figure& b) {
    return a.x.limits && a.x.limits == b.x.limits && a.x.scale == b.x.scale &&
           a.x.label == b.x.label && a.x.unit == b.x.unit;
}

SidesById line_up(const Outcome& outcome, const Panel& panel, const Rect& area) {
    struct Alone {
        const Figure* figure;
        Sides own;
    };
    std::vector<Alone> alone;
    for (const FigureRow& row : outcome.rows) {
        if (row.figures.size() == 1 && row.figures[0].x.limits) {
            Plan plan = std::move(plans_of(row, panel, area, {}).front());
            plan_surroundings(plan, panel.theme, panel.measure);
            plan_frame(plan, panel.theme, panel.measure);
            alone.push_back({&row.figures[0],
                             {plan.frame.x - plan.box.x, plan.box.right() - plan.frame.right()}});
        }
    }
    SidesById sides;
    for (const Alone& a : alone) {
        for (const Alone& b : alone) {
            if (a.figure != b.figure && shows_same_axis(*a.figure, *b.figure)) {
                Sides& both = sides[a.figure->id];
                both.left = std::max({both.left, a.own.left, b.own.left});
                both.right = std::max({both.right, a.own.right, b.own.right});
            }
        }
    }
    return sides;
}

/// Draws a row; when some label needs a place above its plot, once more with the keys.
void draw_row(const FigureRow& row, Panel& panel, const Rect& area, const SidesById& sides) {
    std::vector<Plan> plans = plans_of(row, panel, area, sides);
    const Scene& scene = panel.scene;
    const Before before = {scene.items.size(), scene.plots.size(), scene.hovers.size(),
                           scene.grids.size(), scene.handles.size()};
    constexpr int most_attempts = 3;  // a key makes the plot smaller, which may displace one more
    for (int attempt = 1;; ++attempt) {
        float top = 0, bottom = 0;
        for (Plan& plan : plans) {
            plan_surroundings(plan, panel.theme, panel.measure);
            top = std::max(top, plan.own_top);
            bottom = std::max(bottom, plan.own_bottom);
        }
        bool again = false;
        for (Plan& plan : plans) {
            // Frames with axes line up; blocks, trees and tokens stand right under their titles.
            plan.top = plan.reach.cartesian ? top : plan.own_top;
            plan.bottom = plan.reach.cartesian ? bottom : plan.own_bottom;
            plan_frame(plan, panel.theme, panel.measure);
            std::vector<KeyEntry> homeless = draw_figure(plan, panel);
            again = again || !homeless.empty();
            plan.wanted_key.insert(plan.wanted_key.end(), homeless.begin(), homeless.end());
        }
        if (!again || attempt == most_attempts) {
            return;
        }
        rewind(panel.scene, before);
    }
}

}  // namespace

Scene layout(const Outcome& outcome, Size size, const Theme& theme, const TextMeasure& measure,
             const LayoutOptions& options) {
    Panel panel{{}, theme, measure, options};
    panel.scene.size = size;
    const float s = theme.scale;
    const float margin = std::min(24 * s, std::min(size.width, size.height) * 0.06F);
    Rect area = Rect{0, 0, size.width, size.height}.inset(std::round(margin));
    if (area.width < 1 || area.height < 1) {
        return std::move(panel.scene);
    }
    if (options.headings) {
        const float used = draw_heading(outcome, panel, area);
        area = {area.x, area.y + used, area.width, area.height - used};
    }
    const float footer = footer_height(panel, outcome, area.height);
    if (footer > 0) {
        draw_panel_footer(outcome, panel, area);
        area.height -= footer;
    }
    double weights = 0;
    std::size_t rows = 0;
    for (const FigureRow& row : outcome.rows) {
        weights += row.figures.empty() ? 0 : std::max(row.height, 1e-6);
        rows += row.figures.empty() ? 0 : 1;
    }
    const float gap = std::min(row_gap * s, area.height * 0.06F);
    const float gaps = rows > 0 ? gap * static_cast<float>(rows - 1) : 0;
    const SidesById sides = line_up(outcome, panel, area);
    float y = area.y;
    for (const FigureRow& row : outcome.rows) {
        if (row.figures.empty()) {
            continue;
        }
        const auto share = static_cast<float>(std::max(row.height, 1e-6) / weights);
        const float height = std::max(0.0F, (area.height - gaps) * share);
        draw_row(row, panel, {area.x, std::round(y), area.width, std::round(height)}, sides);
        y += height + gap;
    }
    return std::move(panel.scene);
}

}  // namespace nibble
