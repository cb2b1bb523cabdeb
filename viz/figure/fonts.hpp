// The five faces, found on the system through fontconfig: Inter, JetBrains Mono and STIX where they
// are installed, the nearest substitutes elsewhere.
#pragma once

#include <string>
#include <string_view>

#include "viz/figure/scene.hpp"

namespace nibble {

/// A font file and the face's index in it.
struct FontFile {
    std::string path;
    int index = 0;
};
/// Looked up once. Throws Error::io when the system has no font at all.
const FontFile& font_file(Face face);

/// The font nearest to `face` that has `character`, for signs that the five faces lack; its path is
/// empty when no font has it.
FontFile font_file_with(char32_t character, Face face);

/// The CSS family list for SVG text: "Inter, 'Helvetica Neue', Arial, sans-serif".
std::string_view css_family(Face face);
/// CSS weight: 400, 500, 600.
int css_weight(Face face);

}  // namespace nibble
