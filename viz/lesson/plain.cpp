#include "viz/lesson/plain.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "sim/core/line_break.hpp"
#include "viz/lesson/fields.hpp"
#include "viz/lesson/marks.hpp"
#include "viz/lesson/setting.hpp"

namespace nibble {
namespace {

class Printer {
public:
    Printer(const Lesson& lesson, LessonBench& bench, std::size_t width, bool teacher)
        : lesson_(lesson), bench_(bench), width_(width), teacher_(teacher) {}

    std::string all() {
        out_ = fmt::format("{}{}\n", lesson_.id == lesson_.slug ? "" : lesson_.id + "  ",
                           lesson_.title);
        paragraph(lesson_.question);
        const std::string before =
            lesson_.prerequisites.empty()
                ? ""
                : fmt::format("; after {}", fmt::join(lesson_.prerequisites, ", "));
        paragraph(fmt::format("{} minutes{}", lesson_.minutes, before));
        for (const LessonBlock& block : lesson_.blocks) {
            std::visit([&](const auto& b) { print(b); }, block);
        }
        return std::move(out_);
    }

private:
    void paragraph(std::string_view text, std::size_t indent = 0) {
        if (!text.empty()) {
            out_ += '\n';
            out_ += filled_lines(text, width_, indent, indent);
        }
    }
    void line(std::string_view text, std::size_t indent, std::size_t hanging) {
        if (!text.empty()) {
            out_ += filled_lines(text, width_, indent, hanging);
        }
    }
    std::string words(const RichText& text) { return plain_line(bench_.filled(text)); }
    std::string command(const Scenario& scenario) const {
        return to_command(scenario, bench_.experiments());
    }

    void print(const Prose& p) {
        const std::string text = words(p.text);
        switch (p.kind) {
            case Prose::Kind::heading:
                out_ += '\n';
                out_ += filled_lines(text, width_, 0, 0);
                out_ += std::string(std::min(columns_of(text), width_), p.level <= 1 ? '=' : '-');
                out_ += '\n';
                break;
            case Prose::Kind::item: {
                const auto indent = static_cast<std::size_t>(2 + 2 * p.level);
                line(p.marker + " " + text, indent, indent + columns_of(p.marker) + 1);
                break;
            }
            case Prose::Kind::quote:
                paragraph(text, 4);
                break;
            case Prose::Kind::code:
                out_ += "\n" + text;
                break;
            case Prose::Kind::equation:
                paragraph(text, 4);
                break;
            case Prose::Kind::table_row: {
                std::string row;
                for (const RichText& cell : p.cells) {
                    row += (row.empty() ? "" : " | ") + words(cell);
                }
                line(row, 2, 4);
                break;
            }
            case Prose::Kind::paragraph:
                paragraph(text);
                break;
        }
    }
    void print(const FigureBlock& f) {
        paragraph("[Figure] " + words(f.caption));
        line(command(f.setting), 2, 6);
    }
    void print(const TaskBlock& t) {
        paragraph(fmt::format("[Task {}] {}", t.id, words(t.ask)));
        line(fmt::format("start: {}", command(t.setting)), 2, 6);
        line(fmt::format("may move: {}", fmt::join(t.controls, ", ")), 2, 6);
        line(fmt::format("done when: {}", t.reached.text()), 2, 6);
        if (teacher_) {
            line(fmt::format("solution: {}",
                             changes_from(t.setting, t.solution, bench_.experiments())),
                 2, 6);
            line(words(t.why), 2, 2);
        }
    }
    void print(const QuestionBlock& q) {
        paragraph(fmt::format("[{} {}] {}", q.is_prediction ? "Predict" : "Question", q.id,
                              words(q.ask)));
        if (q.kind == AnswerKind::number && !q.unit.empty()) {
            line("in " + q.unit, 2, 2);
        }
        const Truth truth = teacher_ ? bench_.truth(q) : Truth();
        for (std::size_t i = 0; i < q.options.size(); ++i) {
            const char* const box = !teacher_ ? "( )" : truth.right.at(i) ? "(x)" : "( )";
            line(fmt::format("{} {}", box, words(q.options[i].text)), 2, 6);
            if (teacher_) {
                line(words(q.options[i].because), 6, 6);
            }
        }
        if (teacher_) {
            const MarkedBlock m = mark(q, {}, bench_);
            if (q.kind == AnswerKind::number || q.kind == AnswerKind::text) {
                line("answer: " + m.truth, 2, 6);
            }
            line(words(q.why), 2, 2);
        }
    }
    void print(const TeacherBlock& t) {
        if (teacher_) {
            paragraph("[Teacher]");
            for (const Prose& note : t.notes) {
                print(note);
            }
        }
    }

    const Lesson& lesson_;
    LessonBench& bench_;
    std::size_t width_;
    bool teacher_;
    std::string out_;
};

}  // namespace

std::string plain_math(std::string_view math) {
    std::string text;
    for (std::size_t i = 0; i < math.size(); ++i) {
        const bool script = (math[i] == '_' || math[i] == '^') && math.substr(i + 1, 1) == "{";
        if (!script) {
            text += math[i];
            continue;
        }
        const std::size_t end = std::min(math.find('}', i), math.size());
        const std::string inside(math.substr(i + 2, end - i - 2));
        const bool simple = inside.find_first_of(" +-/*=,|") == std::string::npos;
        text += math[i] + (simple ? inside : "(" + inside + ")");
        i = end;
    }
    return text;
}

std::string plain_line(const RichText& text, bool marked) {
    std::string all;
    for (const Inline& piece : text) {
        const char* const mark = !marked          ? ""
                                 : piece.code     ? "`"
                                 : piece.strong   ? "**"
                                 : piece.emphasis ? "*"
                                                  : "";
        all +=
            mark + (piece.kind == Inline::Kind::math ? plain_math(piece.text) : piece.text) + mark;
        if (!piece.link.empty() && piece.link != piece.text) {
            all += " (" + piece.link + ")";
        }
    }
    return all;
}

std::string plain_lesson(const Lesson& lesson, LessonBench& bench, std::size_t width,
                         bool teacher) {
    return Printer(lesson, bench, width, teacher).all();
}

}  // namespace nibble
