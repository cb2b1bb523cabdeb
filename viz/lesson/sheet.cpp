#include "viz/lesson/sheet.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "sim/core/version.hpp"
#include "viz/figure/cairo_canvas.hpp"
#include "viz/lesson/marks.hpp"
#include "viz/lesson/page.hpp"
#include "viz/lesson/plain.hpp"
#include "viz/lesson/prediction.hpp"
#include "viz/lesson/setting.hpp"

namespace nibble {
namespace {

constexpr float row_height = 190, highest_figure = 420, prediction_height = 230;
constexpr Font body = {Face::text, 10}, small = {Face::text, 9};

/// One row with the wanted figures of an outcome; all of them when none is named.
Outcome chosen(const Outcome& outcome, const std::vector<std::string>& ids) {
    Outcome some = outcome;
    some.rows = {{1, {}}};
    for (const FigureRow& row : outcome.rows) {
        for (const Figure& f : row.figures) {
            if (ids.empty() || std::find(ids.begin(), ids.end(), f.id) != ids.end()) {
                some.rows[0].figures.push_back(f);
            }
        }
    }
    return ids.empty() ? outcome : some;
}

/// The figure of a prediction: with the answers as it is, else as it is to be drawn on.
Outcome prediction(const Outcome& outcome, const QuestionBlock& q, bool answers) {
    Outcome one = chosen(outcome, {q.figure});
    if (!answers) {
        one.rows = {{1, {figure_to_draw_on(outcome, q)}}};
    }
    return one;
}

class Sheet {
public:
    Sheet(const Lesson& lesson, LessonBench& bench, bool answers)
        : lesson_(lesson), bench_(bench), answers_(answers) {}

    std::vector<Scene> pages() {
        pages_.text(lesson_.title, {{Face::semibold, 20}, 0, {}, 0});
        pages_.text(lesson_.question, {{Face::text, 12}, 0, {}, 4});
        if (!answers_) {
            pages_.blank("Name", "", 220);
            pages_.blank("Date", "", 220);
        }
        pages_.gap(8);
        for (std::size_t i = 0; i < lesson_.blocks.size(); ++i) {
            std::visit([&](const auto& block) { set(block); }, lesson_.blocks[i]);
        }
        return pages_.finish(fmt::format("Nibble {}  ·  lesson {}{}", version, lesson_.id,
                                         answers_ ? "  ·  for the teacher" : ""));
    }

private:
    void label(const std::string& text) {
        pages_.text(text, {{Face::semibold, 10}, 0, {}, 14, false, true});
    }
    void hints(const std::vector<RichText>& hints) {
        for (const RichText& hint : hints) {
            RichText line = {{Inline::Kind::text, "Hint: "}};
            const RichText words = bench_.filled(hint);
            line.insert(line.end(), words.begin(), words.end());
            pages_.text(line, {small, 0, {}, 3});
        }
    }
    std::string command(const Scenario& s) const { return to_command(s, bench_.experiments()); }
    void mono(const std::string& text) { pages_.text(text, {{Face::mono, 8.5F}, 0, {}, 4, true}); }

