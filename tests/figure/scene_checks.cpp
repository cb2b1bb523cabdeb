#include "tests/figure/scene_checks.hpp"

#include <cmath>
#include <fmt/format.h>

namespace nibble::samples {
namespace {

/// The drawn letters are smaller than their box; touching boxes are still apart to the eye.
constexpr float tolerance = 1;

Rect box_of(const TextRun& run, const TextMeasure& measure) {
    const float width = measure.width(run.text, run.font), size = run.font.size;
    const float before = run.align == HAlign::left     ? 0
                         : run.align == HAlign::centre ? width / 2
                                                       : width;
    const float drop = baseline_drop(run);
    if (run.upwards) {
        return {run.at.x + drop - 0.75F * size, run.at.y + before - width, size, width};
    }
    return {run.at.x - before, run.at.y + drop - 0.75F * size, width, size};
}

bool touches(const Rect& box, Point a, Point b) {
    const float steps = std::max({std::abs(a.x - b.x), std::abs(a.y - b.y), 1.0F});
    for (float k = 0; k <= steps; ++k) {
        const float share = k / steps;
        if (box.contains({a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share})) {
            return true;
        }
    }
    return false;
}

bool is_wild(float v) {
    return !std::isfinite(v) || std::abs(v) > 1e5F;
}

}  // namespace

std::vector<TextBox> text_boxes(const Scene& scene, const TextMeasure& measure) {
    std::vector<TextBox> boxes;
    for (const Primitive& item : scene.items) {
        if (const auto* run = std::get_if<TextRun>(&item); run && !run->text.empty()) {
            boxes.push_back({run->text, box_of(*run, measure)});
        }
    }
    return boxes;
}

std::vector<std::string> misplaced_texts(const Scene& scene, const TextMeasure& measure) {
    const std::vector<TextBox> boxes = text_boxes(scene, measure);
    const Rect paper = Rect{0, 0, scene.size.width, scene.size.height}.inset(-tolerance);
    std::vector<std::string> wrong;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        const Rect& b = boxes[i].box;
        if (b.x < paper.x || b.y < paper.y || b.right() > paper.right() ||
            b.bottom() > paper.bottom()) {
            wrong.push_back(fmt::format("\"{}\" leaves the scene: {},{} {}x{}", boxes[i].text, b.x,
                                        b.y, b.width, b.height));
        }
        for (std::size_t k = 0; k < i; ++k) {
            if (b.inset(tolerance).overlaps(boxes[k].box.inset(tolerance))) {
                wrong.push_back(
                    fmt::format("\"{}\" overlaps \"{}\"", boxes[i].text, boxes[k].text));
            }
        }
    }
    return wrong;
}

std::vector<std::string> labels_on_data(const Scene& scene, const TextMeasure& measure) {
    const std::vector<TextBox> texts = text_boxes(scene, measure);
    std::vector<std::string> wrong;
    int depth = 0;
    for (const Primitive& item : scene.items) {
        depth += std::holds_alternative<PushClip>(item) ? 1 : 0;
        depth -= std::holds_alternative<PopClip>(item) ? 1 : 0;
        if (depth == 0) {
            continue;  // data is what is drawn inside a clip
        }
        for (const TextBox& t : texts) {
            const Rect letters = t.box.inset(tolerance);
            bool hit = false;
            if (const auto* line = std::get_if<Polyline>(&item)) {
                for (std::size_t i = 1; i < line->points.size(); ++i) {
                    hit = hit || touches(letters, line->points[i - 1], line->points[i]);
                }
            } else if (const auto* circle = std::get_if<Circle>(&item)) {
                hit = letters.inset(-circle->radius).contains(circle->centre);
            }
            if (hit) {
                wrong.push_back("\"" + t.text + "\" lies on data");
            }
        }
    }
    return wrong;
}

std::vector<std::string> wild_positions(const Scene& scene) {
    std::vector<std::string> wrong;
    const auto look = [&wrong](const char* kind, std::initializer_list<float> numbers) {
        for (const float v : numbers) {
            if (is_wild(v)) {
                wrong.push_back(fmt::format("{} at {}", kind, v));
            }
        }
    };
    const auto rect = [&](const char* kind, const Rect& r) {
        look(kind, {r.x, r.y, r.width, r.height});
        if (r.width < 0 || r.height < 0) {
            wrong.push_back(fmt::format("{} of {}x{}", kind, r.width, r.height));
        }
    };
    for (const Primitive& item : scene.items) {
        std::visit(
            [&]<class T>(const T& it) {
                if constexpr (std::is_same_v<T, Polyline> || std::is_same_v<T, Polygon>) {
                    for (const Point& p : it.points) {
                        look("path", {p.x, p.y});
                    }
                } else if constexpr (std::is_same_v<T, Circle>) {
                    look("circle", {it.centre.x, it.centre.y, it.radius});
                } else if constexpr (std::is_same_v<T, TextRun>) {
                    look("text", {it.at.x, it.at.y});
                } else if constexpr (!std::is_same_v<T, PopClip>) {
                    rect("rectangle", it.rect);
                }
            },
            item);
    }
    for (const HoverSpot& spot : scene.hovers) {
        rect("hover", spot.area);
    }
    return wrong;
}

}  // namespace nibble::samples
