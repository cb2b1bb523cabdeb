#include "viz/app/ui/rich_text_view.hpp"

#include <algorithm>
#include <cmath>

#include "viz/app/panels/equation.hpp"

namespace nibble {
namespace {

constexpr float leading_share = 1.5F;  // of the size
constexpr float math_share = 1.2F;     // STIX looks smaller than Inter at one size

/// Letters in one style that no space divides.
struct Piece {
    std::string text;
    Font font;
    Color color;
    bool math = false, code = false;
    float width = 0;
};

/// Pieces that stand together: "**bold**," is one word of two styles.
struct Word {
    std::vector<Piece> pieces;
    float width() const {
        float sum = 0;
        for (const Piece& piece : pieces) {
            sum += piece.width;
        }
        return sum;
    }
};

class Words {
public:
    Words(const Ui& ui, Font font, Color color) : ui_(ui), font_(font), color_(color) {}

    void add(const Inline& run) {
        Piece style = style_of(run);
        if (run.kind == Inline::Kind::math) {
            put(style, run.text);
            return;
        }
        const std::string_view text = run.text;
        for (std::size_t at = 0; at < text.size();) {
            if (text[at] == ' ' || text[at] == '\n') {
                open_ = false;
                ++at;
                continue;
            }
            const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
            put(style, text.substr(at, end - at));
            at = end;
        }
    }
    std::vector<Word>& list() { return words_; }

private:
    Piece style_of(const Inline& run) const {
        Piece p;
        p.font = font_;
        p.color = color_;
        p.math = run.kind == Inline::Kind::math;
        p.code = run.code;
        if (p.math) {
            p.font = {Face::math, font_.size * math_share};
        } else if (run.code) {
            p.font = {Face::mono, font_.size * 0.95F};
        } else if (run.strong) {
            p.font = {Face::semibold, font_.size};
            p.color = ui_.theme().text;
        } else if (run.emphasis) {
            p.font = {Face::medium, font_.size};
            p.color = ui_.theme().text;
        } else if (run.kind == Inline::Kind::computed) {
            p.font = {Face::medium, font_.size};
        }
        if (!run.link.empty()) {
            p.color = ui_.theme().accent;
        }
        return p;
    }
    void put(Piece piece, std::string_view text) {
        piece.text = text;
        piece.width = piece.math ? math_width(ui_, text, piece.font) : ui_.width(text, piece.font);
        if (!open_ || words_.empty()) {
            words_.emplace_back();
        }
        words_.back().pieces.push_back(std::move(piece));
        open_ = true;
    }

