// How much room title, key, tick labels and axis names take, and the frame that is left. In a small
// box the least important of them are left out, so that the data stay visible.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "viz/figure/axes.hpp"

namespace nibble {
namespace {

using namespace spacing;

constexpr float least_plot = 36;        // points: what surroundings leave to the data at least
constexpr float least_scale = 10;       // of the colours of a scale, which are read without room
constexpr float most_key_share = 0.4F;  // of the box' height

/// Named positions of bars and lanes, unless the author named some values.
AxisTicks named(const std::vector<std::string>& names, std::pair<double, double> limits) {
    AxisTicks ticks;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto at = static_cast<double>(i);
        if (at >= limits.first && at <= limits.second) {
            ticks.major.push_back({at, names[i]});
        }
    }
    return ticks;
}

float widest(const AxisTicks& ticks, Font font, const TextMeasure& measure) {
    float width = 0;
    for (const AxisTicks::Tick& tick : ticks.major) {
        width = std::max(width, measure.width(tick.label, font));
    }
    return width;
}

float widest_word(const std::string& words, Font font, const TextMeasure& measure) {
    float width = 0;
    for (std::size_t at = 0; at < words.size();) {
        const std::size_t end = std::min(words.find(' ', at), words.size());
        width = std::max(width, measure.width(words.substr(at, end - at), font));
        at = end + 1;
    }
    return width;
}

/// How the names of bars fit under `slot` points each.
void plan_names(Plan& plan, float slot, const Theme& theme, const TextMeasure& measure) {
    const Font font = tick_font(theme);
    const float s = theme.scale;
    const float room = slot - 6 * s, most_upright = plan.box.height * 0.3F;
    float longest = 0;
    std::size_t lines = 1;
    bool wraps = true;  // only at spaces
    for (const std::string& name : plan.reach.x_names) {
        longest = std::max(longest, measure.width(name, font));
        lines = std::max(lines, wrap(name, font, room, measure).size());
        wraps = wraps && widest_word(name, font, measure) <= room;
    }
    plan.name_height = font.size;
    if (longest <= room) {
        plan.names = NameStyle::flat;
    } else if (wraps && (lines <= 2 || (lines <= 4 && longest > most_upright))) {
        plan.names = NameStyle::wrapped;
        plan.name_height = (font.size + 3 * s) * static_cast<float>(lines) - 3 * s;
    } else {
        plan.names = NameStyle::upright;
        plan.name_height = std::min(longest, most_upright);
    }
}

void plan_title(Plan& plan, const Theme& theme, const TextMeasure& measure) {
    const Font font = theme.chart_title();
    plan.title = wrap(plan.figure->title, font, plan.box.width, measure);
    if (plan.title.size() > 2) {
        for (std::size_t i = 2; i < plan.title.size(); ++i) {
            plan.title[1] += " " + plan.title[i];
        }
        plan.title.resize(2);
        plan.title[1] = shortened(plan.title[1], font, plan.box.width, measure);
    }
}

/// Height of the key above the plot; a key that is too high ends in "… 7 more".
float plan_key(Plan& plan, const Theme& theme, const TextMeasure& measure) {
    const float s = theme.scale;
    if (plan.key.empty()) {
        return 0;
    }
    const float beside = plan.title.empty() ? 0 : measure.width(plan.title[0], theme.chart_title());
    const float needs = beside + 24 * s + key_width(plan.key, theme, measure);
    plan.key_beside_title = plan.title.size() == 1 && needs <= plan.box.width;
    if (plan.key_beside_title) {
        return 0;
    }
    const std::size_t all = plan.key.size();
    const auto height = [&] {
        return key_gap * s + flow_key(nullptr, plan.key, {}, plan.box.width, theme, measure);
    };
    for (std::size_t kept = all - 1; height() > plan.box.height * most_key_share && kept > 0;
         --kept) {
        plan.key.resize(kept);
        plan.key.push_back({fmt::format("… {} more", all - kept), Role::muted, Swatch::none});
    }
    return height();
}

/// Height of tick labels, axis name and footnote under the plot.
float plan_below(Plan& plan, const Theme& theme, const TextMeasure& measure) {
    const float s = theme.scale;
    const Figure& f = *plan.figure;
    float height = 0;
    if (plan.reach.cartesian && !f.x.hidden && plan.left_out < 3) {
        plan.name_height = tick_font(theme).size;
        if (has_names(f.x, plan.reach.x_names)) {
            const float left = f.y.hidden ? 0 : 64 * s;
            const auto names = static_cast<float>(plan.reach.x_names.size());
            plan_names(plan, (plan.box.width - left) / names, theme, measure);
        }
        height += (tick_length + tick_gap + 3) * s + plan.name_height;
        height += plan.left_out > 0 || axis_name(f.x, "").empty() ? 0 : name_line * s;
    }
    const Heatmap* map = colour_bar_of(f);
    plan.two_footers = false;
    if (plan.left_out < 1 && (!f.footnote.empty() || map != nullptr)) {
        height += footer_line * s;
        if (map != nullptr && !f.footnote.empty()) {
            const float left = f.y.hidden ? 0 : 40 * s;
            const float needs = measure.width(f.footnote, tick_font(theme)) + 12 * s +
                                colour_bar(*map, theme, measure).least_width;
            plan.two_footers = needs > plan.box.width - left;
            height += plan.two_footers ? footer_line * s : 0;
        }
    }
    return height;
}

/// A column of colours with their values beside it.
bool is_scale(const Figure& f) {
    return f.marks.size() == 1 && std::holds_alternative<Heatmap>(f.marks[0]) &&
           std::get<Heatmap>(f.marks[0]).cols == 1;
}

/// Y ticks for the frame's height; returns the width that they and the name take.
float plan_left(Plan& plan, float height, const Theme& theme, const TextMeasure& measure) {
    const float s = theme.scale;
    const Figure& f = *plan.figure;
    const Font font = tick_font(theme);
    plan.y_ticks = {};
    if (!plan.reach.cartesian || f.y.hidden || plan.left_out > 2) {
        return 0;
    }
    const LabelRoom room = [&](const std::string&) { return font.size * 2.4F; };
    if (has_names(f.y, plan.reach.y_names)) {
        plan.y_ticks = named(plan.reach.y_names, plan.reach.y);
    } else {
        plan.y_ticks = make_ticks(f.y, plan.reach.y, height, room);
    }
    for (AxisTicks::Tick& tick : plan.y_ticks.major) {
        tick.label = shortened(tick.label, font, plan.box.width * 0.35F, measure);
    }
    const bool name = plan.left_out < 1 && !axis_name(f.y, plan.y_ticks.factor).empty();
    return widest(plan.y_ticks, font, measure) +
           (tick_length + tick_gap + (name ? name_line : 0)) * s;
}

/// X ticks for what the left side leaves; returns the width kept free at the right.
float plan_right(Plan& plan, float left, const Theme& theme, const TextMeasure& measure) {
    const Figure& f = *plan.figure;
    const Font font = tick_font(theme);
    plan.x_ticks = {};
    if (!plan.reach.cartesian || f.x.hidden || plan.left_out > 2) {
        return 0;
    }
    if (has_names(f.x, plan.reach.x_names)) {
        plan.x_ticks = named(plan.reach.x_names, plan.reach.x);
        return 0;
    }
    const LabelRoom room = [&](const std::string& label) {
        return measure.width(label, font) + 22 * theme.scale;
    };
    float right = 0;
    for (int pass = 0; pass < 2; ++pass) {  // the last label may ask for more room at the right
        const float width = std::max(0.0F, plan.box.width - left - right);
        plan.x_ticks = make_ticks(f.x, plan.reach.x, width, room);
        if (!plan.x_ticks.major.empty()) {
            const auto& last = plan.x_ticks.major.back();
            const AxisMap map = {plan.reach.x.first, plan.reach.x.second, 0, width, f.x.scale};
            const float over = clamped_position(map, last.value) +
                               measure.width(last.label, font) / 2 - width - plan.slack;
            right = std::max(right, over);
        }
    }
    return right;
}

}  // namespace

