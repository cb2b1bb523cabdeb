#include "viz/lesson/marks.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "viz/lesson/setting.hpp"

namespace nibble {
namespace {

std::string with_unit(double value, const std::string& unit) {
    return format_number(value) + (unit.empty() ? "" : "\u00a0" + unit);
}

std::string option_words(const QuestionBlock& q, const std::vector<int>& chosen) {
    std::string words;
    for (const int i : chosen) {
        words += (words.empty() ? "" : "; ") +
                 plain_text(q.options.at(static_cast<std::size_t>(i)).text);
    }
    return words;
}

std::vector<int> right_ones(const Truth& truth) {
    std::vector<int> right;
    for (std::size_t i = 0; i < truth.right.size(); ++i) {
        if (truth.right[i]) {
            right.push_back(static_cast<int>(i));
        }
    }
    return right;
}

/// "12 % below"; when the truth is 0, by how much.
std::string how_far(double given, double truth, const std::string& unit) {
    if (given == truth) {
        return "exactly right";
    }
    const char* const side = given < truth ? "below" : "above";
    if (truth == 0 || given == 0 || (given < 0) != (truth < 0)) {
        return fmt::format("{} {} it", with_unit(std::abs(given - truth), unit), side);
    }
    const double ratio = std::abs(given) > std::abs(truth) ? given / truth : truth / given;
    return ratio >= 2 ? fmt::format("{} it by a factor of {}", side, format_number(ratio, 2))
                      : fmt::format("{} % {} it",
                                    format_number(100 * std::abs(given / truth - 1), 2), side);
}

void mark_number(const QuestionBlock& q, const Truth& truth, const Answer& answer, MarkedBlock& m) {
    m.given = answer.text;
    m.truth = format_number(truth.value, 4) + (q.unit.empty() ? "" : "\u00a0" + q.unit);
    if (answer.text.empty()) {
        return;
    }
    try {
        const double value = read_quantity(answer.text, q.unit);
        // A tolerance that the truth's own rounding error eats would refuse the right answer.
        const double slack = truth.tolerance + 1e-9 * std::abs(truth.value);
        m.verdict = std::abs(value - truth.value) <= slack ? Verdict::right : Verdict::wrong;
        m.remark = how_far(value, truth.value, q.unit);
    } catch (const Error& e) {
        m.verdict = Verdict::wrong;
        m.remark = e.line();
    }
}

/// y of a drawn line at x, straight between its points; nothing outside of them.
std::optional<double> at(const std::vector<std::pair<double, double>>& line, double x) {
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
        const auto [x0, y0] = line[i];
        const auto [x1, y1] = line[i + 1];
        if (x >= x0 && x <= x1) {
            return x1 == x0 ? y0 : y0 + (y1 - y0) * (x - x0) / (x1 - x0);
        }
    }
    return std::nullopt;
}

}  // namespace

std::string_view name(Verdict verdict) {
    static constexpr std::string_view names[] = {"unanswered", "right", "wrong", "predicted"};
    return names[static_cast<int>(verdict)];
}

std::string gap_in_words(const std::vector<std::pair<double, double>>& drawn,
                         const std::vector<std::pair<double, double>>& truth,
                         const Figure& figure) {
    if (drawn.empty() || truth.empty()) {
        return {};
    }
    const std::string& unit = figure.y.unit;
    if (drawn.size() == 1) {
        const auto [x, y] = drawn[0];
        const auto [tx, ty] = truth[0];
        return fmt::format("your point is {} on the {} axis, and {} on the {} axis",
                           how_far(x, tx, figure.x.unit), figure.x.label, how_far(y, ty, unit),
                           figure.y.label);
    }
    double worst = -1, worst_x = 0, worst_drawn = 0, worst_truth = 0;
    int above = 0, below = 0;
    const bool log = figure.y.scale != Scale::linear;
    for (const auto& [x, y] : truth) {
        const auto mine = at(drawn, x);
        if (!mine || !std::isfinite(y) || (log && (*mine <= 0 || y <= 0))) {
            continue;
        }
        const double gap = log ? std::abs(std::log(*mine / y)) : std::abs(*mine - y);
        above += *mine > y ? 1 : 0;
        below += *mine < y ? 1 : 0;
        if (gap > worst) {
            worst = gap;
            worst_x = x;
            worst_drawn = *mine;
            worst_truth = y;
        }
    }
    if (worst < 0) {
        return "your line lies beside the true one, not over it";
    }
    const char* const side = above == 0 ? "below" : below == 0 ? "above" : "on both sides of";
    return fmt::format(
        "your line runs {} the true one; it is farthest off at {}, with {} instead of {}", side,
        with_unit(worst_x, figure.x.unit), with_unit(worst_drawn, unit),
        with_unit(worst_truth, unit));
}

