#include "viz/figure/glyphs.hpp"

#include <array>
#include <ft2build.h>
#include <memory>
#include <mutex>
#include <unordered_map>
#include FT_FREETYPE_H

#include "sim/core/error.hpp"
#include "sim/core/utf8.hpp"

namespace nibble {
namespace {

/// Opened once for the life of the program: fonts do not change while it runs.
class FontSet {
public:
    FontSet() {
        if (FT_Init_FreeType(&library_) != 0) {
            throw Error(Error::Code::io, "FreeType does not start");
        }
        for (int k = 0; k < 5; ++k) {
            const FontFile& file = font_file(static_cast<Face>(k));
            if (!open(file)) {
                throw Error(Error::Code::io, "cannot read the font " + file.path,
                            "reinstall it, or run fc-cache");
            }
        }
    }

    std::vector<Glyph> glyphs(std::string_view text, Face face) {
        const std::lock_guard lock(mutex_);
        std::vector<Glyph> result;
        result.reserve(text.size());
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t from = at;
            const char32_t character = next_character(text, at);
            Glyph g = find(character, face);
            g.bytes = static_cast<std::uint32_t>(at - from);
            result.push_back(g);
        }
        return result;
    }

    FontFile file(std::uint32_t font) {
        const std::lock_guard lock(mutex_);
        return fonts_.at(font).file;
    }

private:
    struct Opened {
        FontFile file;
        FT_Face face;
    };

    bool open(const FontFile& file) {
        FT_Face face = nullptr;
        if (FT_New_Face(library_, file.path.c_str(), file.index, &face) != 0) {
            return false;
        }
        if (FT_IS_SCALABLE(face) == 0) {
            FT_Done_Face(face);
            return false;
        }
        fonts_.push_back({file, face});
        return true;
    }

    /// The glyph of `character` in an opened font; glyph 0 when it has none.
    Glyph in_font(std::size_t font, char32_t character) const {
        const FT_Face face = fonts_[font].face;
        Glyph g;
        g.font = static_cast<std::uint32_t>(font);
        g.glyph = FT_Get_Char_Index(face, character);
        if (FT_Load_Glyph(face, g.glyph, FT_LOAD_NO_SCALE) == 0) {
            g.advance = static_cast<float>(face->glyph->metrics.horiAdvance) /
                        static_cast<float>(face->units_per_EM);
        }
        return g;
    }

    Glyph find(char32_t character, Face face) {
        const std::uint64_t key = std::uint64_t(character) << 8U | static_cast<std::uint64_t>(face);
        const auto known = known_.find(key);
        return known != known_.end() ? known->second
                                     : known_.emplace(key, look_up(character, face)).first->second;
    }

    Glyph look_up(char32_t character, Face face) {
        const Glyph own = in_font(static_cast<std::size_t>(face), character);
        if (own.glyph != 0) {
            return own;
        }
        for (std::size_t font = 0; font < fonts_.size(); ++font) {
            const Glyph other = in_font(font, character);
            if (other.glyph != 0) {
                return other;
            }
        }
        const FontFile file = font_file_with(character, face);
        if (!file.path.empty() && open(file)) {
            const Glyph found = in_font(fonts_.size() - 1, character);
            if (found.glyph != 0) {
                return found;
            }
            FT_Done_Face(fonts_.back().face);
            fonts_.pop_back();
        }
        return own;
    }

    std::mutex mutex_;
    FT_Library library_ = nullptr;
    std::vector<Opened> fonts_;
    std::unordered_map<std::uint64_t, Glyph> known_;
};

FontSet& fonts() {
    static FontSet set;
    return set;
}

}  // namespace

std::vector<Glyph> glyphs_of(std::string_view text, Face face) {
    return fonts().glyphs(text, face);
}

FontFile glyph_font(std::uint32_t font) {
    return fonts().file(font);
}

float FontMeasure::width(std::string_view text, Font font) const {
    float em = 0;
    for (const Glyph& g : glyphs_of(text, font.face)) {
        em += g.advance;
    }
    return em * font.size;
}

}  // namespace nibble