    void set(const Prose& prose) {
        const Prose p = bench_.filled(prose);
        switch (p.kind) {
            case Prose::Kind::heading:
                pages_.text(p.text, {{Face::semibold, 13}, 0, {}, 16, false, true});
                break;
            case Prose::Kind::item:
                pages_.text(p.text, {body, 16 + 14 * static_cast<float>(p.level), p.marker, 3});
                break;
            case Prose::Kind::quote:
                pages_.text(p.text, {{Face::medium, 10}, 20, {}, 8});
                break;
            case Prose::Kind::code:
                mono(plain_text(p.text));
                break;
            case Prose::Kind::equation:
                pages_.text(p.text, {{Face::text, 11}, 24, {}, 8});
                break;
            case Prose::Kind::table_row:
                pages_.row(p.cells, p.is_table_head);
                break;
            case Prose::Kind::paragraph:
                pages_.text(p.text);
                break;
        }
    }
    void set(const FigureBlock& f) {
        const Outcome shown = chosen(*bench_.outcome(f.setting), f.figures);
        pages_.figure(shown,
                      std::min(row_height * static_cast<float>(shown.rows.size()), highest_figure));
        pages_.text(bench_.filled(f.caption), {small, 0, {}, 2, true});
        mono(command(f.setting));
    }
    void set(const TaskBlock& t) {
        label("Task");
        pages_.text(bench_.filled(t.ask), {body, 0, {}, 2});
        mono(command(t.setting));
        std::vector<std::string> names;
        const Experiment& e = find_experiment(bench_.experiments(), t.setting.experiment);
        for (const std::string& name : t.controls) {
            names.push_back(e.params[e.index_of(name)].title);
        }
        pages_.text(fmt::format("You may move: {}.", fmt::join(names, ", ")),
                    {small, 0, {}, 3, true});
        if (answers_) {
            pages_.begin_stripe();
            pages_.text(fmt::format("Done when {}. One way: {}.", t.reached.text(),
                                    changes_from(t.setting, t.solution, bench_.experiments())));
            pages_.text(bench_.filled(t.why));
            hints(t.hints);
            pages_.end_stripe();
            return;
        }
        pages_.keep_together(28 * static_cast<float>(names.size()));
        for (const std::string& name : names) {
            pages_.blank(name, "", 120);
        }
        pages_.keep_together(70);
        pages_.text("Why it works", {body, 0, {}, 12, true});
        pages_.rules(2);
    }
    void set(const QuestionBlock& q) {
        label(!q.is_prediction ? "Question" : answers_ ? "Predict" : "Predict, then turn the page");
        pages_.text(bench_.filled(q.ask), {body, 0, {}, 2});
        const Truth truth = bench_.truth(q);
        for (std::size_t i = 0; i < q.options.size(); ++i) {
            pages_.tick_box(answers_ && truth.right[i], 2);
            pages_.text(bench_.filled(q.options[i].text), {body, 18, {}, 4});
            if (answers_) {
                pages_.text(bench_.filled(q.options[i].because), {small, 18, {}, 1, true});
            }
        }
        if (!q.figure.empty()) {
            pages_.figure(prediction(*bench_.outcome(*q.setting), q, answers_), prediction_height);
        }
        if (answers_) {
            set_answer(q);
        } else if (q.kind == AnswerKind::number || q.kind == AnswerKind::text) {
            pages_.blank("Answer", q.unit, q.kind == AnswerKind::text ? 300 : 90);
        }
        if (!answers_ && !q.is_prediction) {
            pages_.keep_together(50);
            pages_.rules(2);
        }
        if (!answers_ && q.is_prediction) {
            pages_.new_page();
        }
    }
    void set_answer(const QuestionBlock& q) {
        pages_.begin_stripe();
        if (q.kind == AnswerKind::number || q.kind == AnswerKind::text) {
            pages_.text("Answer: " + mark(q, {}, bench_).truth, {{Face::semibold, 10}});
        }
        pages_.text(bench_.filled(q.why));
        hints(q.hints);
        pages_.end_stripe();
    }
    void set(const TeacherBlock& teacher) {
        if (!answers_) {
            return;
        }
        label("For the teacher");
        pages_.begin_stripe();
        for (const Prose& note : teacher.notes) {
            set(note);
        }
        pages_.end_stripe();
    }

    const Lesson& lesson_;
    LessonBench& bench_;
    bool answers_;
    Pages pages_;
};

}  // namespace

std::string sheet_pdf(const Lesson& lesson, LessonBench& bench, bool answers) {
    return pdf_bytes(Sheet(lesson, bench, answers).pages(), {255, 255, 255},
                     {lesson.title, lesson.question, {}});
}

}  // namespace nibble
