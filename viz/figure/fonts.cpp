#include "viz/figure/fonts.hpp"

#include <array>
#include <fontconfig/fontconfig.h>
#include <mutex>

#include "sim/core/error.hpp"

namespace nibble {
namespace {

struct Wish {
    const char* family;    // the face that the design asks for
    const char* fallback;  // the generic family that fontconfig substitutes from
    int weight;            // of fontconfig
    std::string_view css;
    int css_weight;
};

constexpr std::string_view text_css = "Inter, 'Helvetica Neue', Arial, sans-serif";

const Wish& wish(Face face) {
    static constexpr std::array<Wish, 5> wishes = {{
        {"Inter", "sans-serif", FC_WEIGHT_REGULAR, text_css, 400},
        {"Inter", "sans-serif", FC_WEIGHT_MEDIUM, text_css, 500},
        {"Inter", "sans-serif", FC_WEIGHT_DEMIBOLD, text_css, 600},
        {"JetBrains Mono", "monospace", FC_WEIGHT_REGULAR,
         "'JetBrains Mono', 'DejaVu Sans Mono', Menlo, monospace", 400},
        {"STIX", "serif", FC_WEIGHT_REGULAR,
         "STIX, 'STIX Two Text', STIXGeneral, 'Cambria Math', serif", 400},
    }};
    return wishes.at(static_cast<std::size_t>(face));
}

/// The file that fontconfig picks for the pattern; empty when the system has no outline font.
FontFile match(FcPattern* pattern) {
    FcPatternAddBool(pattern, FC_OUTLINE, FcTrue);
    FcConfigSubstitute(nullptr, pattern, FcMatchPattern);
    FcDefaultSubstitute(pattern);
    FcResult result = FcResultNoMatch;
    FcPattern* const found = FcFontMatch(nullptr, pattern, &result);
    FontFile file;
    FcChar8* path = nullptr;
    if (found && FcPatternGetString(found, FC_FILE, 0, &path) == FcResultMatch) {
        file.path = reinterpret_cast<const char*>(path);
        FcPatternGetInteger(found, FC_INDEX, 0, &file.index);
        file.index &= 0xffff;  // the upper half selects a named instance of a variable font
    }
    if (found) {
        FcPatternDestroy(found);
    }
    return file;
}

FcPattern* pattern_of(const Wish& w) {
    FcPattern* const pattern = FcPatternCreate();
    for (const char* family : {w.family, w.fallback}) {
        FcPatternAddString(pattern, FC_FAMILY, reinterpret_cast<const FcChar8*>(family));
    }
    FcPatternAddInteger(pattern, FC_WEIGHT, w.weight);
    FcPatternAddInteger(pattern, FC_SLANT, FC_SLANT_ROMAN);
    return pattern;
}

FontFile find_face(Face face) {
    FcPattern* const pattern = pattern_of(wish(face));
    const FontFile file = match(pattern);
    FcPatternDestroy(pattern);
    return file;
}

}  // namespace

const FontFile& font_file(Face face) {
    static const std::array<FontFile, 5> files = [] {
        std::array<FontFile, 5> found;
        for (std::size_t i = 0; i < found.size(); ++i) {
            found[i] = find_face(static_cast<Face>(i));
        }
        return found;
    }();
    const FontFile& file = files.at(static_cast<std::size_t>(face));
    if (file.path.empty()) {
        throw Error(Error::Code::io, "this system has no outline font",
                    "install one, such as the package fonts-inter or fonts-dejavu-core");
    }
    return file;
}

FontFile font_file_with(char32_t character, Face face) {
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    FcPattern* const pattern = pattern_of(wish(face));
    FcCharSet* const wanted = FcCharSetCreate();
    FcCharSetAddChar(wanted, character);
    FcPatternAddCharSet(pattern, FC_CHARSET, wanted);
    const FontFile file = match(pattern);
    FcCharSetDestroy(wanted);
    FcPatternDestroy(pattern);
    return file;
}

std::string_view css_family(Face face) {
    return wish(face).css;
}

int css_weight(Face face) {
    return wish(face).css_weight;
}

}  // namespace nibble
