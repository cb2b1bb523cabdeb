// Grades as the files that other programs read.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/csv_cells.hpp"
#include "viz/figure/svg_canvas.hpp"
#include "viz/lesson/grade.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& list) {
    return fmt::format("{}", fmt::join(list, "; "));
}

std::string status_of(const Graded& g) {
    return !g.refused.empty() ? "refused" : g.flags.empty() ? "graded" : "flagged";
}

/// "02 error-curve": a block's column.
std::string column_of(const Graded& g, const MarkedBlock& m) {
    return g.lesson + " " + m.id;
}

std::string remark_line(const MarkedBlock& m) {
    return fmt::format("{}{}{}", m.given.empty() ? "no answer" : m.given,
                       m.remark.empty() ? "" : ": ", m.remark);
}

}  // namespace

std::string grades_csv(const std::vector<Graded>& all) {
    std::vector<std::string> columns;
    for (const Graded& g : all) {
        for (const MarkedBlock& m : g.marks.blocks) {
            if (std::find(columns.begin(), columns.end(), column_of(g, m)) == columns.end()) {
                columns.push_back(column_of(g, m));
            }
        }
    }
    std::vector<std::string> cells = {"file",   "student", "lesson", "status",   "points",
                                      "out_of", "percent", "flags",  "warnings", "reason"};
    for (const std::string& column : columns) {
        cells.push_back(csv_cell(column));
    }
    std::string csv = csv_line(cells);
    for (const Graded& g : all) {
        const bool graded = g.refused.empty();
        const double percent = g.marks.out_of > 0 ? 100.0 * g.marks.points / g.marks.out_of : 0.0;
        cells = {csv_cell(g.file),
                 csv_cell(g.student),
                 csv_cell(g.lesson),
                 status_of(g),
                 graded ? std::to_string(g.marks.points) : "",
                 graded ? std::to_string(g.marks.out_of) : "",
                 graded ? fmt::format("{:.1f}", percent) : "",
                 csv_cell(joined(g.flags)),
                 csv_cell(joined(g.warnings)),
                 csv_cell(g.refused)};
        for (const std::string& column : columns) {
            std::string verdict;
            for (const MarkedBlock& m : g.marks.blocks) {
                verdict = column_of(g, m) == column ? name(m.verdict) : verdict;
            }
            cells.push_back(verdict);
        }
        csv += csv_line(cells);
    }
    return csv;
}

std::string gradescope_json(const Graded& g) {
    Json whole = {{"score", g.marks.points}, {"tests", Json::array()}};
    std::string output = g.refused.empty() ? "" : "Refused: " + g.refused;
    for (const std::string& line : g.flags) {
        output += (output.empty() ? "" : "\n") + line;
    }
    for (const std::string& line : g.warnings) {
        output += (output.empty() ? "" : "\n") + line;
    }
    whole["output"] = output;
    for (const MarkedBlock& m : g.marks.blocks) {
        whole["tests"].push_back(
            {{"name", m.kind + " " + m.id},
             {"score", m.points},
             {"max_score", 1},
             {"output", fmt::format("{}: {}", name(m.verdict), remark_line(m))}});
    }
    return whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string junit_xml(const std::vector<Graded>& all) {
    std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
    for (const Graded& g : all) {
        const std::string suite =
            xml_escaped(g.student.empty() ? g.file : g.file + " " + g.student);
        if (!g.refused.empty()) {
            xml += fmt::format(
                "<testsuite name=\"{0}\" tests=\"1\" failures=\"0\" errors=\"1\">\n"
                "<testcase classname=\"{0}\" name=\"hand-in\"><error message=\"{1}\"/>"
                "</testcase>\n</testsuite>\n",
                suite, xml_escaped(g.refused));
            continue;
        }
        xml += fmt::format("<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\">\n",
                           suite, g.marks.out_of, g.marks.out_of - g.marks.points);
        for (const MarkedBlock& m : g.marks.blocks) {
            xml += fmt::format("<testcase classname=\"{}\" name=\"{}\">", suite, xml_escaped(m.id));
            if (m.points == 0) {
                xml += fmt::format(
                    "<failure message=\"{}\"/>",
                    xml_escaped(fmt::format("{}: {}", name(m.verdict), remark_line(m))));
            }
            xml += "</testcase>\n";
        }
        if (!g.flags.empty() || !g.warnings.empty()) {
            xml += fmt::format("<system-out>{}</system-out>\n",
                               xml_escaped(joined(g.flags) + "\n" + joined(g.warnings)));
        }
        xml += "</testsuite>\n";
    }
    return xml + "</testsuites>\n";
}

}  // namespace nibble
