#include "viz/app/window/font_set.hpp"

#include <cfloat>
#include <cmath>
#include <filesystem>
#include <ft2build.h>
#include <memory>
#include FT_FREETYPE_H
#include FT_ADVANCES_H

#include <imgui.h>
#include <imgui_freetype.h>

#include "sim/core/error.hpp"
#include "viz/figure/fonts.hpp"

namespace nibble {
namespace {

/// What figures, panels and equations write: Latin, Greek, super- and subscripts, arrows, the
/// mathematical signs in use. Every range costs start-up time.
const ImWchar glyph_ranges[] = {
    0x0020, 0x007E, 0x00A0, 0x00FF, 0x0131, 0x0131, 0x0175, 0x0175, 0x0391, 0x03A9, 0x03B1,
    0x03C9, 0x03F5, 0x03F5, 0x2002, 0x200A, 0x2010, 0x2027, 0x202F, 0x2033, 0x2070, 0x209C,
    0x20AC, 0x20AC, 0x2113, 0x2113, 0x211D, 0x211D, 0x2190, 0x2195, 0x21B5, 0x21B5, 0x21D0,
    0x21D5, 0x2200, 0x2211, 0x2212, 0x221E, 0x2223, 0x222B, 0x2243, 0x2265, 0x226A, 0x226B,
    0x2295, 0x2299, 0x22C5, 0x22C5, 0x22EF, 0x22EF, 0x2308, 0x230B, 0x25A0, 0x25A1, 0x25B2,
    0x25C6, 0x25CB, 0x25CF, 0x2713, 0x2717, 0xFFFD, 0xFFFD, 0,
};

/// A font file as FreeType sees it, for the metrics that Dear ImGui does not keep.
class FreeTypeFace {
public:
    explicit FreeTypeFace(const FontFile& file) {
        if (FT_Init_FreeType(&library_) != 0 ||
            FT_New_Face(library_, file.path.c_str(), file.index, &face_) != 0) {
            FT_Done_FreeType(library_);
            throw Error(Error::Code::io, "the font " + file.path + " cannot be read",
                        "reinstall it, or install fonts-inter, fonts-jetbrains-mono, fonts-stix");
        }
    }
    ~FreeTypeFace() {
        FT_Done_Face(face_);
        FT_Done_FreeType(library_);
    }
    FreeTypeFace(const FreeTypeFace&) = delete;
    FreeTypeFace& operator=(const FreeTypeFace&) = delete;

