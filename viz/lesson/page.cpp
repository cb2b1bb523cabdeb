#include "viz/lesson/page.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include "sim/core/utf8.hpp"
#include "viz/figure/glyphs.hpp"
#include "viz/figure/math_text.hpp"

namespace nibble {
namespace {

constexpr Size paper = {595.28F, 841.89F};  // A4 in points
constexpr float left = 64, right = 64, top = 60, bottom = 64;
constexpr float text_width = paper.width - left - right;
constexpr float line_height = 1.42F;  // of the font's size
constexpr float rule_step = 24;       // between lines to write on
constexpr float script_size = 0.7F;
constexpr float figure_type = 0.78F;  // of the size on the screen

/// A stretch of text that is not broken.
struct Atom {
    std::string text;
    Font font;
    float rise = 0;  // above the baseline, in points
    float width = 0;
    bool space = false;  // a break is allowed before it
};

/// Single letters as the mathematical italics of Unicode, which STIX has.
std::string leaning(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        char32_t c = next_character(text, at);
        if (c == U'h') {
            c = 0x210E;
        } else if (c >= U'A' && c <= U'Z') {
            c = 0x1D434 + (c - U'A');
        } else if (c >= U'a' && c <= U'z') {
            c = 0x1D44E + (c - U'a');
        } else if (c >= U'α' && c <= U'ω') {
            c = 0x1D6FC + (c - U'α');
        }
        append_utf8(out, c);
    }
    return out;
}

class Breaker {
public:
    explicit Breaker(Font base) : base_(base) {}

    std::vector<Atom> atoms(const RichText& text) {
        for (const Inline& piece : text) {
            if (piece.kind == Inline::Kind::math) {
                add_math(piece.text);
                continue;
            }
            Font font = base_;
            font.face = piece.code       ? Face::mono
                        : piece.strong   ? Face::semibold
                        : piece.emphasis ? Face::medium
                                         : base_.face;
            font.size *= piece.code ? 0.9F : 1.0F;
            add_words(piece.text, font, 0);
            if (!piece.link.empty() && piece.link != piece.text) {
                add_words(" (" + piece.link + ")", base_, 0);
            }
        }
        return std::move(atoms_);
    }

private:
    void add_words(std::string_view text, Font font, float rise) {
        for (std::size_t from = 0; from <= text.size();) {
            const std::size_t end = std::min(text.find(' ', from), text.size());
            if (end > from) {
                const std::string word(text.substr(from, end - from));
                atoms_.push_back({word, font, rise, measure_.width(word, font), space_});
                space_ = false;
            }
            space_ = space_ || end < text.size();
            from = end + 1;
        }
    }
    void add_math(std::string_view math) {
        for (const MathRun& run : math_runs(math)) {
            Font font = {Face::math, base_.size * 1.12F * (run.level == 0 ? 1 : script_size)};
            const float rise = run.level > 0   ? 0.36F * base_.size
                               : run.level < 0 ? -0.16F * base_.size
                                               : 0;
            add_words(run.italic ? leaning(run.text) : run.text, font, rise);
        }
    }

    Font base_;
    FontMeasure measure_;
    std::vector<Atom> atoms_;
    bool space_ = false;
};

/// Greedy lines: as many atoms as fit.
std::vector<std::vector<Atom>> broken(const RichText& text, Font font, float width) {
    const std::vector<Atom> atoms = Breaker(font).atoms(text);
    const float space = FontMeasure().width(" ", font);
    std::vector<std::vector<Atom>> lines;
    float x = 0;
    for (std::size_t i = 0; i < atoms.size();) {
        // Atoms without a space between them stay together.
        std::size_t end = i + 1;
        float wide = atoms[i].width;
        for (; end < atoms.size() && !atoms[end].space; ++end) {
            wide += atoms[end].width;
        }
        const bool fits = !lines.empty() && x + space + wide <= width;
        if (!fits) {
            lines.emplace_back();
        }
        x = fits ? x + space + wide : wide;
        for (; i < end; ++i) {
            lines.back().push_back(atoms[i]);
        }
    }
    return lines;
}

/// The atoms of a line from `at`, which is on its baseline.
void set_line(Scene& page, const std::vector<Atom>& line, Point at, Font font, Color color) {
    const float space = FontMeasure().width(" ", font);
    for (const Atom& atom : line) {
        at.x += atom.space && &atom != &line.front() ? space : 0;
        page.add(TextRun{{at.x, at.y - atom.rise}, atom.text, atom.font, color});
        at.x += atom.width;
    }
}

template <class Item>
void move_by(Item& item, Point by) {
    if constexpr (requires { item.rect; }) {
        item.rect.x += by.x;
        item.rect.y += by.y;
    } else if constexpr (requires { item.points; }) {
        for (Point& p : item.points) {
            p = {p.x + by.x, p.y + by.y};
        }
    } else if constexpr (requires { item.centre; }) {
        item.centre = {item.centre.x + by.x, item.centre.y + by.y};
    } else if constexpr (requires { item.at; }) {
        item.at = {item.at.x + by.x, item.at.y + by.y};
    }
}

}  // namespace

Pages::Pages() : theme_(make_theme(ThemeKind::print)) {
    new_page();
}

