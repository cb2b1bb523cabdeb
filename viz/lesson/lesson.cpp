#include "viz/lesson/lesson.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <set>

#include "sim/core/text.hpp"
#include "sim/core/utf8.hpp"
#include "viz/lesson/digest.hpp"
#include "viz/lesson/fields.hpp"
#include "viz/lesson/setting.hpp"

namespace nibble {
namespace {

constexpr std::array<std::string_view, 6> kinds = {"single", "multiple", "number",
                                                   "text",   "line",     "point"};
const std::vector<std::string> block_words = {"figure", "task", "predict", "question", "teacher"};

bool is_id(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

/// Reads the blocks of one file.
class Reader {
public:
    explicit Reader(const Experiments& all) : all_(all) {}

    LessonBlock block(const std::string& word, std::string_view body, const Place& first) {
        if (word == "teacher") {
            return TeacherBlock{first, read_markdown(body, first, all_)};
        }
        Fields fields(body, first, word);
        LessonBlock made = word == "figure" ? LessonBlock(figure(fields))
                           : word == "task" ? LessonBlock(task(fields))
                                            : LessonBlock(question(fields, word == "predict"));
        fields.finish();
        return made;
    }

private:
    RichText rich(const std::optional<Field>& field) const {
        return field ? read_rich_line(field->value, field->place, all_) : RichText{};
    }
    std::vector<RichText> hints(Fields& fields) const {
        std::vector<RichText> list;
        for (const Field& f : fields.all("hint")) {
            list.push_back(rich(f));
        }
        return list;
    }
    static Formula formula(const std::optional<Field>& field) {
        return field ? Formula(field->value, field->place) : Formula();
    }

    std::string own_id(const Field& field) {
        if (!is_id(field.value)) {
            refuse_at(field.place,
                      fmt::format("id \"{}\" is not in small letters, digits and -", field.value));
        }
        if (!ids_.insert(field.value).second) {
            refuse_at(field.place, fmt::format("id \"{}\" is taken", field.value),
                      "answers are kept under the id: give each block its own");
        }
        return field.value;
    }
    Scenario setting(const Field& field) const {
        return read_setting(field.value, field.place, all_);
    }
    std::vector<std::string> controls(const std::optional<Field>& field,
                                      const Scenario& scenario) const {
        std::vector<std::string> names =
            field ? split_words(field->value) : std::vector<std::string>();
        for (const std::string& name : names) {
            with_place(field->place,
                       [&] { return find_experiment(all_, scenario.experiment).index_of(name); });
        }
        return names;
    }

    FigureBlock figure(Fields& fields) {
        FigureBlock f;
        f.place = fields.place();
        const auto id = fields.find("id");
        f.id = id ? own_id(*id) : fmt::format("figure-{}", ++figures_);
        f.setting = setting(fields.need("setting"));
        if (const auto show = fields.find("show")) {
            f.figures = split_words(show->value);
        }
        f.controls = controls(fields.find("controls"), f.setting);
        f.caption = rich(fields.find("caption"));
        return f;
    }
    TaskBlock task(Fields& fields) {
        TaskBlock t;
        t.place = fields.place();
        t.id = own_id(fields.need("id"));
        t.ask = rich(fields.need("ask"));
        t.setting = setting(fields.need("setting"));
        t.controls = controls(fields.need("controls"), t.setting);
        t.reached = formula(fields.need("reached"));
        const Field solution = fields.need("solution");
        t.solution = with_changes(t.setting, solution.value, solution.place, all_);
        t.hints = hints(fields);
        t.why = rich(fields.find("why"));
        return t;
    }

    static AnswerKind kind(const Field& field, bool is_prediction) {
        const auto found = std::find(kinds.begin(), kinds.end(), field.value);
        const auto k = static_cast<AnswerKind>(found - kinds.begin());
        const bool drawn = k == AnswerKind::line || k == AnswerKind::point;
        if (found == kinds.end() || (drawn && !is_prediction) ||
            (is_prediction && (k == AnswerKind::text || k == AnswerKind::multiple))) {
            refuse_at(field.place, fmt::format("kind \"{}\" is not one of {}", field.value,
                                               is_prediction ? "single, number, line, point"
                                                             : "single, multiple, number, text"));
        }
        return k;
    }
    QuestionBlock question(Fields& fields, bool is_prediction) {
        QuestionBlock q;
        q.place = fields.place();
        q.is_prediction = is_prediction;
        q.id = own_id(fields.need("id"));
        q.ask = rich(fields.need("ask"));
        q.kind = kind(fields.need("kind"), is_prediction);
        if (const auto s = fields.find("setting")) {
            q.setting = setting(*s);
        }
        q.hints = hints(fields);
        q.why = rich(fields.find("why"));
        if (q.kind == AnswerKind::single || q.kind == AnswerKind::multiple) {
            read_options(fields, q);
        } else if (q.kind == AnswerKind::number) {
            read_number(fields, q);
        } else if (q.kind == AnswerKind::text) {
            read_patterns(fields.need("accept"), q);
        } else {
            q.figure = fields.need("figure").value;
            if (q.kind == AnswerKind::line) {
                q.series = fields.need("series").value;
            } else {
                q.x = formula(fields.need("x"));
                q.y = formula(fields.need("y"));
            }
        }
        const bool computes = !q.truth.empty() || !q.figure.empty();
        if (computes && !q.setting) {
            refuse_at(q.place, "this block computes something and has no \"setting\"",
                      "name the experiment: \"setting: quantizer bits=3\"");
        }
        return q;
    }
    void read_options(Fields& fields, QuestionBlock& q) const {
        for (const Field& f : fields.runs({"option", "right", "because"})) {
            if (f.key == "option") {
                q.options.push_back({rich(f), {}, {}});
            } else if (q.options.empty()) {
                refuse_at(f.place, fmt::format("\"{}\" stands before any \"option\"", f.key));
            } else if (f.key == "because") {
                q.options.back().because = rich(f);
            } else {
                q.options.back().right = formula(f);
            }
        }
        const auto rights = std::count_if(q.options.begin(), q.options.end(),
                                          [](const Option& o) { return !o.right.empty(); });
        if (q.options.size() < 2 || rights == 0) {
            refuse_at(q.place, "a choice needs two or more options, and a \"right\" after one",
                      "write \"right: true\", or a formula, in the line after the right option");
        }
    }
    static void read_number(Fields& fields, QuestionBlock& q) {
        q.truth = formula(fields.need("truth"));
        Field tolerance = fields.need("tolerance");
        if (tolerance.value.back() == '%') {
            q.tolerance_is_percent = true;
            tolerance.value.pop_back();
            tolerance.value = std::string(trimmed(tolerance.value));
        }
        q.tolerance = formula(tolerance);
        q.unit = fields.need("unit").value;
        q.unit = q.unit == "none" ? "" : q.unit;
    }
    static void read_patterns(const Field& accept, QuestionBlock& q) {
        for (std::size_t from = 0; from <= accept.value.size();) {
            const std::size_t bar = std::min(accept.value.find('|', from), accept.value.size());
            q.accept.emplace_back(
                trimmed(std::string_view(accept.value).substr(from, bar - from)));
            from = bar + 1;
        }
        if (q.accept[0].empty() || q.accept[0].find('*') != std::string::npos) {
            refuse_at(accept.place, "the first pattern of \"accept\" is the model answer",
                      "write it without *, then | and other patterns");
        }
    }

    const Experiments& all_;
    std::set<std::string> ids_;
    int figures_ = 0;
};

/// Line by line, with the number of the line at hand.
class Lines {
public:
    explicit Lines(std::string_view text, std::string file)
        : text_(text), place_{std::move(file), 0} {}

    bool next(std::string_view& line) {
        if (at_ >= text_.size()) {
            return false;
        }
        const std::size_t end = std::min(text_.find('\n', at_), text_.size());
        line = text_.substr(at_, end - at_);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        at_ = end + 1;
        ++place_.line;
        return true;
    }
    const Place& place() const { return place_; }

private:
    std::string_view text_;
    std::size_t at_ = 0;
    Place place_;
};

void read_header(Lines& lines, Lesson& lesson) {
    std::string_view line;
    if (!lines.next(line) || line != "---") {
        refuse_at(lines.place(), "a lesson starts with a line \"---\"",
                  "then title, minutes, prerequisites and question, and another \"---\"");
    }
    Place first = lines.place();
    ++first.line;
    std::string header;
    while (true) {
        if (!lines.next(line)) {
            refuse_at(first, "the header is not closed", "end it with a line \"---\"");
        }
        if (line == "---") {
            break;
        }
        header += std::string(line) + "\n";
    }
    Fields fields(header, first, "header");
    lesson.title = fields.need("title").value;
    const Field minutes = fields.need("minutes");
    const char* const end = minutes.value.data() + minutes.value.size();
    const auto [stop, error] = std::from_chars(minutes.value.data(), end, lesson.minutes);
    if (error != std::errc{} || stop != end || lesson.minutes < 1 || lesson.minutes > 240) {
        refuse_at(minutes.place,
                  fmt::format("minutes \"{}\" is no number from 1 to 240", minutes.value));
    }
    const auto prerequisites = fields.find("prerequisites");
    lesson.prerequisites = split_words(prerequisites ? prerequisites->value : "");
    lesson.question = fields.need("question").value;
    fields.finish();
}

void take_name(Lesson& lesson) {
    const std::string stem = lesson.path.stem().string();
    const bool numbered = stem.size() > 3 && stem[2] == '-' &&
                          std::isdigit(static_cast<unsigned char>(stem[0])) &&
                          std::isdigit(static_cast<unsigned char>(stem[1]));
    lesson.slug = numbered ? stem.substr(3) : stem;
    lesson.id = numbered ? stem.substr(0, 2) : stem;
    if (!is_id(lesson.slug)) {
        refuse_at({lesson.path.string(), 1}, "the file's name is not NN-slug.md or slug.md",
                  "small letters, digits and -, such as 02-rounding.md");
    }
}

}  // namespace

const std::string& answer_id(const LessonBlock& block) {
    static const std::string none;
    if (const auto* task = std::get_if<TaskBlock>(&block)) {
        return task->id;
    }
    const auto* question = std::get_if<QuestionBlock>(&block);
    return question ? question->id : none;
}

std::string_view name(AnswerKind kind) {
    return kinds.at(static_cast<std::size_t>(kind));
}

Lesson read_lesson(std::string_view text, const std::filesystem::path& path,
                   const Experiments& all) {
    Lesson lesson;
    lesson.path = path;
    lesson.digest = digest_of(text);
    take_name(lesson);
    if (!is_utf8(text)) {
        refuse_at({path.string(), 1}, "the file is not UTF-8 text", "save it as UTF-8");
    }
    Lines lines(text, path.string());
    read_header(lines, lesson);
    Reader reader(all);
    std::string prose;
    Place prose_from = lines.place();
    const auto end_prose = [&] {
        for (Prose& p : read_markdown(prose, prose_from, all)) {
            lesson.blocks.emplace_back(std::move(p));
        }
        prose.clear();
    };
    for (std::string_view line; lines.next(line);) {
        const std::string word = line.starts_with("```") ? std::string(trimmed(std::string_view(line).substr(3))) : "";
        if (std::find(block_words.begin(), block_words.end(), word) == block_words.end()) {
            if (prose.empty()) {
                prose_from = lines.place();
            }
            prose += std::string(line) + "\n";
            const std::string near = word.empty() ? "" : nearest(word, block_words);
            if (!near.empty()) {
                refuse_at(lines.place(), fmt::format("there is no block \"{}\"", word),
                          fmt::format("did you mean \"{}\"?", near));
            }
            continue;
        }
        end_prose();
        const Place opened = lines.place();
        Place first = opened;
        ++first.line;
        std::string body;
        bool closed = false;
        while (!closed && lines.next(line)) {
            closed = line == "```";
            body += closed ? "" : std::string(line) + "\n";
        }
        if (!closed) {
            refuse_at(opened, fmt::format("this {} is not closed", word),
                      "end it with a line \"```\"");
        }
        lesson.blocks.push_back(reader.block(word, body, first));
    }
    end_prose();
    return lesson;
}

}  // namespace nibble
