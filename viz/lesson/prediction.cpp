#include "viz/lesson/prediction.hpp"

#include <algorithm>
#include <cmath>

namespace nibble {
namespace {

struct Extent {
    double low = HUGE_VAL, high = -HUGE_VAL;

    void take(const std::vector<double>& values, bool log) {
        for (const double v : values) {
            if (std::isfinite(v) && (!log || v > 0)) {
                low = std::min(low, v);
                high = std::max(high, v);
            }
        }
    }
};

/// Limits that hold every line and point of the figure; `roomy` leaves space to be wrong in.
void fix(Axis& axis, const Extent& e, bool roomy) {
    if (!roomy && axis.limits) {
        return;
    }
    if (!(e.low <= e.high)) {
        return;
    }
    if (axis.scale == Scale::linear) {
        const double span = std::max(e.high - std::min(0.0, e.low), 1e-12);
        axis.limits = {std::min(0.0, e.low), e.high + (roomy ? 0.4 * span : 0)};
    } else if (roomy) {
        axis.limits = {std::pow(10, std::floor(std::log10(e.low))),
                       std::pow(10, std::ceil(std::log10(e.high)) + 1)};
    } else {
        axis.limits = {e.low, e.high};
    }
}

bool gives_away(const Mark& mark, const QuestionBlock& q) {
    const auto* line = std::get_if<Line>(&mark);
    if (!line) {
        return std::holds_alternative<Points>(mark) || std::holds_alternative<Handle>(mark);
    }
    const bool is_context = line->role == Role::baseline || line->role == Role::reference ||
                            line->role == Role::limit || line->role == Role::muted;
    return q.kind == AnswerKind::line && (line->label == q.series || !is_context);
}

}  // namespace

Figure figure_to_draw_on(const Outcome& outcome, const QuestionBlock& q) {
    Figure figure = figure_of(outcome, q.figure, q.place);
    Extent x, y;
    const bool log_x = figure.x.scale != Scale::linear, log_y = figure.y.scale != Scale::linear;
    for (const Mark& mark : figure.marks) {
        if (const auto* line = std::get_if<Line>(&mark)) {
            x.take(line->x, log_x);
            y.take(line->y, log_y);
        } else if (const auto* points = std::get_if<Points>(&mark)) {
            x.take(points->x, log_x);
            y.take(points->y, log_y);
        }
    }
    fix(figure.x, x, q.kind == AnswerKind::point);
    fix(figure.y, y, true);
    std::erase_if(figure.marks, [&](const Mark& mark) { return gives_away(mark, q); });
    figure.footnote.clear();
    return figure;
}

}  // namespace nibble
