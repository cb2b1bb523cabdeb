#include "viz/figure/axes.hpp"

#include <algorithm>
#include <cmath>

namespace nibble {
namespace {

constexpr float tick_length = 4, tick_gap = 4, title_line = 16, title_gap = 8, name_line = 18,
                footer_line = 20, key_gap = 4;

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

bool has_names(const Axis& axis, const std::vector<std::string>& names) {
    return !names.empty() && axis.named_ticks.empty();
}

/// Keeps the labels that do not touch the one kept before.
void thin_out(AxisTicks& ticks, const AxisMap& map, const LabelRoom& room) {
    double free_from = -INFINITY;
    for (AxisTicks::Tick& tick : ticks.major) {
        const double at = std::abs(position(map, tick.value) - map.from);
        const double half = room(tick.label) / 2;
        if (at - half < free_from) {
            tick.label.clear();
        } else {
            free_from = at + half;
        }
    }
}

float widest(const AxisTicks& ticks, Font font, const TextMeasure& measure) {
    float width = 0;
    for (const AxisTicks::Tick& tick : ticks.major) {
        width = std::max(width, measure.width(tick.label, font));
    }
    return width;
}

/// How the names of bars fit under `slot` points each.
void plan_names(Plan& plan, float slot, const Theme& theme, const TextMeasure& measure) {
    const Font font = tick_font(theme);
    const float s = theme.scale;
    float longest = 0;
    bool wraps = true;
    for (const std::string& name : plan.reach.x_names) {
        longest = std::max(longest, measure.width(name, font));
        const auto lines = wrap(name, font, slot - 6 * s, measure);
        wraps = wraps && lines.size() <= 2 && name.find(' ') != std::string::npos
                    ? true
                    : wraps && lines.size() <= 1;
    }
    plan.name_height = font.size;
    if (longest <= slot - 6 * s) {
        plan.names = NameStyle::flat;
    } else if (wraps) {
        plan.names = NameStyle::wrapped;
        plan.name_height = font.size * 2 + 3 * s;
    } else {
        plan.names = NameStyle::upright;
        plan.name_height = std::min(longest, plan.box.height * 0.3F);
    }
}

void draw_x_label(const Plan& plan, Plot& plot, float x, const std::string& label) {
    const Theme& theme = plot.theme;
    const Font font = tick_font(theme);
    const float y = plan.frame.bottom() + plot.scaled(tick_length + tick_gap);
    const auto line = [&](const std::string& text, float middle) {
        plot.add(TextRun{{x, middle}, text, font, theme.muted, HAlign::centre, VAlign::middle});
    };
    const bool named = has_names(plan.figure->x, plan.reach.x_names);
    if (named && plan.names == NameStyle::upright) {
        plot.add(TextRun{{x, y},
                         shortened(label, font, plan.name_height, plot.measure),
                         font,
                         theme.muted,
                         HAlign::right,
                         VAlign::middle,
                         true});
        return;
    }
    if (named && plan.names == NameStyle::wrapped) {
        const float slot = plan.frame.width / static_cast<float>(plan.reach.x_names.size());
        float middle = y + font.size / 2;
        for (const std::string& text : wrap(label, font, slot - plot.scaled(4), plot.measure)) {
            line(text, middle);
            middle += font.size + plot.scaled(3);
        }
        return;
    }
    line(label, y + font.size / 2);
}

void draw_colour_bar(const Heatmap& map, Plot& plot, float right, float middle) {
    const Theme& theme = plot.theme;
    const Font font = tick_font(theme);
    const float s = theme.scale;
    const std::string low =
        format_value(map.is_signed ? -std::max(std::abs(map.low), std::abs(map.high)) : map.low,
                     NumberStyle::plain, 3);
    std::string high =
        format_value(map.is_signed ? std::max(std::abs(map.low), std::abs(map.high)) : map.high,
                     NumberStyle::plain, 3);
    high += map.unit.empty() ? "" : " " + map.unit;
    const float text = plot.text_width(low, font) + plot.text_width(high, font) + 12 * s;
    const float bar = std::min(160 * s, plot.frame.width * 0.45F - text);
    if (bar < 24 * s) {
        return;
    }
    const auto label = [&](const std::string& words, float at, HAlign align) {
        plot.add(TextRun{{at, middle}, words, font, theme.muted, align, VAlign::middle});
    };
    label(high, right, HAlign::right);
    const float bar_right = right - plot.text_width(high, font) - 6 * s;
    const Rect area = {snap(bar_right - bar), snap(middle - 4 * s), snap(bar), snap(8 * s)};
    auto pixels = std::make_shared<std::vector<Color>>();
    constexpr int steps = 128;
    for (int k = 0; k < steps; ++k) {
        const double share = (k + 0.5) / steps;
        pixels->push_back(map.is_signed ? signed_color(2 * share - 1, theme.kind)
                                        : magnitude_color(share));
    }
    plot.add(Image{area, steps, 1, pixels});
    label(low, area.x - 6 * s, HAlign::right);
    const float label_right = area.x - 12 * s - plot.text_width(low, font);
    const std::string name = shortened(map.label, font, label_right - plot.frame.x, plot.measure);
    label(name, label_right, HAlign::right);
}

}  // namespace

Font tick_font(const Theme& theme) {
    return {Face::text, 11.0F * theme.scale};
}

void plan_surroundings(Plan& plan, const Theme& theme, const TextMeasure& measure) {
    const float s = theme.scale;
    const Figure& f = *plan.figure;
    const Font font = theme.chart_title();
    plan.title = wrap(f.title, font, plan.box.width, measure);
    if (plan.title.size() > 2) {
        plan.title.resize(2);
        plan.title[1] = shortened(plan.title[1] + "\u2026\u2026", font, plan.box.width, measure);
    }
    float top = static_cast<float>(plan.title.size()) * title_line * s;
    if (!plan.key.empty()) {
        const float beside = plan.title.empty() ? 0 : measure.width(plan.title[0], font) + 24 * s;
        plan.key_beside_title = plan.title.size() == 1 &&
                                beside + key_width(plan.key, theme, measure) <= plan.box.width;
        if (!plan.key_beside_title) {
            top += key_gap * s + flow_key(nullptr, plan.key, {}, plan.box.width, theme, measure);
        }
    }
    plan.top = top > 0 ? top + title_gap * s : (f.y.hidden ? 0 : 6 * s);

    float bottom = 0;
    if (plan.reach.cartesian && !f.x.hidden) {
        plan.name_height = tick_font(theme).size;
        if (has_names(f.x, plan.reach.x_names)) {
            const float left = f.y.hidden ? 0 : 64 * s;
            plan_names(plan, (plan.box.width - left) / float(plan.reach.x_names.size()), theme,
                       measure);
        }
        bottom += (tick_length + tick_gap) * s + plan.name_height + 3 * s;
        bottom += axis_name(f.x, "").empty() ? 0 : name_line * s;
    }
    if (!f.footnote.empty() || colour_bar_of(f)) {
        bottom += footer_line * s;
    }
    plan.bottom = bottom;
}

void plan_frame(Plan& plan, const Theme& theme, const TextMeasure& measure) {
    const float s = theme.scale;
    const Figure& f = *plan.figure;
    const Font font = tick_font(theme);
    const float top = std::round(plan.box.y + plan.top);
    const float height = std::max(0.0F, std::round(plan.box.bottom() - plan.bottom - top));
    float left = 0, right = 0;
    if (plan.reach.cartesian && !f.y.hidden) {
        const LabelRoom room = [&](const std::string&) { return font.size * 2.4F; };
        if (has_names(f.y, plan.reach.y_names)) {
            plan.y_ticks = named(plan.reach.y_names, plan.reach.y);
            for (AxisTicks::Tick& tick : plan.y_ticks.major) {
                tick.label = shortened(tick.label, font, plan.box.width * 0.35F, measure);
            }
        } else {
            plan.y_ticks = make_ticks(f.y, plan.reach.y, height, room);
        }
        left = widest(plan.y_ticks, font, measure) + (tick_length + tick_gap) * s;
        left += axis_name(f.y, plan.y_ticks.factor).empty() ? 0 : name_line * s;
        left = std::min(left, plan.box.width * 0.5F);
    }
    if (plan.reach.cartesian && !f.x.hidden) {
        const LabelRoom room = [&](const std::string& label) {
            return measure.width(label, font) + 16 * s;
        };
        right = 8 * s;
        const bool names = has_names(f.x, plan.reach.x_names);
        for (int pass = 0; pass < 2; ++pass) {  // the last label may ask for more room at the right
            const float width = std::max(0.0F, plan.box.width - left - right);
            plan.x_ticks = names ? named(plan.reach.x_names, plan.reach.x)
                                 : make_ticks(f.x, plan.reach.x, width, room);
            if (!plan.x_ticks.major.empty() && !names) {
                const auto& last = plan.x_ticks.major.back();
                const AxisMap map = {plan.reach.x.first, plan.reach.x.second, 0, width, f.x.scale};
                const float over =
                    clamped_position(map, last.value) + measure.width(last.label, font) / 2 - width;
                right = std::max(right, over);
            }
        }
    }
    const float x = std::round(plan.box.x + left);
    plan.frame = {x, top, std::max(0.0F, std::round(plan.box.right() - right - x)), height};
}

void draw_title(const Plan& plan, Scene& scene, const Theme& theme, const TextMeasure& measure) {
    const float s = theme.scale;
    const Role role = plan.figure->title_role;
    const Color color = role == Role::muted ? theme.muted : ink(theme.style(role).color, theme);
    float y = plan.box.y;
    for (const std::string& line : plan.title) {
        scene.add(TextRun{{plan.box.x, y + title_line * s / 2},
                          line,
                          theme.chart_title(),
                          color,
                          HAlign::left,
                          VAlign::middle});
        y += title_line * s;
    }
    if (plan.key_beside_title) {
        const float width = key_width(plan.key, theme, measure);
        flow_key(&scene, plan.key, {plan.box.right() - width, plan.box.y}, width + 1, theme,
                 measure);
    } else if (!plan.key.empty()) {
        flow_key(&scene, plan.key, {plan.box.x, y + key_gap * s}, plan.box.width, theme, measure);
    }
}

void draw_grid(const Plan& plan, Plot& plot) {
    const Rect& f = plan.frame;
    const Color color = plot.theme.grid;
    const bool names = has_names(plan.figure->y, plan.reach.y_names);
    if (!names) {
        for (const AxisTicks::Tick& tick : plan.y_ticks.major) {
            plot.add(FillRect{
                hairline_y(plot, clamped_position(plot.y, tick.value), f.x, f.right()), color});
        }
    }
    // Vertical lines only where values are read off the x axis: lanes and logarithms.
    if (names || plan.figure->x.scale == Scale::log10) {
        for (const AxisTicks::Tick& tick : plan.x_ticks.major) {
            plot.add(FillRect{
                hairline_x(plot, clamped_position(plot.x, tick.value), f.y, f.bottom()), color});
        }
    }
}

void draw_axes(const Plan& plan, Plot& plot) {
    const Theme& theme = plot.theme;
    const Rect& f = plan.frame;
    const Font font = tick_font(theme);
    const float s = theme.scale, w = theme.hairline();
    if (!plan.figure->x.hidden && plan.reach.cartesian) {
        plot.add(FillRect{{f.x, f.bottom(), f.width, w}, theme.line});
        const bool names = has_names(plan.figure->x, plan.reach.x_names);
        AxisTicks ticks = plan.x_ticks;
        const bool upright = names && plan.names == NameStyle::upright;
        if (names || !plan.figure->x.named_ticks.empty()) {
            thin_out(ticks, plot.x, [&](const std::string& label) {
                const float slot = f.width / static_cast<float>(std::max<std::size_t>(
                                                 1, plan.reach.x_names.size()));
                return upright ? font.size + 2 * s
                       : names ? std::min(plot.text_width(label, font), slot)
                               : plot.text_width(label, font) + 6 * s;
            });
        }
        for (const double minor : ticks.minor) {
            Rect mark = hairline_x(plot, clamped_position(plot.x, minor), f.bottom(), 0);
            mark.height = 2 * s;
            plot.add(FillRect{mark, theme.line});
        }
        for (const AxisTicks::Tick& tick : ticks.major) {
            const float at = clamped_position(plot.x, tick.value);
            if (!names) {
                Rect mark = hairline_x(plot, at, f.bottom(), 0);
                mark.height = tick_length * s;
                plot.add(FillRect{mark, theme.line});
            }
            if (!tick.label.empty()) {
                draw_x_label(plan, plot, at, tick.label);
            }
        }
        const std::string name = axis_name(plan.figure->x, plan.x_ticks.factor);
        const float y = f.bottom() + (tick_length + tick_gap + 3) * s + plan.name_height;
        plot.add(TextRun{{f.centre().x, y + name_line * s / 2},
                         shortened(name, theme.small(), f.width, plot.measure),
                         theme.small(),
                         theme.muted,
                         HAlign::centre,
                         VAlign::middle});
    }
    if (!plan.figure->y.hidden && plan.reach.cartesian) {
        plot.add(FillRect{{f.x - w, f.y, w, f.height + w}, theme.line});
        AxisTicks ticks = plan.y_ticks;
        thin_out(ticks, plot.y, [&](const std::string&) { return font.size + 2 * s; });
        for (const AxisTicks::Tick& tick : ticks.major) {
            if (!tick.label.empty()) {
                plot.add(TextRun{
                    {f.x - (tick_length + tick_gap) * s, clamped_position(plot.y, tick.value)},
                    tick.label,
                    font,
                    theme.muted,
                    HAlign::right,
                    VAlign::middle});
            }
        }
        const std::string name = axis_name(plan.figure->y, plan.y_ticks.factor);
        plot.add(TextRun{{plan.box.x + theme.small().size / 2, f.centre().y},
                         shortened(name, theme.small(), f.height, plot.measure),
                         theme.small(),
                         theme.muted,
                         HAlign::centre,
                         VAlign::middle,
                         true});
    }
}

void draw_footer(const Plan& plan, Plot& plot) {
    const Theme& theme = plot.theme;
    const float s = theme.scale;
    const float middle = plan.box.bottom() - footer_line * s / 2 + 2 * s;
    const Heatmap* map = colour_bar_of(*plan.figure);
    float room = plan.frame.width;
    if (map) {
        draw_colour_bar(*map, plot, plan.frame.right(), middle);
        room *= 0.5F;
    }
    if (!plan.figure->footnote.empty()) {
        plot.add(TextRun{{plan.frame.x, middle},
                         shortened(plan.figure->footnote, tick_font(theme), room, plot.measure),
                         tick_font(theme),
                         theme.muted,
                         HAlign::left,
                         VAlign::middle});
    }
}

}  // namespace nibble
