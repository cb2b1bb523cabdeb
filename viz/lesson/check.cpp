#include "viz/lesson/check.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "viz/lesson/marks.hpp"

namespace nibble {
namespace {

class Checker {
public:
    Checker(const Lesson& lesson, LessonBench& bench) : lesson_(lesson), bench_(bench) {}

    std::vector<std::string> all() {
        int predictions = 0, tasks = 0, questions = 0;
        for (const LessonBlock& block : lesson_.blocks) {
            std::visit([&](const auto& b) { guarded([&] { check(b); }); }, block);
            if (const auto* q = std::get_if<QuestionBlock>(&block)) {
                (q->is_prediction ? predictions : questions) += 1;
            }
            tasks += std::holds_alternative<TaskBlock>(block) ? 1 : 0;
        }
        if (predictions < 1 || tasks < 1 || questions < 1) {
            report({lesson_.path.string(), 1},
                   "a lesson has at least one prediction, one task and one question");
        }
        if (problems_.empty()) {
            guarded([&] { check_scores(); });
        }
        return std::move(problems_);
    }

private:
    void report(const Place& place, const std::string& what) {
        problems_.push_back(fmt::format("{}:{}: {}", place.file, place.line, what));
    }
    template <class Work>
    void guarded(const Work& work) {
        try {
            work();
        } catch (const Error& e) { problems_.push_back(e.line()); }
    }

    void check(const Prose& prose) { bench_.filled(prose); }
    void check(const TeacherBlock& teacher) {
        for (const Prose& note : teacher.notes) {
            bench_.filled(note);
        }
    }
    void check(const FigureBlock& f) {
        const auto outcome = with_place(f.place, [&] { return bench_.outcome(f.setting); });
        for (const std::string& id : f.figures) {
            figure_of(*outcome, id, f.place);
        }
        bench_.filled(f.caption);
    }
    void check(const TaskBlock& t) {
        bench_.filled(t.ask);
        bench_.filled(t.why);
        for (const RichText& hint : t.hints) {
            bench_.filled(hint);
        }
        if (with_place(t.place, [&] { return bench_.state(t, t.setting); }).reached) {
            report(t.place, fmt::format("task {} is done before it begins", t.id));
        }
        const TaskState solved = with_place(t.place, [&] { return bench_.state(t, t.solution); });
        if (!solved.reached) {
            report(t.place, fmt::format("the solution of task {} does not reach it{}{}", t.id,
                                        solved.reason.empty() ? "" : ": ", solved.reason));
        }
    }
    void check(const QuestionBlock& q) {
        bench_.filled(q.ask);
        bench_.filled(q.why);
        for (const RichText& hint : q.hints) {
            bench_.filled(hint);
        }
        for (const Option& o : q.options) {
            bench_.filled(o.text);
            bench_.filled(o.because);
        }
        const Truth truth = with_place(q.place, [&] { return bench_.truth(q); });
        const auto right = std::count(truth.right.begin(), truth.right.end(), true);
        if (q.kind == AnswerKind::single && right != 1) {
            report(q.place, fmt::format("question {} has {} right options, not one", q.id, right));
        }
        if (q.kind == AnswerKind::multiple && right < 1) {
            report(q.place, fmt::format("question {} has no right option", q.id));
        }
        if (q.kind == AnswerKind::number && !(std::isfinite(truth.value) && truth.tolerance >= 0 &&
                                              std::isfinite(truth.tolerance))) {
            report(q.place, fmt::format("question {} has the true value {} and tolerance {}", q.id,
                                        truth.value, truth.tolerance));
        }
    }
    void check_scores() {
        const Marks best = mark(lesson_, model_answers(lesson_, bench_), bench_);
        for (const MarkedBlock& m : best.blocks) {
            if (m.points != 1) {
                report({lesson_.path.string(), 1},
                       fmt::format("the model answer of {} is marked {}: {}", m.id, name(m.verdict),
                                   m.remark));
            }
        }
        if (mark(lesson_, no_answers(lesson_), bench_).points != 0) {
            report({lesson_.path.string(), 1}, "no answers at all are worth points");
        }
    }

    const Lesson& lesson_;
    LessonBench& bench_;
    std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> check_lesson(const Lesson& lesson, LessonBench& bench) {
    return Checker(lesson, bench).all();
}

}  // namespace nibble