void Pages::new_page() {
    if (!pages_.empty() && y_ <= top) {
        return;  // this one is still empty
    }
    const bool striped = stripe_from_ >= 0;
    if (striped) {
        end_stripe();
    }
    pages_.emplace_back();
    pages_.back().size = paper;
    y_ = top;
    if (striped) {
        begin_stripe();
    }
}

void Pages::keep_together(float height) {
    if (y_ + height > paper.height - bottom && y_ > top) {
        new_page();
    }
}

void Pages::text(std::string_view words, const ParagraphStyle& style) {
    text(RichText{{Inline::Kind::text, std::string(words)}}, style);
}

void Pages::text(const RichText& content, const ParagraphStyle& s) {
    const auto lines = broken(content, s.font, text_width - s.indent);
    const float step = s.font.size * line_height;
    // No line alone at the foot or at the head of a page.
    keep_together(s.above + step * static_cast<float>(std::min<std::size_t>(lines.size(), 2)) +
                  (s.keep_with_next ? 60 : 0));
    y_ += y_ > top ? s.above : 0;
    const Color color = s.quiet ? theme_.muted : theme_.text;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        keep_together(step);
        const Point start = {left + s.indent, y_ + s.font.size};
        if (i == 0 && !s.marker.empty()) {
            page().add(TextRun{{start.x - 6, start.y}, s.marker, s.font, color, HAlign::right});
        }
        set_line(page(), lines[i], start, s.font, color);
        y_ += step;
    }
}

void Pages::row(const std::vector<RichText>& cells, bool is_head) {
    const Font font = {is_head ? Face::semibold : Face::text, 9};
    const float step = font.size * line_height;
    const float column = text_width / static_cast<float>(std::max<std::size_t>(cells.size(), 1));
    std::vector<std::vector<std::vector<Atom>>> columns;
    std::size_t most = 1;
    for (const RichText& cell : cells) {
        columns.push_back(broken(cell, font, column - 10));
        most = std::max(most, columns.back().size());
    }
    const float height = step * static_cast<float>(most) + 5;
    keep_together(height);
    for (std::size_t c = 0; c < columns.size(); ++c) {
        for (std::size_t i = 0; i < columns[c].size(); ++i) {
            const Point start = {left + column * static_cast<float>(c),
                                 y_ + 3 + font.size + step * static_cast<float>(i)};
            set_line(page(), columns[c][i], start, font, theme_.text);
        }
    }
    y_ += height;
    page().add(Polyline{{{left, y_}, {paper.width - right, y_}}, theme_.line, 0.5F});
}

void Pages::figure(const Outcome& outcome, float height) {
    keep_together(height + 10);
    y_ += 10;
    LayoutOptions how;
    how.headings = false;
    how.handles = false;
    const Theme theme = make_theme(ThemeKind::print, figure_type);
    const Scene drawn = layout(outcome, {text_width, height}, theme, FontMeasure(), how);
    for (Primitive item : drawn.items) {
        std::visit([&](auto& one) { move_by(one, {left, y_}); }, item);
        page().items.push_back(std::move(item));
    }
    y_ += height;
}

void Pages::rules(int count, float indent) {
    for (int i = 0; i < count; ++i) {
        keep_together(rule_step);
        y_ += rule_step;
        page().add(Polyline{{{left + indent, y_}, {paper.width - right, y_}}, theme_.faint, 0.6F});
    }
}

void Pages::blank(const std::string& label, const std::string& after, float width, float indent) {
    keep_together(rule_step + 4);
    y_ += rule_step;
    const Font font = {Face::text, 10};
    float x = left + indent;
    page().add(TextRun{{x, y_}, label, font, theme_.muted});
    x += FontMeasure().width(label, font) + 6;
    page().add(Polyline{{{x, y_ + 2}, {x + width, y_ + 2}}, theme_.faint, 0.6F});
    page().add(TextRun{{x + width + 6, y_}, after, font, theme_.text});
    y_ += 4;
}

void Pages::tick_box(bool ticked, float indent) {
    keep_together(24);
    const Rect box = {left + indent, y_ + 6, 8, 8};
    page().add(StrokeRect{box, theme_.muted, 0.7F, 1});
    if (ticked) {
        page().add(Polyline{
            {{box.x + 1.5F, box.y + 4.5F}, {box.x + 3.5F, box.y + 6.5F}, {box.x + 7, box.y + 1.5F}},
            theme_.text,
            1.2F});
    }
}

void Pages::begin_stripe() {
    stripe_from_ = y_ + 4;
}

void Pages::end_stripe() {
    if (y_ > stripe_from_) {
        page().add(FillRect{{left - 14, stripe_from_, 3, y_ - stripe_from_ + 2},
                            theme_.style(Role::reference).color});
    }
    stripe_from_ = -1;
}

std::vector<Scene> Pages::finish(const std::string& foot) {
    for (std::size_t i = 0; i < pages_.size(); ++i) {
        const float y = paper.height - 34;
        const Font font = {Face::text, 8};
        pages_[i].add(TextRun{{left, y}, foot, font, theme_.muted});
        pages_[i].add(TextRun{{paper.width - right, y},
                              fmt::format("{} / {}", i + 1, pages_.size()),
                              font,
                              theme_.muted,
                              HAlign::right});
    }
    return std::move(pages_);
}

}  // namespace nibble
