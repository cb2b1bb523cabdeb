#include "viz/figure/labels.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace nibble {
namespace {

constexpr float swatch_gap = 6, entry_gap = 16, row_height = 16;

float swatch_width(const KeyEntry& entry) {
    const bool line = entry.swatch == Swatch::line || entry.swatch == Swatch::line_with_marker;
    return line ? 20 : entry.swatch == Swatch::none ? -swatch_gap : 10;
}

/// A label near another series reads as that series' name: this much is it worth to keep away.
constexpr float near_another = 40;

Font key_font(const Theme& theme) {
    return {Face::medium, theme.small().size};
}

void draw_swatch(Scene& scene, const KeyEntry& entry, Point middle_left, const Theme& theme) {
    const RoleStyle& style = theme.style(entry.role);
    const float s = theme.scale, y = middle_left.y, x = middle_left.x;
    const float width = swatch_width(entry) * s;
    const Point centre = {x + width / 2, y};
    const bool line = entry.swatch == Swatch::line || entry.swatch == Swatch::line_with_marker;
    if (line) {
        scene.add(Polyline{{{x, y}, {x + width, y}}, style.color, theme.stroke(), style.dash});
    }
    if (entry.swatch == Swatch::marker || entry.swatch == Swatch::line_with_marker) {
        draw_marker(scene, style, centre, theme.marker_radius());
    }
    if (entry.swatch == Swatch::box) {
        const float side = 10 * s;
        scene.add(FillRect{{centre.x - side / 2, y - side / 2, side, side}, style.color, 2 * s});
    }
    if (entry.swatch == Swatch::rule) {
        scene.add(Polyline{{{centre.x, y - 6 * s}, {centre.x, y + 6 * s}},
                           style.color,
                           theme.hairline(),
                           style.dash});
    }
}

float entry_width(const KeyEntry& entry, const Theme& theme, const TextMeasure& measure) {
    return (swatch_width(entry) + swatch_gap) * theme.scale +
           measure.width(entry.text, key_font(theme));
}

void draw_entry(Scene& scene, const KeyEntry& entry, Point top_left, const std::string& text,
                const Theme& theme) {
    const float s = theme.scale;
    const Point middle = {top_left.x, top_left.y + row_height * s / 2};
    draw_swatch(scene, entry, middle, theme);
    scene.add(TextRun{{middle.x + (swatch_width(entry) + swatch_gap) * s, middle.y},
                      text,
                      key_font(theme),
                      ink(theme.style(entry.role).color, theme),
                      HAlign::left,
                      VAlign::middle});
}

struct Choice {
    Rect box;
    float cost = INFINITY;
};

/// The cheapest candidate that touches nothing.
std::optional<Rect> best_place(const Plot& plot, const LabelWish& wish) {
    const Rect room = plot.frame.inset(2);
    Choice best;
    for (const LabelWish::Candidate& c : wish.candidates) {
        const bool inside = c.box.x >= room.x && c.box.right() <= room.right() &&
                            c.box.y >= room.y && c.box.bottom() <= room.bottom();
        if (!inside || c.cost >= best.cost || plot.coverage.in(c.box) != 0) {
            continue;
        }
        const Owners around = plot.coverage.in(c.box.inset(-6 * plot.theme.scale));
        const float cost = c.cost + ((around & ~wish.owner) != 0 ? near_another : 0);
        if (cost < best.cost) {
            best = {c.box, cost};
        }
    }
    return std::isfinite(best.cost) ? std::optional(best.box) : std::nullopt;
}

void draw_label(Plot& plot, const LabelWish& wish, const Rect& box) {
    const float s = plot.theme.scale;
    Color color = ink(plot.color(wish.key.role), plot.theme);
    if (wish.on_picture) {
        plot.add(FillRect{box.inset(-3 * s), plot.theme.background.with_alpha(0.92), 4 * s});
    }
    if (wish.leader) {
        const Point to = *wish.leader;
        const Point from = {std::clamp(to.x, box.x, box.right()),
                            std::clamp(to.y, box.y, box.bottom())};
        const float length = std::hypot(to.x - from.x, to.y - from.y);
        if (length > wish.leader_gap + 12 * s) {
            const auto along = [&](float distance) {
                const float share = distance / length;
                return Point{from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share};
            };
            plot.add(Polyline{{along(3 * s), along(length - wish.leader_gap)},
                              plot.theme.faint,
                              plot.theme.hairline()});
        }
    }
    plot.add(TextRun{{box.x, box.y + box.height / 2},
                     wish.key.text,
                     plot.label_font(),
                     color,
                     HAlign::left,
                     VAlign::middle});
    plot.coverage.add(box.inset(-1), label_owner);
}

}  // namespace

void wish_around(LabelWish& wish, Point at, Size size, float reach, float cost) {
    const float w = size.width, h = size.height, r = reach;
    const float d = r * 0.75F;  // to a corner it is as far as to a side
    const auto add = [&](float x, float y, float extra) {
        wish.candidates.push_back({{x, y, w, h}, cost + extra});
    };
    add(at.x + d, at.y - d - h, 0);         // above right
    add(at.x - d - w, at.y - d - h, 0.5F);  // above left
    add(at.x - w / 2, at.y - r - h, 0.2F);  // above
    add(at.x + r, at.y - h / 2, 0.3F);      // right
    add(at.x - w / 2, at.y + r, 1);         // below
    add(at.x + d, at.y + d, 1);             // below right
    add(at.x - d - w, at.y + d, 1.2F);      // below left
    add(at.x - r - w, at.y - h / 2, 1);     // left
}

