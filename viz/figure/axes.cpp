#include "viz/figure/axes.hpp"

#include <algorithm>
#include <cmath>

namespace nibble {
namespace {

using namespace spacing;

constexpr float least_bar = 24;  // points; colours cannot be told apart on less

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

/// Labels of named positions may be too many: those that would touch are left out.
AxisTicks x_labels(const Plan& plan, const Plot& plot) {
    AxisTicks ticks = plan.x_ticks;
    const Font font = tick_font(plot.theme);
    const bool names = has_names(plan.figure->x, plan.reach.x_names);
    if (!names && plan.figure->x.named_ticks.empty()) {
        return ticks;
    }
    const auto count = static_cast<float>(std::max<std::size_t>(1, plan.reach.x_names.size()));
    const float slot = plan.frame.width / count;
    thin_out(ticks, plot.x, [&](const std::string& label) {
        if (names && plan.names == NameStyle::upright) {
            return font.size + plot.scaled(2);
        }
        const float width = plot.text_width(label, font);
        return names ? std::min(width, slot * 0.99F) : width + plot.scaled(6);
    });
    return ticks;
}

void draw_x_axis(const Plan& plan, Plot& plot) {
    const Theme& theme = plot.theme;
    const Rect& f = plan.frame;
    const float s = theme.scale;
    plot.add(FillRect{{f.x, f.bottom(), f.width, theme.hairline()}, theme.line});
    const auto tick_mark = [&](double value, float length) {
        Rect mark = hairline_x(plot, clamped_position(plot.x, value), f.bottom(), f.bottom());
        mark.height = length * s;
        plot.add(FillRect{mark, theme.line});
    };
    const AxisTicks ticks = x_labels(plan, plot);
    for (const double minor : ticks.minor) {
        tick_mark(minor, tick_length / 2);
    }
    for (const AxisTicks::Tick& tick : ticks.major) {
        if (!has_names(plan.figure->x, plan.reach.x_names)) {
            tick_mark(tick.value, tick_length);
        }
        if (!tick.label.empty()) {
            draw_x_label(plan, plot, clamped_position(plot.x, tick.value), tick.label);
        }
    }
    if (plan.left_out < 1) {
        const std::string name = axis_name(plan.figure->x, plan.x_ticks.factor);
        const float y = f.bottom() + (tick_length + tick_gap + 3) * s + plan.name_height;
        plot.add(TextRun{{f.centre().x, y + name_line * s / 2},
                         shortened(name, theme.small(), f.width, plot.measure),
                         theme.small(),
                         theme.muted,
                         HAlign::centre,
                         VAlign::middle});
    }
}

void draw_y_axis(const Plan& plan, Plot& plot) {
    const Theme& theme = plot.theme;
    const Rect& f = plan.frame;
    const Font font = tick_font(theme);
    const float s = theme.scale, w = theme.hairline();
    plot.add(FillRect{{f.x - w, f.y, w, f.height + w}, theme.line});
    AxisTicks ticks = plan.y_ticks;
    thin_out(ticks, plot.y, [&](const std::string&) { return font.size + 2 * s; });
    for (const AxisTicks::Tick& tick : ticks.major) {
        plot.add(TextRun{{f.x - (tick_length + tick_gap) * s, clamped_position(plot.y, tick.value)},
                         tick.label,
                         font,
                         theme.muted,
                         HAlign::right,
                         VAlign::middle});
    }
    if (plan.left_out < 1) {
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

/// At the right end of the line at `middle`. Returns the left end of what was drawn.
float draw_colour_bar(const Heatmap& map, Plot& plot, float right, float middle) {
    const Theme& theme = plot.theme;
    const Font font = tick_font(theme);
    const float s = theme.scale;
    const auto [low, high, least_width] = colour_bar(map, theme, plot.measure);
    const float low_width = plot.text_width(low, font), high_width = plot.text_width(high, font);
    if (least_width > plot.frame.width) {
        return right;
    }
    const float bar = std::clamp(plot.frame.width * 0.45F - low_width - high_width - 12 * s,
                                 least_bar * s, 160 * s);
    const auto label = [&](const std::string& words, float at) {
        plot.add(TextRun{{at, middle}, words, font, theme.muted, HAlign::right, VAlign::middle});
    };
    label(high, right);
    const Rect area = {snap(right - high_width - 6 * s - bar), snap(middle - 4 * s), snap(bar),
                       snap(8 * s)};
    auto pixels = std::make_shared<std::vector<Color>>();
    constexpr int steps = 128;
    for (int k = 0; k < steps; ++k) {
        const double share = (k + 0.5) / steps;
        pixels->push_back(map.is_signed ? signed_color(2 * share - 1, theme.kind)
                                        : magnitude_color(share));
    }
    plot.add(Image{area, steps, 1, pixels});
    label(low, area.x - 6 * s);
    const float name_right = area.x - 12 * s - low_width;
    const float room = std::min(name_right - plot.frame.x, plot.frame.width * 0.4F);
    const std::string name = shortened(map.label, font, room, plot.measure);
    label(name, name_right);
    return name_right - plot.text_width(name, font);
}

}  // namespace

ColourBar colour_bar(const Heatmap& map, const Theme& theme, const TextMeasure& measure) {
    const double reach = std::max(std::abs(map.low), std::abs(map.high));
    const double low = map.is_signed ? -reach : map.low, high = map.is_signed ? reach : map.high;
    ColourBar bar;
    bar.low = format_value(low, NumberStyle::plain, 3);
    bar.high = format_value(high, NumberStyle::plain, 3) + (map.unit.empty() ? "" : " " + map.unit);
    const Font font = tick_font(theme);
    bar.least_width = measure.width(bar.low, font) + measure.width(bar.high, font) +
                      (12 + least_bar) * theme.scale;
    return bar;
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
    if (plan.reach.cartesian && !plan.figure->x.hidden) {
        draw_x_axis(plan, plot);
    }
    if (plan.reach.cartesian && !plan.figure->y.hidden) {
        draw_y_axis(plan, plot);
    }
}

void draw_footer(const Plan& plan, Plot& plot) {
    if (plan.left_out > 0) {
        return;
    }
    const Theme& theme = plot.theme;
    const float s = theme.scale;
    const float bottom = plot.content_bottom.value_or(plan.frame.bottom());
    float middle = bottom + plan.own_bottom - footer_line * s / 2 + 2 * s;
    const Heatmap* map = colour_bar_of(*plan.figure);
    float right =
        map ? draw_colour_bar(*map, plot, plan.frame.right(), middle) - 12 * s : plan.frame.right();
    if (plan.two_footers) {
        middle -= footer_line * s;
        right = plan.frame.right();
    }
    plot.add(TextRun{
        {plan.frame.x, middle},
        shortened(plan.figure->footnote, tick_font(theme), right - plan.frame.x, plot.measure),
        tick_font(theme),
        theme.muted,
        HAlign::left,
        VAlign::middle});
}

}  // namespace nibble
