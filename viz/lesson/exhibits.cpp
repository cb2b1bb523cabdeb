#include "viz/lesson/exhibits.hpp"

#include "viz/figure/export.hpp"
#include "viz/lesson/digest.hpp"

namespace nibble {
namespace {

/// The setting whose outcome a block's figure shows; null when it shows none.
const Scenario* shown_setting(const LessonBlock& block, const Answer& answer) {
    if (std::holds_alternative<TaskBlock>(block)) {
        return answer.scenario ? &*answer.scenario : nullptr;
    }
    const auto* q = std::get_if<QuestionBlock>(&block);
    return q && !q->figure.empty() && !answer.points.empty() ? &*q->setting : nullptr;
}

Mark drawn_by_reader(const Answer& answer) {
    std::vector<double> x, y;
    for (const auto& [px, py] : answer.points) {
        x.push_back(px);
        y.push_back(py);
    }
    const std::string label = "prediction";
    if (x.size() == 1) {
        return Points{label, Role::category4, x, y};
    }
    return Line{label, Role::category4, x, y};
}

void draw_prediction(Outcome& outcome, const QuestionBlock& q, const Answer& answer) {
    for (FigureRow& row : outcome.rows) {
        for (Figure& f : row.figures) {
            if (f.id == q.figure) {
                f.marks.push_back(drawn_by_reader(answer));
            }
        }
    }
}

}  // namespace

std::vector<Exhibit> exhibits(const Lesson& lesson, const LessonAnswers& answers,
                              LessonBench& bench) {
    std::vector<Exhibit> all;
    for (const LessonBlock& block : lesson.blocks) {
        const auto found = answers.answers.find(answer_id(block));
        const Scenario* const setting =
            found == answers.answers.end() ? nullptr : shown_setting(block, found->second);
        if (!setting) {
            continue;
        }
        const auto outcome = bench.outcome(*setting);
        Exhibit e{found->first, *setting, *outcome, {}, figure_digest(*outcome)};
        if (const auto* q = std::get_if<QuestionBlock>(&block)) {
            e.figure = q->figure;
            draw_prediction(e.outcome, *q, found->second);
        }
        all.push_back(std::move(e));
    }
    return all;
}

std::string exhibit_digest(const LessonBlock& block, const Answer& answer, LessonBench& bench) {
    const Scenario* const setting = shown_setting(block, answer);
    return setting ? figure_digest(*bench.outcome(*setting)) : std::string();
}

std::string exhibit_bytes(const Exhibit& exhibit, const std::string& suffix,
                          const Experiments& all) {
    ExportOptions options;
    options.figure = exhibit.figure;
    options.size = exhibit.figure.empty() ? Size{960, 640} : Size{720, 440};
    return export_bytes(exhibit.outcome, exhibit.scenario, all, suffix, options);
}

}  // namespace nibble
