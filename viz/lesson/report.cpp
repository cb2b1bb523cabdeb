#include "viz/lesson/report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/version.hpp"
#include "viz/figure/base64.hpp"
#include "viz/figure/files.hpp"
#include "viz/lesson/answers_json.hpp"
#include "viz/lesson/digest.hpp"
#include "viz/lesson/exhibits.hpp"
#include "viz/lesson/html.hpp"
#include "viz/lesson/marks.hpp"
#include "viz/lesson/plain.hpp"

namespace nibble {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view style =
    "body{font:16px/1.5 Inter,'Helvetica Neue',Arial,sans-serif;color:#1a1a1a;background:#fff;"
    "max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "h1{margin-bottom:0}h2{margin:2.5rem 0 .3rem;font-size:1.1rem}"
    "figure{margin:1rem 0}img{max-width:100%;height:auto;border:1px solid #ddd}"
    "figcaption,footer,.muted{color:#555;font-size:.9rem}"
    "code{font-family:'JetBrains Mono','DejaVu Sans Mono',monospace;font-size:.9em}"
    ".math{font-family:STIX,'STIX Two Text','Cambria Math',serif;font-size:1.05em}"
    ".verdict{font-weight:600}dt{color:#555;font-size:.9rem}dd{margin:0 0 .6rem}"
    "@media print{section{break-inside:avoid}}";

const RichText& ask_of(const LessonBlock& block) {
    const auto* task = std::get_if<TaskBlock>(&block);
    return task ? task->ask : std::get<QuestionBlock>(block).ask;
}

const LessonBlock& block_named(const Lesson& lesson, const std::string& id) {
    for (const LessonBlock& block : lesson.blocks) {
        if (answer_id(block) == id) {
            return block;
        }
    }
    broken_invariant("block", "marks name a block that the lesson lacks", __FILE__, __LINE__);
}

/// What a hand-in may say about an answer: not the true one, it travels from student to student.
std::string remark_of(const MarkedBlock& m) {
    return m.verdict == Verdict::predicted || m.kind == "task" ? m.remark : "";
}

std::string title_of(const MarkedBlock& m) {
    std::string kind = m.kind;
    kind[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(kind[0])));
    return fmt::format("{}: {}", kind, m.id);
}

struct Picture {
    const Exhibit* exhibit = nullptr;
    std::string svg;
};

std::string figure_html(const Picture& picture, const Experiments& all) {
    const Exhibit& e = *picture.exhibit;
    const std::string command = to_command(e.scenario, all);
    return fmt::format(
        "<figure><img id=\"figure-{}\" alt=\"{}\" src=\"data:image/svg+xml;base64,{}\">"
        "<figcaption>Made by <code>{}</code>, seed {}</figcaption></figure>\n",
        html_escaped(e.id), html_escaped(e.outcome.finding), base64(picture.svg),
        html_escaped(command), e.scenario.seed);
}

std::string section_html(const MarkedBlock& m, const LessonBlock& block, const Picture* picture,
                         LessonBench& bench) {
    std::string html = fmt::format("<section id=\"block-{}\"><h2>{}</h2>\n<p>{}</p>\n", m.id,
                                   html_escaped(title_of(m)), html_of(bench.filled(ask_of(block))));
    html += fmt::format("<dl><dt>Answer</dt><dd>{}</dd><dt>Mark</dt><dd class=\"verdict\">{}</dd>",
                        html_escaped(m.given.empty() ? "none" : m.given),
                        html_escaped(name(m.verdict)));
    if (const std::string remark = remark_of(m); !remark.empty()) {
        html += fmt::format("<dt>Remark</dt><dd>{}</dd>", html_escaped(remark));
    }
    html += "</dl>\n";
    return html + (picture ? figure_html(*picture, bench.experiments()) : "") + "</section>\n";
}

