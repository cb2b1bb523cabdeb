// Markdown through md4c into Prose. What stands in {{...}} is taken out first, behind characters of
// the private use area, so that Markdown does not see the stars and brackets of formulas.
#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <md4c.h>

#include "viz/lesson/fields.hpp"
#include "viz/lesson/rich_text.hpp"
#include "viz/lesson/setting.hpp"

namespace nibble {
namespace {

constexpr std::string_view open_mark = "\uE000", close_mark = "\uE001";

using Computed = std::vector<std::shared_ptr<const ComputedText>>;

std::shared_ptr<const ComputedText> read_computed(const std::string& text, const Place& place,
                                                  const Experiments& all) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const std::string kind = text.substr(0, space),
                      rest(trimmed(std::string_view(text).substr(space)));
    auto made = std::make_shared<ComputedText>();
    if (kind == "metric") {
        const std::size_t last = rest.find_last_of(' ');
        if (last == std::string::npos) {
            refuse_at(place, fmt::format("{{{{{}}}}} names no metric", text),
                      "such as {{metric quantizer bits=3 sqnr}}");
        }
        made->setting = read_setting(rest.substr(0, last), place, all);
        made->formula = Formula(rest.substr(last + 1), place);
    } else if (kind == "value") {
        const std::size_t colon = rest.find(": ");
        if (colon == std::string::npos) {
            refuse_at(place, fmt::format("{{{{{}}}}} has no \": \" before its formula", text),
                      "such as {{value quantizer bits=3: 10 * sqnr}}");
        }
        made->kind = ComputedText::Kind::value;
        made->setting = read_setting(rest.substr(0, colon), place, all);
        made->formula = Formula(std::string(trimmed(std::string_view(rest).substr(colon + 1))), place);
    } else if (kind == "finding") {
        made->kind = ComputedText::Kind::finding;
        made->setting = read_setting(rest, place, all);
    } else {
        refuse_at(place, fmt::format("{{{{{}}}}} is not computed text", text),
                  "it starts with metric, value or finding");
    }
    return made;
}

/// The text with every {{...}} behind marks, and what they stand for.
std::string take_out_computed(std::string_view text, const Place& first, const Experiments& all,
                              Computed& computed, std::vector<std::string>& sources) {
    std::string rest;
    Place at = first;
    for (std::size_t i = 0; i < text.size(); ++i) {
        at.line += text[i] == '\n' ? 1 : 0;
        if (!text.substr(i).starts_with("{{")) {
            rest += text[i];
            continue;
        }
        const std::size_t end = text.find("}}", i);
        if (end == std::string_view::npos) {
            refuse_at(at, "{{ is not closed", "end it with }}");
        }
        std::string inside(trimmed(std::string_view(text).substr(i + 2, end - i - 2)));
        const Place start = at;
        at.line += static_cast<int>(std::count(inside.begin(), inside.end(), '\n'));
        std::replace(inside.begin(), inside.end(), '\n', ' ');
        rest += fmt::format("{}{}{}", open_mark, computed.size(), close_mark);
        computed.push_back(read_computed(inside, start, all));
        sources.push_back(inside);
        i = end + 1;
    }
    return rest;
}

std::string unescaped(std::string_view entity) {
    static constexpr std::pair<std::string_view, std::string_view> known[] = {
        {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&nbsp;", "\u00a0"}};
    for (const auto& [name, character] : known) {
        if (entity == name) {
            return std::string(character);
        }
    }
    return std::string(entity);
}

class Builder {
public:
    Builder(const Computed& computed, const std::vector<std::string>& sources, Place place)
        : computed_(computed), sources_(sources), place_(std::move(place)) {}

    std::vector<Prose> read(const std::string& text) {
        MD_PARSER parser = {};
        parser.flags =
            MD_FLAG_TABLES | MD_FLAG_LATEXMATHSPANS | MD_FLAG_NOHTML | MD_FLAG_NOINDENTEDCODEBLOCKS;
        parser.enter_block = [](MD_BLOCKTYPE t, void* d, void* me) {
            static_cast<Builder*>(me)->enter(t, d);
            return 0;
        };
        parser.leave_block = [](MD_BLOCKTYPE t, void*, void* me) {
            static_cast<Builder*>(me)->leave(t);
            return 0;
        };
        parser.enter_span = [](MD_SPANTYPE t, void* d, void* me) {
            return static_cast<Builder*>(me)->enter_span(t, d);
        };
        parser.leave_span = [](MD_SPANTYPE t, void*, void* me) {
            static_cast<Builder*>(me)->leave_span(t);
            return 0;
        };
        parser.text = [](MD_TEXTTYPE t, const MD_CHAR* s, MD_SIZE n, void* me) {
            static_cast<Builder*>(me)->text(t, {s, n});
            return 0;
        };
        if (md_parse(text.data(), static_cast<MD_SIZE>(text.size()), &parser, this) != 0) {
            refuse_at(place_, "a picture stands in the text", "figures come from figure blocks");
        }
        flush();
        return std::move(done_);
    }

private:
    void enter(MD_BLOCKTYPE type, void* detail) {
        switch (type) {
            case MD_BLOCK_UL:
                flush();
                lists_.push_back(0);
                break;
            case MD_BLOCK_OL:
                flush();
                lists_.push_back(static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start);
                break;
            case MD_BLOCK_LI: {
                unsigned& number = lists_.back();
                start(Prose::Kind::item, static_cast<int>(lists_.size()) - 1);
                now_.marker = number == 0 ? "•" : fmt::format("{}.", number++);
                break;
            }
            case MD_BLOCK_P:
                if (now_.kind != Prose::Kind::item || !now_.text.empty()) {
                    start(quotes_ > 0 ? Prose::Kind::quote : Prose::Kind::paragraph, 0);
                }
                break;
            case MD_BLOCK_H:
                start(Prose::Kind::heading,
                      static_cast<int>(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level));
                break;
            case MD_BLOCK_CODE:
                start(Prose::Kind::code, 0);
                break;
            case MD_BLOCK_QUOTE:
                flush();
                ++quotes_;
                break;
            case MD_BLOCK_TR:
                start(Prose::Kind::table_row, 0);
                break;
            case MD_BLOCK_TH:
            case MD_BLOCK_TD:
                now_.is_table_head = type == MD_BLOCK_TH;
                now_.text.clear();
                break;
            default:
                break;
        }
    }
    void leave(MD_BLOCKTYPE type) {
        switch (type) {
            case MD_BLOCK_UL:
            case MD_BLOCK_OL:
                flush();
                lists_.pop_back();
                break;
            case MD_BLOCK_QUOTE:
                flush();
                --quotes_;
                break;
            case MD_BLOCK_TH:
            case MD_BLOCK_TD:
                now_.cells.push_back(std::move(now_.text));
                now_.text.clear();
                break;
            case MD_BLOCK_LI:
            case MD_BLOCK_P:
            case MD_BLOCK_H:
            case MD_BLOCK_CODE:
            case MD_BLOCK_TR:
                flush();
                break;
            default:
                break;
        }
    }
    int enter_span(MD_SPANTYPE type, void* detail) {
        if (type == MD_SPAN_IMG) {
            return -1;  // md4c stops at negative values
        }
        strong_ += type == MD_SPAN_STRONG ? 1 : 0;
        emphasis_ += type == MD_SPAN_EM ? 1 : 0;
        code_ += type == MD_SPAN_CODE ? 1 : 0;
        if (type == MD_SPAN_A) {
            const MD_ATTRIBUTE& href = static_cast<MD_SPAN_A_DETAIL*>(detail)->href;
            link_ = std::string(href.text, href.size);
        }
        if (type == MD_SPAN_LATEXMATH_DISPLAY && now_.kind == Prose::Kind::paragraph &&
            now_.text.empty()) {
            now_.kind = Prose::Kind::equation;
        }
        return 0;
    }
    void leave_span(MD_SPANTYPE type) {
        strong_ -= type == MD_SPAN_STRONG ? 1 : 0;
        emphasis_ -= type == MD_SPAN_EM ? 1 : 0;
        code_ -= type == MD_SPAN_CODE ? 1 : 0;
        if (type == MD_SPAN_A) {
            link_.clear();
        }
    }
    void text(MD_TEXTTYPE type, std::string_view characters) {
        if (type == MD_TEXT_BR || type == MD_TEXT_SOFTBR) {
            add(Inline::Kind::text, " ");
        } else if (type == MD_TEXT_ENTITY) {
            add(Inline::Kind::text, unescaped(characters));
        } else {
            const auto kind = type == MD_TEXT_LATEXMATH ? Inline::Kind::math : Inline::Kind::text;
            split(kind, characters);
        }
    }
    /// Text between marks as it is; what marks enclose, computed.
    void split(Inline::Kind kind, std::string_view characters) {
        while (!characters.empty()) {
            const std::size_t open = std::min(characters.find(open_mark), characters.size());
            add(kind, characters.substr(0, open));
            characters.remove_prefix(open);
            if (characters.empty()) {
                return;
            }
            const std::size_t close = characters.find(close_mark);
            const std::string number(characters.substr(open_mark.size(), close - open_mark.size()));
            const std::size_t index = std::stoul(number);
            Inline piece = styled(Inline::Kind::computed, sources_.at(index));
            piece.computed = computed_.at(index);
            now_.text.push_back(std::move(piece));
            characters.remove_prefix(close + close_mark.size());
        }
    }
    Inline styled(Inline::Kind kind, std::string_view characters) const {
        return {kind, std::string(characters), strong_ > 0, emphasis_ > 0, code_ > 0, link_};
    }
    void add(Inline::Kind kind, std::string_view characters) {
        if (characters.empty()) {
            return;
        }
        Inline piece = styled(kind, characters);
        if (!now_.text.empty() && now_.text.back().kind == kind) {
            Inline& last = now_.text.back();
            if (last.strong == piece.strong && last.emphasis == piece.emphasis &&
                last.code == piece.code && last.link == piece.link) {
                last.text += piece.text;
                return;
            }
        }
        now_.text.push_back(std::move(piece));
    }
    void start(Prose::Kind kind, int level) {
        flush();
        now_ = {};
        now_.kind = kind;
        now_.level = level;
    }
    void flush() {
        if (!now_.text.empty() || !now_.cells.empty()) {
            done_.push_back(std::move(now_));
        }
        now_ = {};
    }

    const Computed& computed_;
    const std::vector<std::string>& sources_;
    Place place_;
    std::vector<Prose> done_;
    Prose now_;
    std::vector<unsigned> lists_;  // next number of each list around; 0: bullets
    int quotes_ = 0, strong_ = 0, emphasis_ = 0, code_ = 0;
    std::string link_;
};

}  // namespace

std::vector<Prose> read_markdown(std::string_view text, const Place& first,
                                 const Experiments& all) {
    for (const std::string_view mark : {open_mark, close_mark}) {
        if (text.find(mark) != std::string_view::npos) {
            refuse_at(first, "a character of the private use area stands in the text");
        }
    }
    Computed computed;
    std::vector<std::string> sources;
    const std::string rest = take_out_computed(text, first, all, computed, sources);
    return Builder(computed, sources, first).read(rest);
}

RichText read_rich_line(std::string_view text, const Place& place, const Experiments& all) {
    std::vector<Prose> pieces = read_markdown(text, place, all);
    RichText line;
    for (Prose& p : pieces) {
        if (p.kind == Prose::Kind::item) {  // "1. ..." at the start of a value is no list
            line.push_back({Inline::Kind::text, p.marker + " "});
        }
        std::move(p.text.begin(), p.text.end(), std::back_inserter(line));
    }
    return line;
}

std::string plain_text(const RichText& text) {
    std::string all;
    for (const Inline& piece : text) {
        all += piece.text;
    }
    return all;
}

}  // namespace nibble