    /// Line height over em: the ratio between the two meanings of size.
    float line_per_em() const {
        return static_cast<float>(face_->ascender - face_->descender) /
               static_cast<float>(face_->units_per_EM);
    }
    /// Advance of a character, em; negative when the face lacks it.
    float advance(unsigned int codepoint) const {
        FT_Fixed units = 0;
        const FT_UInt glyph = FT_Get_Char_Index(face_, codepoint);
        if (glyph == 0 || FT_Get_Advance(face_, glyph, FT_LOAD_NO_SCALE, &units) != 0) {
            return -1;
        }
        return static_cast<float>(units) / static_cast<float>(face_->units_per_EM);
    }

private:
    FT_Library library_ = nullptr;
    FT_Face face_ = nullptr;
};

struct Source {
    FontFile file;
    bool slant = false;  // no italic cut was found: slant the upright one
};

/// The file of a face; the italic cut stands beside the upright one.
Source source_of(Face face, bool italic) {
    Source source{font_file(face)};
    if (italic) {
        source.slant = true;
        const std::size_t at = source.file.path.rfind("Regular");
        if (at != std::string::npos) {
            std::string cut = source.file.path;
            cut.replace(at, 7, "Italic");
            if (std::filesystem::exists(cut)) {
                source = {{cut, source.file.index}, false};
            }
        }
    }
    return source;
}

#if IMGUI_VERSION_NUM >= 19200
void use_freetype(ImFontAtlas& atlas) {
    atlas.FontLoader = ImGuiFreeType::GetFontLoader();
    atlas.FontLoaderFlags = ImGuiFreeTypeLoaderFlags_LightHinting;
}
void slant(ImFontConfig& config) {
    config.FontLoaderFlags = ImGuiFreeTypeLoaderFlags_Oblique;
}
#else
void use_freetype(ImFontAtlas& atlas) {
    atlas.FontBuilderIO = ImGuiFreeType::GetBuilderForFreeType();
    atlas.FontBuilderFlags = ImGuiFreeTypeBuilderFlags_LightHinting;
}
void slant(ImFontConfig& config) {
    config.FontBuilderFlags = ImGuiFreeTypeBuilderFlags_Oblique;
}
#endif

float ascent_of(const ImFont& font, float line) {
#if IMGUI_VERSION_NUM >= 19200
    return const_cast<ImFont&>(font).GetFontBaked(line)->Ascent;
#else
    static_cast<void>(line);
    return font.Ascent;
#endif
}

#if IMGUI_VERSION_NUM < 19200
void true_advances(ImFont& font, const FreeTypeFace& face, float em_pixels) {
    for (ImFontGlyph& glyph : font.Glyphs) {
        const float advance = face.advance(glyph.Codepoint);
        glyph.AdvanceX = advance >= 0 ? advance * em_pixels : glyph.AdvanceX;
    }
    font.BuildLookupTable();
}
#endif

}  // namespace

void FontSet::bake(const Theme& theme, float density) {
    ImFontAtlas& atlas = *ImGui::GetIO().Fonts;
    atlas.Clear();
    use_freetype(atlas);
    atlas.Flags |= ImFontAtlasFlags_NoPowerOfTwoHeight;
    baked_.clear();

    const float s = theme.scale;
    const struct {
        Font font;
        bool italic;
    } wanted[] = {
        {theme.body(), false},
        {theme.small(), false},
        {{Face::medium, theme.body().size}, false},
        {{Face::semibold, theme.body().size}, false},
        {{Face::semibold, 16 * s}, false},
        {theme.label(), false},
        {theme.chart_title(), false},
        {theme.title(), false},
        {theme.headline(), false},
        {theme.mono(), false},
        {theme.math(), false},
        {theme.math(), true},
        {{Face::math, 12 * s}, false},
        {{Face::math, 12 * s}, true},
    };
    std::vector<std::unique_ptr<FreeTypeFace>> faces;
    for (const auto& [font, italic] : wanted) {
        const Source source = source_of(font.face, italic);
        faces.push_back(std::make_unique<FreeTypeFace>(source.file));
        // Whole pixels: the builder of 1.86 cuts the rest off, and letters would come out smaller.
        const float line = std::round(font.size * faces.back()->line_per_em() * density) / density;
        ImFontConfig config;
        config.FontNo = source.file.index;
        config.RasterizerMultiply = 1.15F;  // letters between pixels come out a little fainter
        config.OversampleH = config.OversampleV = 1;
        if (source.slant) {
            slant(config);
        }
        ImFont* made = atlas.AddFontFromFileTTF(source.file.path.c_str(), line * density, &config,
                                                glyph_ranges);
        if (made == nullptr) {
            throw Error(Error::Code::io, "the font " + source.file.path + " cannot be used");
        }
        baked_.push_back({made, font.face, italic, font.size, line, 0});
    }
#if IMGUI_VERSION_NUM < 19200
    atlas.Build();
#endif
    for (std::size_t i = 0; i < baked_.size(); ++i) {
        Baked& b = baked_[i];
#if IMGUI_VERSION_NUM < 19200
        true_advances(*b.font, *faces[i], b.draw_size * density / faces[i]->line_per_em());
#endif
        b.ascent = std::round(ascent_of(*b.font, b.draw_size * density)) / density;
    }
}

const FontSet::Baked& FontSet::find(Font font, bool italic) const {
    NIBBLE_ASSERT(!baked_.empty(), "fonts are baked before anything is drawn");
    const Baked* best = nullptr;
    const auto distance = [&](const Baked& b) {
        return (b.face == font.face ? 0 : 1000) + (b.italic == italic ? 0 : 500) +
               std::abs(b.size - font.size);
    };
    for (const Baked& b : baked_) {
        if (best == nullptr || distance(b) < distance(*best)) {
            best = &b;
        }
    }
    return *best;
}

float FontSet::width(std::string_view text, Font font) const {
    return width(text, font, false);
}

float FontSet::width(std::string_view text, Font font, bool italic) const {
    const Baked& b = find(font, italic);
    const float size = b.draw_size * font.size / b.size;
    return b.font->CalcTextSizeA(size, FLT_MAX, 0, text.data(), text.data() + text.size()).x;
}

}  // namespace nibble
