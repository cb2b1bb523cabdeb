// Source code in its own typeface: line numbers to the left, what is said of a line to the right.
//
// A listing that is too long is folded: the chosen line stays, then the lines with a note, then
// their neighbours as far as there is room. Each fold is a row that says how many lines it hides.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "viz/figure/plot.hpp"

namespace nibble {
namespace {

constexpr float listing_row_height = 16, gap = 12, stripe = 3;  // points at scale 1
constexpr float most_note_share = 0.45F;                // of the width

/// A shown line, or a run of lines that are left out.
struct ListingRow {
    std::size_t first = 0, count = 1;
    bool folded = false;
};

bool is_marked(const Listing::Item& line) {
    return line.role != Role::muted || !line.note.empty();
}

std::vector<ListingRow> rows_of(const std::vector<bool>& shown) {
    std::vector<ListingRow> rows;
    for (std::size_t i = 0; i < shown.size(); ++i) {
        if (!shown[i] && !rows.empty() && rows.back().folded) {
            ++rows.back().count;
        } else {
            rows.push_back({i, 1, !shown[i]});
        }
    }
    return rows;
}

std::size_t distance(std::size_t a, std::size_t b) {
    return a > b ? a - b : b - a;
}

/// Lines in the order in which they deserve to be shown.
std::vector<std::size_t> by_rank(const Listing& mark) {
    const auto count = static_cast<std::ptrdiff_t>(mark.lines.size());
    const std::size_t chosen =
        static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(mark.chosen, 0, count - 1));
    std::vector<std::size_t> marked;
    for (std::size_t i = 0; i < mark.lines.size(); ++i) {
        if (i == chosen || is_marked(mark.lines[i])) {
            marked.push_back(i);
        }
    }
    struct Rank {
        std::size_t to_marked, to_chosen, line;
        auto operator<=>(const Rank&) const = default;
    };
    std::vector<Rank> ranks;
    for (std::size_t i = 0; i < mark.lines.size(); ++i) {
        std::size_t nearest = std::numeric_limits<std::size_t>::max();
        for (const std::size_t m : marked) {
            nearest = std::min(nearest, distance(i, m));
        }
        ranks.push_back({nearest, distance(i, chosen), i});
    }
    std::sort(ranks.begin(), ranks.end());
    std::vector<std::size_t> order;
    for (const Rank& rank : ranks) {
        order.push_back(rank.line);
    }
    return order;
}

/// At most `most` rows, folds included; all lines when they fit.
std::vector<ListingRow> fold(const Listing& mark, std::size_t most) {
    std::vector<bool> shown(mark.lines.size(), mark.lines.size() <= most);
    if (mark.lines.size() <= most) {
        return rows_of(shown);
    }
    for (const std::size_t line : by_rank(mark)) {
        shown[line] = true;
        if (rows_of(shown).size() > most) {
            shown[line] = false;  // a nearer line may still fill a fold of one
        }
    }
    return rows_of(shown);
}

/// Where the comment of a line begins; its length when it has none. A line that starts with '*' is
/// taken for the inside of a long comment.
std::size_t comment_start(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first != std::string_view::npos && text[first] == '*') {
        return first;
    }
    bool quoted = false;
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        quoted = text[i] == '"' && (i == 0 || text[i - 1] != '\\') ? !quoted : quoted;
        if (!quoted && text[i] == '/' && (text[i + 1] == '/' || text[i + 1] == '*')) {
            return i;
        }
    }
    return text.size();
}

/// ListingColumns of the listing, in points.
struct ListingColumns {
    Font font, small;
    float number_right = 0, code = 0, code_right = 0, note_right = 0;
};

ListingColumns columns_of(const Listing& mark, const Plot& plot) {
    const float s = plot.theme.scale;
    const Rect& f = plot.frame;
    ListingColumns c{{Face::mono, 11.5F * s}, {Face::medium, 11.0F * s}};
    const std::string last = std::to_string(mark.first_line + mark.lines.size() - 1);
    c.number_right = f.x + (stripe + 5) * s + plot.text_width(last, c.font);
    c.code = c.number_right + gap * s;
    float note = 0;
    for (const Listing::Item& line : mark.lines) {
        note = std::max(note, plot.text_width(line.note, c.small));
    }
    c.note_right = f.right() - 6 * s;
    note = std::min(note, f.width * most_note_share);
    c.code_right = note > 0 ? c.note_right - note - gap * s : c.note_right;
    return c;
}

class Painter {
public:
    Painter(const Listing& mark, Plot& plot)
        : mark_(mark), plot_(plot), c_(columns_of(mark, plot)) {}

