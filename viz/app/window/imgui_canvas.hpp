// Paints a scene into a Dear ImGui draw list.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "viz/app/window/font_set.hpp"
#include "viz/figure/scene.hpp"

struct ImDrawList;

namespace nibble {

/// Heat maps as OpenGL textures, kept while the scene that holds their pixels is on the screen.
class TextureCache {
public:
    ~TextureCache();
    TextureCache() = default;
    TextureCache(const TextureCache&) = delete;
    TextureCache& operator=(const TextureCache&) = delete;

    /// The texture with these pixels, made when absent.
    unsigned int texture(const Image& image);
    /// Drops what was not asked for since the last sweep.
    void sweep();

private:
    struct Entry {
        unsigned int texture = 0;
        std::shared_ptr<const std::vector<Color>> pixels;  // held, so that the key stays its own
        bool used = true;
    };
    std::unordered_map<const void*, Entry> entries_;
};

class ImGuiCanvas : public Canvas {
public:
    /// Everything is moved by `origin` and made fainter by `alpha` (1: as it is).
    ImGuiCanvas(ImDrawList& draw, const FontSet& fonts, TextureCache& textures, Point origin,
                float alpha = 1)
        : draw_(draw), fonts_(fonts), textures_(textures), origin_(origin), alpha_(alpha) {}

    void paint(const FillRect&) override;
    void paint(const StrokeRect&) override;
    void paint(const Polyline&) override;
    void paint(const Polygon&) override;
    void paint(const Circle&) override;
    void paint(const TextRun&) override;
    void paint(const Image&) override;
    void paint(const PushClip&) override;
    void paint(const PopClip&) override;

private:
    unsigned int tint(Color color) const;
    Point moved(Point p) const { return {p.x + origin_.x, p.y + origin_.y}; }
    Rect moved(const Rect& r) const {
        return {r.x + origin_.x, r.y + origin_.y, r.width, r.height};
    }

    ImDrawList& draw_;
    const FontSet& fonts_;
    TextureCache& textures_;
    Point origin_;
    float alpha_;
};

/// One run of text, for the panels too. `italic` is for equations.
void draw_text(ImDrawList& draw, const FontSet& fonts, const TextRun& run, bool italic = false);
unsigned int packed(Color color);

}  // namespace nibble
