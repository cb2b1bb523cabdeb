// The faces of the type system as Dear ImGui fonts, baked for the sizes the theme uses.
//
// Dear ImGui sizes a font by its line height and FreeType hands it advances rounded up; here a size
// is the em as everywhere else, and advances are rounded to the nearest pixel, so letters stay
// sharp and are spaced as the face means it.
#pragma once

#include <string_view>
#include <vector>

#include "viz/figure/scene.hpp"
#include "viz/figure/theme.hpp"

struct ImFont;

namespace nibble {

class FontSet : public TextMeasure {
public:
    /// Bakes every face in the theme's sizes into the atlas of the current ImGui context, in place
    /// of what was there. `density` is pixels a point. Throws Error::io when a font file is
    /// unusable.
    void bake(const Theme& theme, float density);

    struct Baked {
        ImFont* font = nullptr;
        Face face = Face::text;
        bool italic = false;
        float size = 0;       // em, points
        float draw_size = 0;  // what ImDrawList::AddText calls the size, at `size`
        float ascent = 0;     // from the top of the line to the baseline, at `size`
    };
    /// The baked font to draw `font` with: of its face, the nearest size.
    const Baked& find(Font font, bool italic = false) const;

    float width(std::string_view text, Font font) const override;
    float width(std::string_view text, Font font, bool italic) const;

private:
    std::vector<Baked> baked_;
};

}  // namespace nibble
