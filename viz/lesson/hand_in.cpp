#include "viz/lesson/hand_in.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

#include "sim/core/json_object.hpp"
#include "sim/core/utf8.hpp"
#include "viz/figure/base64.hpp"
#include "viz/lesson/answers_json.hpp"
#include "viz/lesson/html.hpp"

namespace nibble {
namespace {

constexpr std::size_t largest_json = 1U << 20U;
constexpr std::size_t most_figures = 64;
constexpr std::string_view doctype = "<!DOCTYPE html>";
constexpr std::string_view picture_start = "data:image/svg+xml;base64,";

constexpr const char* where = "the hand-in";
constexpr const char* way_out =
    "hand in the file as Nibble wrote it, with `nibble lesson report` or its button";

[[noreturn]] void refuse_hand_in(const std::string& what) {
    throw Error(Error::Code::bad_file, what, way_out);
}

const std::vector<std::string_view> elements = {
    "html",   "head", "meta",    "title",  "style", "body",   "header", "h1",         "h2",
    "p",      "main", "dl",      "dt",     "dd",    "figure", "img",    "figcaption", "code",
    "footer", "pre",  "section", "strong", "em",    "i",      "sub",    "sup",        "span"};
const std::vector<std::string_view> attributes = {
    "lang", "charset", "http-equiv", "content", "name", "id", "alt", "src", "class", "hidden"};

bool among(const std::vector<std::string_view>& list, std::string_view word) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

/// A word from the file for a message: short, and printable.
std::string shown(std::string_view word) {
    std::string text;
    for (const char c : word.substr(0, 40)) {
        text += std::isprint(static_cast<unsigned char>(c)) ? c : '?';
    }
    return text;
}

std::string small(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

struct Tag {
    std::string name;
    bool closes = false;
    std::vector<std::pair<std::string, std::string>> attributes;

    std::string attribute(std::string_view wanted) const {
        for (const auto& [key, value] : attributes) {
            if (key == wanted) {
                return value;
            }
        }
        return {};
    }
};

/// Walks over the tags of a file in the small part of HTML that reports are written in.
class Scanner {
public:
    explicit Scanner(std::string_view html) : html_(html) {}

    RawHandIn scan() {
        if (!html_.starts_with(doctype)) {
            refuse_hand_in("it does not begin as a hand-in does");
        }
        at_ = doctype.size();
        while ((at_ = html_.find('<', at_)) != std::string_view::npos) {
            take(tag());
        }
        if (raw_.json.empty()) {
            refuse_hand_in("there are no answers in it");
        }
        return std::move(raw_);
    }

private:
    void take(const Tag& t) {
        if (t.closes) {
            return;
        }
        if (t.name == "style") {
            check_style(text_until("</style>"));
        } else if (t.name == "meta" && !t.attribute("http-equiv").empty() &&
                   (small(t.attribute("http-equiv")) != "content-security-policy" ||
                    t.attribute("content") != hand_in_policy)) {
            refuse_hand_in(fmt::format("<meta http-equiv=\"{}\"> is not ours",
                               shown(t.attribute("http-equiv"))));
        } else if (t.name == "img") {
            take_picture(t);
        } else if (t.name == "pre" && t.attribute("id") == hand_in_id) {
            if (!raw_.json.empty()) {
                refuse_hand_in("there are answers in it twice");
            }
            raw_.json = std::string(text_until("</pre>"));
        }
    }

    Tag tag() {
        Tag t;
        ++at_;
        if (html_.substr(at_, 1) == "!") {
            refuse_hand_in(fmt::format("<{} ...> stands in it", shown(html_.substr(at_, 8))));
        }
        t.closes = html_.substr(at_, 1) == "/";
        at_ += t.closes ? 1 : 0;
        t.name = small(word());
        if (!among(elements, t.name)) {
            refuse_hand_in(fmt::format("<{}> stands in it",
                               shown(t.name.empty() ? html_.substr(at_, 8) : t.name)));
        }
        while (html_.substr(at_, 1) == " ") {
            ++at_;
            attribute(t);
        }
        if (html_.substr(at_, 1) != ">") {
            refuse_hand_in(fmt::format("<{}> is not well-formed", t.name));
        }
        ++at_;
        return t;
    }
    void attribute(Tag& t) {
        const std::string key = small(word());
        if (!among(attributes, key)) {
            refuse_hand_in(fmt::format("<{}> has an attribute \"{}\"", t.name, shown(key)));
        }
        std::string value;
        if (html_.substr(at_, 2) == "=\"") {
            const std::size_t end = html_.find('"', at_ + 2);
            if (end == std::string_view::npos) {
                refuse_hand_in(fmt::format("<{}> has a quote that is not closed", t.name));
            }
            value = std::string(html_.substr(at_ + 2, end - at_ - 2));
            at_ = end + 1;
        } else if (key != "hidden") {
            refuse_hand_in(fmt::format("<{}> has \"{}\" without quotes", t.name, key));
        }
        if (key == "src" && (t.name != "img" || !value.starts_with(picture_start))) {
            refuse_hand_in(fmt::format("<{}> fetches \"{}\"", t.name, shown(value)));
        }
        t.attributes.emplace_back(key, std::move(value));
    }
    std::string_view word() {
        const std::size_t from = at_;
        while (at_ < html_.size() &&
               (std::isalnum(static_cast<unsigned char>(html_[at_])) || html_[at_] == '-')) {
            ++at_;
        }
        return html_.substr(from, at_ - from);
    }
    std::string_view text_until(std::string_view end) {
        const std::size_t found = html_.find(end, at_);
        if (found == std::string_view::npos) {
            refuse_hand_in(fmt::format("{} is missing", end));
        }
        const std::string_view text = html_.substr(at_, found - at_);
        at_ = found;
        if (text.find('<') != std::string_view::npos) {
            refuse_hand_in(fmt::format("markup stands before {}", end));
        }
        return text;
    }
    static void check_style(std::string_view css) {
        const std::string text = small(css);
        for (const char* word : {"@import", "url(", "expression", "\\", "behavior"}) {
            if (text.find(word) != std::string::npos) {
                refuse_hand_in(fmt::format("its style holds \"{}\"", word));
            }
        }
    }
    void take_picture(const Tag& t) {
        const std::string id = t.attribute("id"), source = t.attribute("src");
        if (!id.starts_with("figure-") || source.empty()) {
            refuse_hand_in("a picture stands in it that is no figure");
        }
        if (raw_.pictures.size() == most_figures) {
            refuse_hand_in(fmt::format("there are more than {} figures in it", most_figures));
        }
        std::string svg = from_base64(std::string_view(source).substr(picture_start.size()));
        check_svg(svg);
        raw_.pictures.emplace_back(id.substr(7), std::move(svg));
    }
    /// A picture in <img> runs nothing and fetches nothing; one that would like to is refused
    /// anyway.
    static void check_svg(const std::string& svg) {
        const std::string text = small(svg);
        for (const char* word :
             {"<script", "<foreignobject", "<!entity", "<!doctype", "javascript:", "<iframe",
              "<animate", "<set", "<handler", "<use", "<style", " onload", " onclick", " onerror",
              " onmouse", " onbegin"}) {
            if (text.find(word) != std::string::npos) {
                refuse_hand_in(fmt::format("a figure holds \"{}\"", word));
            }
        }
        for (std::size_t at = 0; (at = text.find("href=", at)) != std::string::npos; ++at) {
            if (!std::string_view(text).substr(at).starts_with("href=\"data:image/png;base64,")) {
                refuse_hand_in("a figure refers to something outside of it");
            }
        }
    }

    std::string_view html_;
    std::size_t at_ = 0;
    RawHandIn raw_;
};

}  // namespace

RawHandIn read_raw_hand_in(std::string_view html) {
    if (html.size() > largest_hand_in) {
        refuse_hand_in("it is larger than 16 MiB");
    }
    if (!is_utf8(html) || html.find('\0') != std::string_view::npos) {
        refuse_hand_in("it is not UTF-8 text");
    }
    RawHandIn raw = Scanner(html).scan();
    if (raw.json.size() > largest_json) {
        refuse_hand_in("its answers are larger than 1 MiB");
    }
    raw.lesson = JsonObject(raw.json, where, way_out).text("lesson");
    return raw;
}

HandIn read_hand_in(const RawHandIn& raw, const Lesson& lesson, const Experiments& all) {
    const JsonObject whole(raw.json, where, way_out);
    HandIn hand_in;
    hand_in.answers =
        answers_of_json(whole, lesson, all, {"figures", "points", "out_of"}, &hand_in.warnings);
    hand_in.points = static_cast<int>(whole.whole("points", 0, 1000));
    hand_in.out_of = static_cast<int>(whole.whole("out_of", 0, 1000));
    const std::vector<JsonObject> figures = whole.objects("figures");
    if (figures.size() > most_figures) {
        refuse_hand_in(fmt::format("there are more than {} figures in its answers", most_figures));
    }
    for (const JsonObject& one : figures) {
        HandInFigure figure{one.text("id"), one.text("data"), one.text("picture"), {}};
        for (const auto& [id, svg] : raw.pictures) {
            if (id == figure.id) {
                figure.svg = svg;
            }
        }
        hand_in.figures.push_back(std::move(figure));
    }
    return hand_in;
}

}  // namespace nibble
