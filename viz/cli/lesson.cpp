// `nibble lesson ...`: the lessons without a window.
#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/text.hpp"
#include "sim/experiments/all.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/lesson_verbs.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/text.hpp"
#include "viz/lesson/catalogue.hpp"
#include "viz/lesson/check.hpp"
#include "viz/lesson/plain.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

std::vector<Lesson> all_lessons() {
    std::vector<Lesson> lessons;
    for (const auto& path : lesson_files(lessons_folder())) {
        lessons.push_back(load_lesson(path, all_experiments()));
    }
    return lessons;
}

int list_lessons(const Words& words) {
    CommandLine line("lesson list [--json]",
                     "Names every lesson: how long it takes, what comes before it, and "
                     "the question it answers.");
    line.add(switch_flag("json", "As JSON, for programs."), "Output");
    line.footer("Examples", {"nibble lesson list"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    Json all = Json::array();
    std::string text;
    for (const Lesson& l : all_lessons()) {
        all.push_back({{"id", l.id},
                       {"slug", l.slug},
                       {"title", l.title},
                       {"minutes", l.minutes},
                       {"prerequisites", l.prerequisites},
                       {"question", l.question},
                       {"file", l.path.string()}});
        const std::string after = l.prerequisites.empty()
                                      ? ""
                                      : fmt::format(", after {}", fmt::join(l.prerequisites, ", "));
        text += fmt::format("{}  {} ({} min{})\n", l.id, l.title, l.minutes, after) +
                wrapped(l.question, page_width(), l.id.size() + 2);
    }
    if (all.empty()) {
        throw Error(Error::Code::io,
                    fmt::format("there are no lessons in {}", lessons_folder().string()),
                    "NIBBLE_LESSONS names the folder");
    }
    print(line.is_on("json") ? all.dump(2) + "\n" : text);
    return 0;
}

int check_lessons(const Words& words) {
    CommandLine line(
        "lesson check [FILE...]",
        "Runs every block of the lessons, tries their scripted answers, and says what is wrong, "
        "with file and line. Without a file: all lessons.");
    line.footer("Examples", {"nibble lesson check", "nibble lesson check lessons/02-rounding.md"});
    // Any number of files, which a command line of named words does not have.
    if (asks_for_help(words)) {
        line.parse({"--help"});
        print(line.help());
        return 0;
    }
    std::vector<std::filesystem::path> files(words.begin(), words.end());
    if (files.empty()) {
        files = lesson_files(lessons_folder());
    }
    LessonBench bench(all_experiments());
    std::size_t broken = 0;
    for (const auto& path : files) {
        std::vector<std::string> problems;
        try {
            problems = check_lesson(load_lesson(path, all_experiments()), bench);
        } catch (const Error& e) { problems = {e.line()}; }
        print(problems.empty() ? fmt::format("{}: good\n", path.string())
                               : fmt::format("{}\n", fmt::join(problems, "\n")));
        broken += problems.empty() ? 0 : 1;
    }
    if (broken > 0) {
        note(fmt::format("nibble: {} of {} lessons need work", broken, files.size()));
    }
    return broken > 0 ? 1 : 0;
}

int show_lesson(const Words& words) {
    CommandLine line("lesson show NN [--teacher]",
                     "Prints a lesson as plain text, its numbers computed.");
    line.positional("NN", "A lesson, as `nibble lesson list` names it.");
    line.add(switch_flag("teacher", "With the answers and the teacher's notes."), "Output");
    line.footer("Examples", {"nibble lesson show 02 | less"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    const Lesson lesson = find_lesson(line.text("NN"), all_experiments());
    LessonBench bench(all_experiments());
    print(plain_lesson(lesson, bench, page_width(), line.is_on("teacher")));
    return 0;
}

int read_lesson_in_window(const Words& words, const OpenWindow& open_window) {
    CommandLine line("lesson NN [--present] [--page N]",
                     "Opens the window on a lesson, beside the live lab. To present is to show it "
                     "to a room: large, on white, with few controls, and answers only after R; "
                     "space and the arrow keys turn the pages.");
    line.positional("NN", "A lesson, as `nibble lesson list` names it.");
    line.add(switch_flag("present", "For a room: large, answers hidden until R."), "Window");
    line.add(whole_flag("page", 1, {1, 999}, "Page to begin with"), "Window");
    line.footer("Examples", {"nibble lesson 02", "nibble lesson 04 --present"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    const Lesson lesson = find_lesson(line.text("NN"), all_experiments());
    const std::string way_out = fmt::format("`nibble lesson show {}` prints the lesson", lesson.id);
    if (!open_window) {
        throw Error(Error::Code::no_device, "this program was built without a window", way_out);
    }
    WindowRequest request;
    request.lesson = lesson.id;
    request.presents = line.is_on("present");
    request.page = static_cast<std::size_t>(std::get<std::int64_t>(line.value("page"))) - 1;
    try {
        return open_window(request);
    } catch (const Error& e) {
        if (e.code() != Error::Code::no_device || !e.hint().empty()) {
            throw;
        }
        throw Error(e.code(), e.what(), way_out);
    }
}

/// Whether some lesson is called this, by number, slug or file.
bool is_lesson(const std::string& word) {
    const auto files = lesson_files(lessons_folder());
    return std::any_of(files.begin(), files.end(), [&](const std::filesystem::path& path) {
        const std::string stem = path.stem().string();
        return stem == word || path.filename() == word || stem.ends_with("-" + word);
    });
}

constexpr std::pair<const char*, int (*)(const Words&)> verbs[] = {{"list", list_lessons},
                                                                   {"check", check_lessons},
                                                                   {"show", show_lesson},
                                                                   {"sheet", sheet_lesson},
                                                                   {"report", report_lesson}};

std::string lesson_overview() {
    return "Usage: nibble lesson NN [--present]    opens the window on one\n"
           "       nibble lesson list              every lesson\n"
           "       nibble lesson show NN           one as plain text\n"
           "       nibble lesson check [FILE...]   runs every block\n"
           "       nibble lesson sheet NN          one to print\n"
           "       nibble lesson report NN         what was done with it, to hand in\n"
           "\n"
           "`nibble lesson VERB --help` says more.\n";
}

}  // namespace

int lesson_command(const Words& words, const OpenWindow& open_window) {
    if (words.empty() || words[0] == "--help" || words[0] == "-h") {
        print(lesson_overview());
        return 0;
    }
    Words names;
    for (const auto& [verb, command] : verbs) {
        if (words[0] == verb) {
            return command(Words(words.begin() + 1, words.end()));
        }
        names.emplace_back(verb);
    }
    if (std::isdigit(static_cast<unsigned char>(words[0][0])) != 0 || is_lesson(words[0])) {
        return read_lesson_in_window(words, open_window);
    }
    const std::string near = nearest(words[0], names);
    throw Error(Error::Code::bad_param, fmt::format("lesson cannot \"{}\"", words[0]),
                near.empty() ? fmt::format("it can {}", fmt::join(names, ", "))
                             : fmt::format("did you mean {}?", near));
}

}  // namespace nibble