Font tick_font(const Theme& theme) {
    return {Face::text, 11.0F * theme.scale};
}

const Heatmap* colour_bar_of(const Figure& figure) {
    for (const Mark& mark : figure.marks) {
        const auto* map = std::get_if<Heatmap>(&mark);
        if (map && map->colour_bar) {
            return map;
        }
    }
    return nullptr;
}

std::string axis_name(const Axis& axis, const std::string& factor) {
    const bool written = axis.style == NumberStyle::bytes || axis.style == NumberStyle::percent;
    std::string unit = written ? "" : axis.unit;
    if (!factor.empty()) {
        unit = unit.empty() ? "×" + factor : factor + " " + unit;
    }
    if (axis.label.empty() || unit.empty()) {
        return axis.label + unit;
    }
    return axis.label + ", " + unit;
}

bool has_names(const Axis& axis, const std::vector<std::string>& names) {
    return !names.empty() && axis.named_ticks.empty();
}

std::vector<KeyEntry> certain_key(const Figure& figure) {
    std::vector<KeyEntry> key;
    const auto add = [&key](const std::string& label, Role role, Swatch swatch) {
        if (!label.empty()) {
            key.push_back({label, role, swatch});
        }
    };
    for (const Mark& mark : figure.marks) {
        if (const auto* bars = std::get_if<Bars>(&mark); bars && bars->series.size() > 1) {
            for (const Bars::Series& series : bars->series) {
                add(series.label, series.role, Swatch::box);
            }
        } else if (const auto* ticks = std::get_if<Ticks>(&mark);
                   ticks && ticks->length >= full_length) {
            add(ticks->label, ticks->role, Swatch::rule);
        }
    }
    return key;
}