    void row(const ListingRow& row, const Rect& area) {
        if (row.folded) {
            const auto first = mark_.lines.begin() + static_cast<std::ptrdiff_t>(row.first);
            const auto marked =
                std::count_if(first, first + static_cast<std::ptrdiff_t>(row.count), is_marked);
            const std::string text =
                fmt::format("… {} line{}{}", row.count, row.count > 1 ? "s" : "",
                            marked > 0 ? fmt::format(", {} of them marked", marked) : "");
            write({c_.code, area.centre().y}, text, c_.small, plot_.theme.faint,
                  plot_.frame.right() - c_.code);
            return;
        }
        const Listing::Item& line = mark_.lines[row.first];
        const bool chosen = static_cast<std::ptrdiff_t>(row.first) == mark_.chosen;
        tint(line, chosen, area);
        const std::string number = std::to_string(mark_.first_line + row.first);
        if (c_.number_right < plot_.frame.right()) {
            plot_.add(TextRun{{c_.number_right, area.centre().y},
                              number,
                              c_.font,
                              chosen ? plot_.theme.text : plot_.theme.faint,
                              HAlign::right,
                              VAlign::middle});
        }
        code(line.text, area.centre().y);
        if (!line.note.empty() && c_.code_right > c_.code) {
            const std::string note =
                shortened(line.note, c_.small, c_.note_right - c_.code_right - 4, plot_.measure);
            // On the strong tint of the chosen line a tinted note would be hard to read.
            const Color color =
                chosen ? plot_.theme.text : ink(plot_.color(line.role), plot_.theme);
            plot_.add(TextRun{{c_.note_right, area.centre().y},
                              note,
                              c_.small,
                              color,
                              HAlign::right,
                              VAlign::middle});
        }
        hover(line, row.first, area);
    }

private:
    void tint(const Listing::Item& line, bool chosen, const Rect& area) {
        if (line.role == Role::muted && !chosen) {
            return;
        }
        const Color color = plot_.color(line.role);
        plot_.add(FillRect{area, color.with_alpha(chosen ? 0.28 : 0.11)});
        plot_.add(FillRect{{area.x, area.y, stripe * plot_.theme.scale, area.height},
                           color.with_alpha(chosen ? 1 : 0.6)});
    }

    /// Indentation is room, not letters: some readers of SVG drop leading spaces.
    void code(const std::string& text, float middle) {
        const std::size_t first = text.find_first_not_of(' ');
        if (first == std::string::npos) {
            return;
        }
        const float x = c_.code + static_cast<float>(first) * plot_.text_width("0", c_.font);
        const std::string_view rest = std::string_view(text).substr(first);
        const std::size_t cut = comment_start(rest);
        const std::size_t end = rest.substr(0, cut).find_last_not_of(' ');
        const std::string_view body = end == std::string_view::npos ? "" : rest.substr(0, end + 1);
        const float room = c_.code_right - x;
        write({x, middle}, body, c_.font, plot_.theme.text, room);
        const float before = plot_.text_width(rest.substr(0, cut), c_.font);
        write({x + before, middle}, rest.substr(cut), c_.font, plot_.theme.muted, room - before);
    }

    void write(Point at, std::string_view text, Font font, Color color, float room) {
        std::string fitting = room > 0 ? shortened(text, font, room, plot_.measure) : "";
        if (!fitting.empty()) {
            plot_.add(TextRun{at, std::move(fitting), font, color, HAlign::left, VAlign::middle});
        }
    }

    void hover(const Listing::Item& line, std::size_t index, const Rect& area) {
        const bool cut = c_.code + plot_.text_width(line.text, c_.font) > c_.code_right;
        std::string told = line.label.empty() ? line.note : line.label;
        if (told.empty() && cut) {
            told = line.text;
        }
        auto set = line.note.empty() ? std::vector<std::pair<std::string, Value>>{}
                                     : picked(mark_.pick, index);
        if (!told.empty() || !set.empty()) {
            plot_.scene.hovers.push_back({area, std::move(told), std::move(set)});
        }
    }

    const Listing& mark_;
    Plot& plot_;
    ListingColumns c_;
};

}  // namespace

void draw(const Listing& mark, Plot& plot) {
    const float height = std::round(listing_row_height * plot.theme.scale);
    const auto most = static_cast<std::size_t>(plot.frame.height / height);
    if (mark.lines.empty() || most == 0) {
        return;
    }
    Painter painter(mark, plot);
    Rect area = {plot.frame.x, plot.frame.y, plot.frame.width, height};
    for (const ListingRow& row : fold(mark, most)) {
        painter.row(row, area);
        area.y += height;
    }
    plot.content_bottom = area.y;
}

}  // namespace nibble
