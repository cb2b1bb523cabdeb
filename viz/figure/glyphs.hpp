// Which font draws which character, and how wide it is: the same answer for measuring, PDF and PNG.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "viz/figure/fonts.hpp"
#include "viz/figure/scene.hpp"

namespace nibble {

struct Glyph {
    std::uint32_t font = 0;   // index for glyph_font()
    std::uint32_t glyph = 0;  // index in that font; 0 is its "missing" box
    float advance = 0;        // in em
    std::uint32_t bytes = 0;  // of UTF-8 it stands for
};

/// One glyph a character. A character that `face` lacks comes from another face or font that has
/// it. Thread-safe. Throws Error::io when the system has no font.
std::vector<Glyph> glyphs_of(std::string_view text, Face face);

/// The file of a font that glyphs_of() named.
FontFile glyph_font(std::uint32_t font);

/// Text widths as PDF, PNG and SVG exports come out.
class FontMeasure : public TextMeasure {
public:
    float width(std::string_view text, Font font) const override;
};

}  // namespace nibble
