// Two columns of boxes with arrows between them: a block table and the memory it points to.
#include <algorithm>
#include <cmath>

#include "viz/figure/plot.hpp"

namespace nibble {
namespace {

/// Where one column's boxes lie.
struct Side {
    float x = 0, width = 0;           // of a box
    std::vector<float> middle;        // y of each box
    float height = 0;                 // of a box
    float name_x = 0, name_room = 0;  // where names begin (right column) or end (left column)
};

Font name_font(const Plot& plot) {
    return plot.theme.small();
}

std::string outer_text(const Links::Box& box) {
    return box.note.empty() ? box.name : box.name.empty() ? box.note : box.name + "  " + box.note;
}

float widest_name(const std::vector<Links::Box>& boxes, const Plot& plot) {
    float width = 0;
    for (const Links::Box& box : boxes) {
        width = std::max(width, plot.text_width(outer_text(box), name_font(plot)));
    }
    return width > 0 ? width + 8 * plot.theme.scale : 0;
}

void place_rows(const std::vector<Links::Box>& boxes, float top, const Plot& plot, Side& side) {
    const float s = plot.theme.scale;
    constexpr float group_gap = 0.4F;  // of a row
    float rows = 0;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        rows += 1 + (i > 0 && boxes[i].starts_group ? group_gap : 0);
    }
    const float pitch = std::min(36 * s, (plot.frame.bottom() - top) / std::max(rows, 1.0F));
    side.height = std::max(1.0F, pitch - std::min(6 * s, pitch * 0.25F));
    float y = top;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        y += i > 0 && boxes[i].starts_group ? group_gap * pitch : 0;
        side.middle.push_back(y + pitch / 2);
        y += pitch;
    }
}

/// Boxes as wide as each other, with at least a fifth of the frame between them for the arrows.
std::pair<Side, Side> sides_of(const Links& mark, float top, const Plot& plot) {
    const Rect& f = plot.frame;
    const float most_name = f.width * 0.22F, widest_box = 230 * plot.theme.scale;
    Side left, right;
    left.name_room = std::min(widest_name(mark.left, plot), most_name);
    right.name_room = std::min(widest_name(mark.right, plot), most_name);
    const float boxes = std::max(2.0F, f.width * 0.8F - left.name_room - right.name_room);
    left.width = right.width = std::min(boxes / 2, widest_box);
    left.x = f.x + left.name_room;
    left.name_x = left.x - 8 * plot.theme.scale;
    right.x = f.right() - right.name_room - right.width;
    right.name_x = right.x + right.width + 8 * plot.theme.scale;
    place_rows(mark.left, top, plot, left);
    place_rows(mark.right, top, plot, right);
    return {left, right};
}

Rect box_rect(const Side& side, std::size_t i) {
    return {snap(side.x), snap(side.middle[i] - side.height / 2), snap(side.width),
            snap(side.height)};
}

void draw_slots(const Links::Box& box, const Rect& rect, Plot& plot) {
    const Theme& theme = plot.theme;
    const Font font = {Face::text, std::min(11.5F * theme.scale, rect.height * 0.6F)};
    const Color color = plot.color(box.role);
    const auto count = static_cast<float>(box.slots.size());
    for (std::size_t k = 0; k < box.slots.size(); ++k) {
        const float from = rect.x + rect.width * static_cast<float>(k) / count;
        const float to = rect.x + rect.width * static_cast<float>(k + 1) / count;
        const Rect slot = {from + 1, rect.y + 1, to - from - 2, rect.height - 2};
        if (slot.width <= 0 || slot.height <= 0 || box.slots[k].empty()) {
            continue;
        }
        plot.add(FillRect{slot, color.with_alpha(0.3), std::min(3.0F, slot.height / 3)});
        const std::string text =
            shortened(box.slots[k], font, slot.width - 4 * theme.scale, plot.measure);
        if (font.size >= 7 && !text.empty()) {
            plot.add(
                TextRun{slot.centre(), text, font, theme.text, HAlign::centre, VAlign::middle});
        }
    }
}

