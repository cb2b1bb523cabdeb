#include "viz/app/lesson/answer_panel.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "viz/app/compare.hpp"
#include "viz/app/panels/equation.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {
namespace {

constexpr std::size_t headlines = 5;  // the others are listed small

const Metric* find_metric(const Outcome& outcome, const std::string& name) {
    const auto found = std::find_if(outcome.metrics.begin(), outcome.metrics.end(),
                                    [&](const Metric& m) { return m.name == name; });
    return found == outcome.metrics.end() ? nullptr : &*found;
}

Color origin_color(const Theme& t, Origin::Kind kind) {
    switch (kind) {
        case Origin::Kind::measured_here:
        case Origin::Kind::recorded:
            return t.style(Role::reference).color;
        case Origin::Kind::assumed:
            return t.style(Role::limit).color;
        default:
            return t.faint;
    }
}

struct Pane {
    Ui& ui;
    const Session& session;
    float x, width, alpha;
    Color faded(Color c) const { return c.with_alpha(alpha); }
};

/// An outlined badge that ends at `right`; what was recorded where is told by the tooltip. Returns
/// its left end.
float draw_badge(const Pane& p, const Metric& m, float right, float middle) {
    const Theme& t = p.ui.theme();
    const Font font = {Face::medium, 10 * t.scale};
    const std::string words(name(m.origin.kind));
    const Color ink = origin_color(t, m.origin.kind);
    const float wide = p.ui.width(words, font) + p.ui.px(16);
    const Rect r = {right - wide, middle - p.ui.px(8), wide, p.ui.px(16)};
    p.ui.outline(r, p.faded(ink), r.height / 2);
    p.ui.text({std::round(r.centre().x), middle}, words, font, p.faded(ink), HAlign::centre);
    const Hit h = p.ui.hit("badge:" + m.name, r, false);
    if (!m.origin.source.empty()) {
        p.ui.tooltip(h, "badge:" + m.name, badge(m.origin));
    }
    return r.x;
}

void draw_difference(const Pane& p, const Metric& m, float right, float middle) {
    const Pinned* a = p.session.pinned();
    const Metric* theirs = a != nullptr ? find_metric(*a->outcome, m.name) : nullptr;
    const auto d = theirs != nullptr ? difference(m, *theirs) : std::nullopt;
    if (!d) {
        return;
    }
    const Theme& t = p.ui.theme();
    const Color ink = d->good > 0   ? t.style(Role::reference).color
                      : d->good < 0 ? t.style(Role::limit).color
                                    : t.muted;
    p.ui.text({right, middle}, d->words, {Face::medium, t.small().size}, p.faded(ink),
              HAlign::right);
}

/// A label that is too long for its room is told in full by the tooltip.
void draw_label(const Pane& p, const Metric& m, Point at, Font font, float room) {
    const std::string words = shortened(m.label, font, room, p.ui.fonts());
    p.ui.text(at, words, font, p.faded(p.ui.theme().muted));
    if (words != m.label) {
        const float high = font.size * 1.5F;
        p.ui.tooltip_on("label:" + m.name, {at.x, at.y - high / 2, room, high}, m.label);
    }
}

float draw_headline(const Pane& p, const Metric& m, float y) {
    const Theme& t = p.ui.theme();
    const float right = p.x + p.width;
    const float room = draw_badge(p, m, right, y + p.ui.px(8)) - p.ui.px(8) - p.x;
    draw_label(p, m, {p.x, y + p.ui.px(8)}, t.body(), room);
    const MetricText words = metric_text(m);
    const float middle = y + p.ui.px(28);
    const float end = p.x + p.ui.text({p.x, middle}, words.number, t.headline(), p.faded(t.text));
    p.ui.text({end + p.ui.px(7), middle + p.ui.px(2)}, words.unit, t.body(), p.faded(t.muted));
    draw_difference(p, m, right, middle + p.ui.px(2));
    p.ui.record("metric:" + m.name, {p.x, y, p.width, p.ui.px(40)});
    return y + p.ui.px(54);
}

float draw_row(const Pane& p, const Metric& m, float y) {
    const Theme& t = p.ui.theme();
    const MetricText words = metric_text(m);
    const std::string value = words.number + (words.unit.empty() ? "" : " " + words.unit);
    const float wide =
        p.ui.text({p.x + p.width, y + p.ui.px(9)}, value, t.mono(), p.faded(t.text), HAlign::right);
    draw_label(p, m, {p.x, y + p.ui.px(9)}, t.small(), p.width - wide - p.ui.px(8));
    return y + p.ui.px(20);
}

float draw_equations(const Pane& p, const Outcome& outcome, float y) {
    const Theme& t = p.ui.theme();
    p.ui.line({p.x, y}, {p.x + p.width, y}, t.line);
    p.ui.text({p.x, y + p.ui.px(18)}, "Equation, with the values in it", t.body(),
              p.faded(t.muted));
    y += p.ui.px(45);
    for (const Equation& e : outcome.equations) {
        draw_equation(p.ui, {p.x, y}, e.symbols, p.faded(t.text), p.width);
        y += p.ui.px(26);
        float end = p.x;
        if (!e.values.empty()) {
            end += draw_equation(p.ui, {p.x, y}, e.values, p.faded(t.accent), p.width);
        }
        if (!e.note.empty()) {
            const float wide = p.ui.width(e.note, t.small());
            if (end + p.ui.px(16) + wide > p.x + p.width) {
                y += p.ui.px(22);
                y += p.ui.paragraph({p.x, y - p.ui.px(8)}, e.note, t.small(), p.faded(t.muted),
                                    p.width) -
                     p.ui.px(8);
            } else {
                p.ui.text({p.x + p.width, y}, e.note, t.small(), p.faded(t.muted), HAlign::right);
            }
        }
        y += p.ui.px(30);
    }
    return y;
}

}  // namespace

float draw_answers(Ui& ui, const Session& session, Point at, float width, float alpha,
                   bool& shows_more) {
    const Pane p{ui, session, at.x, width, alpha};
    float y = at.y;
    ui.line({at.x, y}, {at.x + width, y}, ui.theme().line);
    y += ui.px(12);
    if (!session.outcome()) {
        return y;
    }
    const Outcome& outcome = *session.outcome();
    const std::size_t large = std::min(headlines, outcome.metrics.size());
    for (std::size_t i = 0; i < large; ++i) {
        y = draw_headline(p, outcome.metrics[i], y);
    }
    if (!outcome.equations.empty()) {
        y = draw_equations(p, outcome, y - ui.px(4));
    }
    const std::size_t small = outcome.metrics.size() - large;
    if (small > 0) {
        y -= ui.px(10);
        ui.disclosure("more-numbers", {at.x, y},
                      shows_more ? "Fewer numbers" : fmt::format("More numbers ({})", small),
                      shows_more);
        y += ui.px(24);
    }
    for (std::size_t i = large; shows_more && i < outcome.metrics.size(); ++i) {
        y = draw_row(p, outcome.metrics[i], y);
    }
    return y;
}

}  // namespace nibble