MarkedBlock mark(const TaskBlock& task, const Answer& answer, LessonBench& bench) {
    MarkedBlock m{task.id, "task"};
    const std::string solution = changes_from(task.setting, task.solution, bench.experiments());
    m.truth = "such as " + solution;
    if (answer.scenario) {
        const std::string changes =
            changes_from(task.setting, *answer.scenario, bench.experiments());
        m.given = changes.empty() ? "nothing moved" : changes;
        const TaskState state = bench.state(task, *answer.scenario);
        m.verdict = state.reached ? Verdict::right : Verdict::wrong;
        m.remark = state.reached ? "" : state.reason.empty() ? "not reached" : state.reason;
    }
    m.points = m.verdict == Verdict::right ? 1 : 0;
    return m;
}

MarkedBlock mark(const QuestionBlock& q, const Answer& answer, LessonBench& bench) {
    MarkedBlock m{q.id, q.is_prediction ? "prediction" : "question"};
    const Truth truth = bench.truth(q);
    switch (q.kind) {
        case AnswerKind::single:
        case AnswerKind::multiple: {
            const std::vector<int> right = right_ones(truth);
            m.given = option_words(q, answer.chosen);
            m.truth = option_words(q, right);
            if (!answer.chosen.empty()) {
                m.verdict = answer.chosen == right ? Verdict::right : Verdict::wrong;
            }
            break;
        }
        case AnswerKind::number:
            mark_number(q, truth, answer, m);
            break;
        case AnswerKind::text:
            m.given = answer.text;
            m.truth = q.accept.at(0);
            if (!answer.text.empty()) {
                m.verdict = fits(answer.text, q.accept) ? Verdict::right : Verdict::wrong;
            }
            break;
        case AnswerKind::line:
        case AnswerKind::point: {
            const Figure& figure = figure_of(*bench.outcome(*q.setting), q.figure, q.place);
            m.given = answer.points.empty() ? "" : fmt::format("{} points", answer.points.size());
            m.truth = q.kind == AnswerKind::line
                          ? fmt::format("the line \"{}\"", q.series)
                          : fmt::format("({}, {})", format_number(truth.line.at(0).first),
                                        format_number(truth.line.at(0).second));
            m.remark = gap_in_words(answer.points, truth.line, figure);
            m.verdict = answer.points.empty() ? Verdict::unanswered : Verdict::predicted;
            break;
        }
    }
    if (q.is_prediction && m.verdict != Verdict::unanswered) {
        m.verdict = Verdict::predicted;
    }
    m.points = m.verdict == Verdict::right || m.verdict == Verdict::predicted ? 1 : 0;
    return m;
}

Marks mark(const Lesson& lesson, const LessonAnswers& answers, LessonBench& bench) {
    Marks all;
    for (const LessonBlock& block : lesson.blocks) {
        const std::string& id = answer_id(block);
        if (id.empty()) {
            continue;
        }
        const auto found = answers.answers.find(id);
        const Answer answer = found == answers.answers.end() ? Answer() : found->second;
        const auto* task = std::get_if<TaskBlock>(&block);
        all.blocks.push_back(task ? mark(*task, answer, bench)
                                  : mark(std::get<QuestionBlock>(block), answer, bench));
        all.points += all.blocks.back().points;
        ++all.out_of;
    }
    return all;
}

}  // namespace nibble