void draw_box(const Links::Box& box, const Side& side, std::size_t i, bool is_left, Plot& plot) {
    const Theme& theme = plot.theme;
    const Rect rect = box_rect(side, i);
    const float radius = std::min(4 * theme.scale, rect.height / 3);
    plot.add(FillRect{rect, theme.panel, radius});
    draw_slots(box, rect, plot);
    const float w = theme.hairline() * (box.strong ? 2 : 1);
    const bool quiet = box.role == Role::muted && !box.strong;
    plot.add(StrokeRect{rect.inset(w / 2), quiet ? theme.line : plot.color(box.role), w, radius});
    const Font font = name_font(plot);
    if (rect.height < font.size * 0.8F || outer_text(box).empty()) {
        return;
    }
    const std::string text =
        shortened(outer_text(box), font, side.name_room - 8 * theme.scale, plot.measure);
    plot.add(TextRun{{side.name_x, rect.centre().y},
                     text,
                     font,
                     box.role == Role::muted ? theme.muted : ink(plot.color(box.role), theme),
                     is_left ? HAlign::right : HAlign::left,
                     VAlign::middle});
}

/// A curve that leaves and arrives level, with a head.
void draw_arrow(const Links::Arrow& arrow, const Rect& from, const Rect& to, Plot& plot) {
    const float s = plot.theme.scale, head = 6 * s;
    const Point a = {from.right(), from.centre().y}, tip = {to.x, to.centre().y};
    const Point b = {tip.x - head, tip.y};
    const float reach = 0.5F * (b.x - a.x);
    constexpr int pieces = 24;
    Polyline curve{{}, plot.color(arrow.role), arrow.strong ? 2.5F * s : plot.theme.hairline()};
    for (int k = 0; k <= pieces; ++k) {  // a cubic with its inner points on the level of its ends
        const float t = static_cast<float>(k) / pieces, u = 1 - t;
        const float near = u * u * u + 3 * u * u * t, far = 3 * u * t * t + t * t * t;
        const float pull = 3 * u * t * (u - t) * reach;  // of both, towards the middle
        curve.points.push_back({near * a.x + pull + far * b.x, near * a.y + far * b.y});
    }
    plot.add(std::move(curve));
    const float half = arrow.strong ? 0.6F * head : 0.45F * head;
    plot.add(Polygon{{{b.x, b.y - half}, tip, {b.x, b.y + half}}, plot.color(arrow.role)});
}

void draw_headings(const Links& mark, const Side& left, const Side& right, Plot& plot) {
    const Font font = plot.theme.small();
    const float y = plot.frame.y + font.size;
    const auto heading = [&](const std::string& text, const Side& side) {
        plot.add(TextRun{{side.x, y},
                         shortened(text, font, std::max(side.width, 1.0F) * 1.4F, plot.measure),
                         font,
                         plot.theme.muted});
    };
    heading(mark.left_heading, left);
    heading(mark.right_heading, right);
}

}  // namespace

void draw(const Links& mark, Plot& plot) {
    if (mark.left.empty() && mark.right.empty()) {
        return;
    }
    const bool headed = !mark.left_heading.empty() || !mark.right_heading.empty();
    const float top = plot.frame.y + (headed ? 22 * plot.theme.scale : 0);
    const auto [left, right] = sides_of(mark, top, plot);
    if (headed) {
        draw_headings(mark, left, right, plot);
    }
    for (const Links::Arrow& arrow : mark.arrows) {
        const auto from = static_cast<std::size_t>(arrow.from);
        const auto to = static_cast<std::size_t>(arrow.to);
        if (arrow.from >= 0 && arrow.to >= 0 && from < mark.left.size() && to < mark.right.size()) {
            draw_arrow(arrow, box_rect(left, from), box_rect(right, to), plot);
        }
    }
    float bottom = top;
    const auto draw_side = [&, &l = left, &r = right](bool is_left) {
        const std::vector<Links::Box>& boxes = is_left ? mark.left : mark.right;
        const Side& side = is_left ? l : r;
        for (std::size_t i = 0; i < boxes.size(); ++i) {
            draw_box(boxes[i], side, i, is_left, plot);
            const Rect rect = box_rect(side, i);
            bottom = std::max(bottom, rect.bottom());
            plot.scene.hovers.push_back(
                {rect, boxes[i].label.empty() ? outer_text(boxes[i]) : boxes[i].label,
                 is_left ? picked({}, i) : picked(mark.pick, i)});
        }
    };
    draw_side(true);
    draw_side(false);
    plot.content_bottom = bottom;
}

}  // namespace nibble