void plan_surroundings(Plan& plan, const Theme& theme, const TextMeasure& measure) {
    const float s = theme.scale;
    for (plan.left_out = 0; plan.left_out < 4; ++plan.left_out) {
        plan.title.clear();
        plan.key.clear();
        float top = 0;
        if (plan.left_out < 2) {
            plan.key = plan.wanted_key;
            plan_title(plan, theme, measure);
            top = static_cast<float>(plan.title.size()) * title_line * s;
            top += plan_key(plan, theme, measure);
            top += top > 0 ? title_gap * s : plan.figure->y.hidden ? 0 : 6 * s;
        }
        plan.top = plan.own_top = top;
        plan.bottom = plan.own_bottom = plan_below(plan, theme, measure);
        if (plan.left_out == 3 || top + plan.bottom + least_plot * s <= plan.box.height) {
            return;
        }
    }
}

void plan_frame(Plan& plan, const Theme& theme, const TextMeasure& measure) {
    const float top = std::round(plan.box.y + plan.top);
    const float height = std::max(0.0F, std::round(plan.box.bottom() - plan.bottom - top));
    float left = plan_left(plan, height, theme, measure);
    float right = plan_right(plan, left, theme, measure);
    const float least = is_scale(*plan.figure) ? least_scale : least_plot;
    if (plan.box.width - left - right < least * theme.scale) {
        plan.left_out = 3;
        left = plan_left(plan, height, theme, measure);
        right = plan_right(plan, left, theme, measure);
    }
    if (plan.box.width - plan.least_left - plan.least_right >= least_plot * theme.scale) {
        left = std::max(left, plan.least_left);
        right = std::max(right, plan.least_right);
    }
    const float x = std::round(plan.box.x + left);
    plan.frame = {x, top, std::max(0.0F, std::round(plan.box.right() - right - x)), height};
}

}  // namespace nibble