    const Ui& ui_;
    Font font_;
    Color color_;
    std::vector<Word> words_;
    bool open_ = false;  // the last word may go on
};

void draw_word(const Ui& ui, const Word& word, float x, float middle, Font font) {
    const float base_line = middle + 0.36F * font.size;
    for (const Piece& piece : word.pieces) {
        if (piece.code) {
            ui.fill({x - ui.px(2), middle - font.size * 0.72F, piece.width + ui.px(4),
                     font.size * 1.44F},
                    ui.theme().raised, ui.px(3));
        }
        if (piece.math) {
            draw_math(ui, {x, base_line}, piece.text, piece.font, piece.color);
        } else {
            ui.text({x, middle}, piece.text, piece.font, piece.color);
        }
        x += piece.width;
    }
}

float flow(const Ui& ui, Point at, const RichText& text, Font font, Color color, float width,
           bool paints) {
    Words words(ui, font, color);
    for (const Inline& run : text) {
        words.add(run);
    }
    const float leading = std::round(font.size * leading_share), space = ui.width(" ", font);
    float x = at.x, y = at.y;
    for (const Word& word : words.list()) {
        const float wide = word.width();
        if (x > at.x && x + wide > at.x + width) {
            x = at.x;
            y += leading;
        }
        if (paints) {
            draw_word(ui, word, x, y + leading / 2, font);
        }
        x += wide + space;
    }
    return words.list().empty() ? 0 : y + leading - at.y;
}

/// Several equations stand in one line, or each in its own where that is too long.
std::vector<std::string> equations_of(const Ui& ui, const Prose& piece, float room) {
    static constexpr std::string_view between = ",   ";
    std::string whole = plain_text(piece.text);
    if (math_width(ui, whole, ui.theme().math()) <= room) {
        return {whole};
    }
    std::vector<std::string> lines;
    for (std::size_t at = 0; at <= whole.size();) {
        const std::size_t end = std::min(whole.find(between, at), whole.size());
        lines.push_back(whole.substr(at, end - at));
        at = end == whole.size() ? end + 1 : end + between.size();
    }
    return lines;
}

float draw_table_row(const Ui& ui, Point at, const Prose& piece, float width) {
    const Theme& t = ui.theme();
    const auto columns = static_cast<float>(std::max<std::size_t>(piece.cells.size(), 1));
    const float column = width / columns;
    float high = 0, x = at.x;
    for (const RichText& cell : piece.cells) {
        const Font font = piece.is_table_head ? Font{Face::semibold, t.small().size} : t.small();
        high = std::max(high,
                        draw_rich_text(ui, {x, at.y + ui.px(3)}, cell, font,
                                       piece.is_table_head ? t.text : t.muted, column - ui.px(8)));
        x += column;
    }
    high += ui.px(6);
    ui.line({at.x, at.y + high}, {at.x + width, at.y + high}, t.line);
    return high + ui.px(1);
}

}  // namespace

float draw_rich_text(const Ui& ui, Point at, const RichText& text, Font font, Color color,
                     float width) {
    return flow(ui, at, text, font, color, width, true);
}

float rich_text_height(const Ui& ui, const RichText& text, Font font, float width) {
    return flow(ui, {}, text, font, {}, width, false);
}

float draw_prose(const Ui& ui, Point at, const Prose& piece, float width) {
    const Theme& t = ui.theme();
    const float gap = ui.px(9);
    switch (piece.kind) {
        case Prose::Kind::heading: {
            const float size = piece.level <= 2 ? 16 : 12.5F;
            return draw_rich_text(ui, at, piece.text, {Face::semibold, size * t.scale}, t.text,
                                  width) +
                   ui.px(6);
        }
        case Prose::Kind::item: {
            const float indent = ui.px(16.0F + 14.0F * static_cast<float>(piece.level));
            const float leading = std::round(t.body().size * leading_share);
            ui.text({at.x + indent - ui.px(14), at.y + leading / 2}, piece.marker, t.body(),
                    t.muted);
            return draw_rich_text(ui, {at.x + indent, at.y}, piece.text, t.body(), t.text,
                                  width - indent) +
                   ui.px(5);
        }
        case Prose::Kind::quote: {
            const float indent = ui.px(14);
            const float high = draw_rich_text(ui, {at.x + indent, at.y}, piece.text, t.body(),
                                              t.muted, width - indent);
            ui.fill({at.x + ui.px(2), at.y, ui.px(3), high}, t.line);
            return high + gap;
        }
        case Prose::Kind::code: {
            return draw_rich_text(ui, at, piece.text, t.mono(), t.text, width) + gap;
        }
        case Prose::Kind::equation: {
            const float line = ui.px(30), indent = ui.px(10);
            float y = at.y + ui.px(2);
            for (const std::string& equation : equations_of(ui, piece, width - indent)) {
                draw_equation(ui, {at.x + indent, y + line / 2}, equation, t.text, width - indent);
                y += line;
            }
            return y - at.y + ui.px(6);
        }
        case Prose::Kind::table_row:
            return draw_table_row(ui, at, piece, width);
        case Prose::Kind::paragraph:
            break;
    }
    return draw_rich_text(ui, at, piece.text, t.body(), t.text, width) + gap;
}

}  // namespace nibble
