// `nibble grade FILE...`: hand-ins into grades.
#include "viz/lesson/grade.hpp"

#include <fmt/format.h>

#include "sim/experiments/all.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/text.hpp"
#include "viz/figure/files.hpp"
#include "viz/lesson/catalogue.hpp"

namespace nibble {
namespace {

/// The words that are neither flags nor their values: the files.
Words take_files(const Words& words, Words& rest) {
    static const Words flags = {"--out", "--gradescope", "--junit"};
    Words files;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool takes_value = std::find(flags.begin(), flags.end(), words[i]) != flags.end();
        if (!words[i].starts_with("-")) {
            files.push_back(words[i]);
            continue;
        }
        rest.push_back(words[i]);
        if (takes_value && i + 1 < words.size()) {
            rest.push_back(words[++i]);
        }
    }
    return files;
}

std::string summary(const std::vector<Graded>& all) {
    Columns table({Align::left, Align::left, Align::left, Align::right, Align::left});
    for (const Graded& g : all) {
        std::string remarks = g.refused;
        for (const auto* list : {&g.flags, &g.warnings}) {
            for (const std::string& line : *list) {
                remarks += (remarks.empty() ? "" : "; ") + line;
            }
        }
        table.add(
            {one_line(g.file), one_line(g.student), g.lesson,
             g.refused.empty() ? fmt::format("{} / {}", g.marks.points, g.marks.out_of) : "refused",
             one_line(remarks)});
    }
    return table.text();
}

/// results.json for one hand-in; results-NAME.json for each of several.
void write_gradescope(const std::vector<Graded>& all, const std::filesystem::path& path) {
    for (const Graded& g : all) {
        const std::string name = all.size() == 1
                                     ? path.filename().string()
                                     : fmt::format("{}-{}.json", path.stem().string(),
                                                   std::filesystem::path(g.file).stem().string());
        write_whole_file(path.parent_path() / name, gradescope_json(g));
    }
}

}  // namespace

int grade_command(const Words& words) {
    CommandLine line(
        "grade FILE... [--out FILE.csv] [--gradescope FILE.json] [--junit FILE.xml]",
        "Marks hand-ins anew, from the scenarios of their lessons. A file that is broken or not "
        "what Nibble writes is refused by name, and the others are graded. The exit status is 1 "
        "when one was refused.");
    line.add(file_flag("out", {".csv"}, "Grades, a row a hand-in."), "Output", "FILE");
    line.add(
        file_flag("gradescope", {".json"},
                  "Results for Gradescope. Of several hand-ins each gets a file, its name added."),
        "Output", "FILE");
    line.add(file_flag("junit", {".xml"}, "Results as JUnit writes them."), "Output", "FILE");
    line.footer("Examples",
                {"nibble grade *.html --out grades.csv",
                 "nibble grade ada.html --gradescope results.json --junit results.xml"});
    Words rest;
    const Words files = take_files(words, rest);
    if (!line.parse(rest)) {
        print(line.help());
        return 0;
    }
    if (files.empty()) {
        throw Error(Error::Code::bad_param, "grade needs hand-ins",
                    "nibble grade *.html --out grades.csv");
    }
    for (const auto& [flag, suffix] :
         {std::pair("out", ".csv"), std::pair("gradescope", ".json"), std::pair("junit", ".xml")}) {
        if (line.given(flag)) {
            check_output(line.text(flag), {suffix});
        }
    }
    Grader grader(all_experiments(), lessons_folder());
    Progress progress("grading");
    std::vector<Graded> all;
    for (const std::string& file : files) {
        progress.show(static_cast<double>(all.size()) / static_cast<double>(files.size()), file);
        all.push_back(grader.grade(file));
    }
    if (line.given("out")) {
        write_whole_file(line.text("out"), grades_csv(all));
    }
    if (line.given("gradescope")) {
        write_gradescope(all, line.text("gradescope"));
    }
    if (line.given("junit")) {
        write_whole_file(line.text("junit"), junit_xml(all));
    }
    print(summary(all));
    return std::any_of(all.begin(), all.end(), [](const Graded& g) { return !g.refused.empty(); });
}

}  // namespace nibble