void wish_along(LabelWish& wish, const std::vector<Point>& path, Size size) {
    if (path.empty()) {
        return;
    }
    std::vector<float> lengths = {0};
    for (std::size_t i = 1; i < path.size(); ++i) {
        lengths.push_back(lengths.back() +
                          std::hypot(path[i].x - path[i - 1].x, path[i].y - path[i - 1].y));
    }
    constexpr int places = 32;
    std::size_t segment = path.size() - 1;
    for (int k = places; k >= 0; --k) {
        const float at = lengths.back() * static_cast<float>(k) / places;
        while (segment > 1 && lengths[segment - 1] > at) {
            --segment;
        }
        Point p = path.back();
        if (path.size() > 1) {
            const float length = std::max(lengths[segment] - lengths[segment - 1], 1e-6F);
            const float share = std::clamp((at - lengths[segment - 1]) / length, 0.0F, 1.0F);
            const Point a = path[segment - 1], b = path[segment];
            p = {a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share};
        }
        wish_around(wish, p, size, 6, 0.4F * static_cast<float>(places - k));
    }
}

Size label_size(const Plot& plot, const std::string& text) {
    const Font font = plot.label_font();
    return {plot.text_width(text, font), font.size};
}

LabelWish* wish_for(Plot& plot, const std::string& text, Role role, LabelWish::Kind kind,
                    Swatch swatch) {
    if (text.empty()) {
        return nullptr;
    }
    LabelWish wish;
    wish.kind = kind;
    wish.key = {text, role, swatch};
    wish.owner = plot.owner;
    wish.order = plot.wishes.size();
    plot.wishes.push_back(std::move(wish));
    return &plot.wishes.back();
}

std::vector<KeyEntry> place_labels(Plot& plot) {
    using Kind = LabelWish::Kind;
    std::vector<const LabelWish*> left_over;
    // What is bound to one spot chooses first; series can go anywhere along their curve.
    std::stable_sort(plot.wishes.begin(), plot.wishes.end(),
                     [](const auto& a, const auto& b) { return a.kind > b.kind; });
    const auto series = std::find_if(plot.wishes.begin(), plot.wishes.end(),
                                     [](const auto& w) { return w.kind == Kind::series; });
    for (auto wish = plot.wishes.begin(); wish != series; ++wish) {
        if (const auto box = best_place(plot, *wish)) {
            draw_label(plot, *wish, *box);
        } else if (wish->kind != Kind::name) {
            left_over.push_back(&*wish);
        }
    }
    const Coverage before = plot.coverage;
    const std::size_t drawn = plot.scene.items.size();
    for (auto wish = series; wish != plot.wishes.end(); ++wish) {
        const auto box = best_place(plot, *wish);
        if (!box) {
            plot.coverage = before;
            while (plot.scene.items.size() > drawn) {
                plot.scene.items.pop_back();
            }
            for (auto all = series; all != plot.wishes.end(); ++all) {
                left_over.push_back(&*all);
            }
            break;
        }
        draw_label(plot, *wish, *box);
    }
    std::sort(left_over.begin(), left_over.end(),
              [](const LabelWish* a, const LabelWish* b) { return a->order < b->order; });
    std::vector<KeyEntry> keys;
    for (const LabelWish* wish : left_over) {
        keys.push_back(wish->key);
    }
    return keys;
}

bool draw_corner_key(Plot& plot, const std::vector<KeyEntry>& entries) {
    const float s = plot.theme.scale, margin = 8 * s;
    Size size = {0, row_height * s * static_cast<float>(entries.size())};
    for (const KeyEntry& e : entries) {
        size.width = std::max(size.width, entry_width(e, plot.theme, plot.measure));
    }
    const Rect room = plot.frame.inset(margin);
    if (size.width > room.width * 0.6F || size.height > room.height * 0.7F) {
        return false;
    }
    const float left = room.x, right = room.right() - size.width;
    const float top = room.y, bottom = room.bottom() - size.height;
    for (const Point corner : {Point{right, top}, {left, top}, {right, bottom}, {left, bottom}}) {
        const Rect box = {corner.x, corner.y, size.width, size.height};
        if (plot.coverage.count(box.inset(-4 * s)) != 0) {
            continue;
        }
        Point at = corner;
        for (const KeyEntry& e : entries) {
            draw_entry(plot.scene, e, at, e.text, plot.theme);
            at.y += row_height * s;
        }
        plot.coverage.add(box, label_owner);
        return true;
    }
    return false;
}

float flow_key(Scene* scene, const std::vector<KeyEntry>& entries, Point top_left, float width,
               const Theme& theme, const TextMeasure& measure) {
    const float s = theme.scale;
    float widest = 0;
    for (const KeyEntry& e : entries) {
        widest = std::max(widest, std::min(entry_width(e, theme, measure), width));
    }
    // One row runs on; several rows stand in columns.
    const bool one_row = key_width(entries, theme, measure) <= width;
    Point at = top_left;
    for (const KeyEntry& e : entries) {
        const float needs = one_row ? entry_width(e, theme, measure) : widest;
        if (!one_row && at.x > top_left.x && at.x + needs > top_left.x + width) {
            at = {top_left.x, at.y + row_height * s};
        }
        if (scene) {
            const float text_room = width - (swatch_width(e) + swatch_gap) * s;
            draw_entry(*scene, e, at, shortened(e.text, key_font(theme), text_room, measure),
                       theme);
        }
        at.x += needs + entry_gap * s;
    }
    return entries.empty() ? 0 : at.y + row_height * s - top_left.y;
}

float key_width(const std::vector<KeyEntry>& entries, const Theme& theme,
                const TextMeasure& measure) {
    float width = 0;
    for (const KeyEntry& e : entries) {
        width += entry_width(e, theme, measure) + (width > 0 ? entry_gap * theme.scale : 0);
    }
    return width;
}

}  // namespace nibble
