// `nibble lesson sheet` and `nibble lesson report`: a lesson on paper, and what somebody did with
// it as a file to hand in.
#include <filesystem>
#include <fmt/format.h>

#include "sim/core/input_file.hpp"
#include "sim/experiments/all.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/lesson_verbs.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/figure/files.hpp"
#include "viz/lesson/catalogue.hpp"
#include "viz/lesson/report.hpp"
#include "viz/lesson/sheet.hpp"

namespace nibble {
namespace {

constexpr std::size_t longest_answers = 1U << 20U;

/// The answers in the file, or those that the window keeps.
LessonAnswers answers_for(const CommandLine& line, const Lesson& lesson) {
    if (!line.given("answers")) {
        return load_answers(lesson, all_experiments());
    }
    const std::string path = line.text("answers");
    const std::string text = read_text_file(path, longest_answers);
    try {
        std::vector<std::string> warnings;
        LessonAnswers answers = answers_from_json(text, lesson, all_experiments(), &warnings);
        for (const std::string& warning : warnings) {
            note(fmt::format("nibble: {}: {}", path, warning));
        }
        return answers;
    } catch (const Error& e) {
        throw Error(e.code(), fmt::format("{}: {}", path, e.what()), e.hint());
    }
}

}  // namespace

int sheet_lesson(const Words& words) {
    CommandLine line("lesson sheet NN --out FILE.pdf [--answers]",
                     "Sets a lesson as a sheet to print on A4, with room to draw and to write.");
    line.positional("NN", "A lesson, as `nibble lesson list` names it.");
    line.add(switch_flag("answers", "For the teacher: with answers, hints and notes."), "Output");
    line.add(file_flag("out", {".pdf"}, "The file to print."), "Output", "FILE");
    line.footer("Examples", {"nibble lesson sheet 02 --out sheet.pdf",
                             "nibble lesson sheet 02 --answers --out answers.pdf"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    if (!line.given("out")) {
        throw Error(Error::Code::bad_param, "sheet needs a file to write", "--out sheet.pdf");
    }
    check_output(line.text("out"), {".pdf"});
    const Lesson lesson = find_lesson(line.text("NN"), all_experiments());
    LessonBench bench(all_experiments());
    write_whole_file(line.text("out"), sheet_pdf(lesson, bench, line.is_on("answers")));
    print(line.text("out") + "\n");
    return 0;
}

int report_lesson(const Words& words) {
    CommandLine line(
        "lesson report NN [--answers FILE] [--out FILE.html | --folder FOLDER]",
        "Writes what was done with a lesson, to hand it in: one HTML file with its figures and "
        "answers inside. Without --answers it takes what the window has kept.");
    line.positional("NN", "A lesson, as `nibble lesson list` names it.");
    line.add(file_flag("answers", {".json"}, "The answers, as the window keeps them."), "Input",
             "FILE");
    line.add(text_flag("student", "The name on the hand-in, in place of that in the answers."),
             "Input");
    line.add(file_flag("out", {".html"}, "The file to hand in."), "Output", "FILE");
    line.add(text_flag("folder", "Also as Markdown with figures and data in this folder."),
             "Output");
    line.footer("Examples", {"nibble lesson report 02 --answers answers.json --out report.html",
                             "nibble lesson report 02 --folder report"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    if (!line.given("out") && !line.given("folder")) {
        throw Error(Error::Code::bad_param, "report needs a place to write to",
                    "--out FILE.html, --folder FOLDER, or both");
    }
    if (line.given("out")) {
        check_output(line.text("out"), {".html"});
    }
    const Lesson lesson = find_lesson(line.text("NN"), all_experiments());
    LessonAnswers answers = answers_for(line, lesson);
    if (line.given("student")) {
        answers.student = line.text("student");
    }
    LessonBench bench(all_experiments());
    if (line.given("out")) {
        write_whole_file(line.text("out"), report_html(lesson, answers, bench));
        print(line.text("out") + "\n");
    }
    if (line.given("folder")) {
        write_report_folder(lesson, answers, bench, line.text("folder"));
        print((std::filesystem::path(line.text("folder")) / "report.md").string() + "\n");
    }
    return 0;
}

}  // namespace nibble