std::string data_block(const Lesson& lesson, const LessonAnswers& answers, const Marks& marks,
                       const std::vector<Picture>& pictures, const Experiments& all) {
    Json whole = answers_to_json(answers, lesson, all);
    whole["figures"] = Json::array();
    for (const Picture& p : pictures) {
        whole["figures"].push_back(
            {{"id", p.exhibit->id}, {"data", p.exhibit->digest}, {"picture", digest_of(p.svg)}});
    }
    whole["points"] = marks.points;
    whole["out_of"] = marks.out_of;
    return html_safe_json(
        whole.dump(1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace));
}

}  // namespace

std::string report_html(const Lesson& lesson, const LessonAnswers& answers, LessonBench& bench) {
    const Marks marks = mark(lesson, answers, bench);
    const std::vector<Exhibit> shown = exhibits(lesson, answers, bench);
    std::vector<Picture> pictures;
    for (const Exhibit& e : shown) {
        pictures.push_back({&e, exhibit_bytes(e, ".svg", bench.experiments())});
    }
    const std::string title = html_escaped(fmt::format("{} {}", lesson.id, lesson.title));
    std::string html = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n"
        "<title>{}</title>\n<style>{}</style></head>\n<body>\n<header><h1>{}</h1>\n"
        "<p>{}</p>\n<p class=\"muted\">{}, {} of {} points</p></header>\n<main>\n",
        hand_in_policy, title, style, title, html_escaped(lesson.question),
        html_escaped(answers.student.empty() ? "No name" : answers.student), marks.points,
        marks.out_of);
    for (const MarkedBlock& m : marks.blocks) {
        const Picture* own = nullptr;
        for (const Picture& p : pictures) {
            own = p.exhibit->id == m.id ? &p : own;
        }
        html += section_html(m, block_named(lesson, m.id), own, bench);
    }
    return html + fmt::format(
                      "</main>\n<footer><p>Nibble {}, lesson {} ({})</p></footer>\n"
                      "<pre id=\"{}\" hidden>\n{}</pre>\n</body></html>\n",
                      version, html_escaped(lesson.id), lesson.digest, hand_in_id,
                      data_block(lesson, answers, marks, pictures, bench.experiments()));
}

void write_report_folder(const Lesson& lesson, const LessonAnswers& answers, LessonBench& bench,
                         const fs::path& folder) {
    std::error_code failed;
    for (const char* inside : {"figures", "data"}) {
        fs::create_directories(folder / inside, failed);
        if (failed) {
            throw Error(Error::Code::io, fmt::format("cannot make the folder {}: {}",
                                                     (folder / inside).string(), failed.message()));
        }
    }
    const Marks marks = mark(lesson, answers, bench);
    const std::vector<Exhibit> shown = exhibits(lesson, answers, bench);
    std::string text = fmt::format(
        "# {} {}\n\n{}\n\n{}, {} of {} points\n", lesson.id, lesson.title, lesson.question,
        answers.student.empty() ? "No name" : answers.student, marks.points, marks.out_of);
    for (const MarkedBlock& m : marks.blocks) {
        text += fmt::format("\n## {}\n\n{}\n\n- Answer: {}\n- Mark: {}\n", title_of(m),
                            plain_line(bench.filled(ask_of(block_named(lesson, m.id))), true),
                            m.given.empty() ? "none" : m.given, name(m.verdict));
        if (const std::string remark = remark_of(m); !remark.empty()) {
            text += fmt::format("- Remark: {}\n", remark);
        }
        for (const Exhibit& e : shown) {
            if (e.id != m.id) {
                continue;
            }
            text += fmt::format(
                "\n![{0}](figures/{1}.svg)\n\nMade by `{2}`, seed {3}; data in "
                "[data/{1}.csv](data/{1}.csv)\n",
                e.outcome.finding, e.id, to_command(e.scenario, bench.experiments()),
                e.scenario.seed);
            write_whole_file(folder / "figures" / (e.id + ".svg"),
                             exhibit_bytes(e, ".svg", bench.experiments()));
            write_whole_file(folder / "data" / (e.id + ".csv"),
                             exhibit_bytes(e, ".csv", bench.experiments()));
        }
    }
    text += fmt::format("\nNibble {}, lesson {} ({})\n", version, lesson.id, lesson.digest);
    write_whole_file(folder / "report.md", text);
}

}  // namespace nibble
