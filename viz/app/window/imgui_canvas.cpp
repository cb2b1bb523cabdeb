#include "viz/app/window/imgui_canvas.hpp"

#include <GLFW/glfw3.h>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <imgui.h>

namespace nibble {
namespace {

ImVec2 vec(Point p) {
    return {p.x, p.y};
}

bool is_convex(const std::vector<ImVec2>& p) {
    bool left = false, right = false;
    for (std::size_t i = 0; i < p.size(); ++i) {
        const ImVec2 a = p[i], b = p[(i + 1) % p.size()], c = p[(i + 2) % p.size()];
        const float cross = (b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x);
        left = left || cross > 1e-3F;
        right = right || cross < -1e-3F;
    }
    return !(left && right);
}

/// y of an x-monotone chain at x.
float chain_y(const std::vector<ImVec2>& chain, float x) {
    std::size_t i = 1;
    while (i + 1 < chain.size() && chain[i].x < x) {
        ++i;
    }
    const ImVec2 a = chain[i - 1], b = chain[i];
    return b.x > a.x ? a.y + (b.y - a.y) * std::clamp((x - a.x) / (b.x - a.x), 0.0F, 1.0F) : b.y;
}

/// Fills a polygon whose outline is monotone in x, slab by slab between neighbouring vertices.
void fill_monotone(ImDrawList& draw, const std::vector<ImVec2>& p, ImU32 color) {
    const auto by_x = [](ImVec2 a, ImVec2 b) { return a.x < b.x; };
    const auto first = std::min_element(p.begin(), p.end(), by_x) - p.begin();
    std::vector<ImVec2> turned(p);
    std::rotate(turned.begin(), turned.begin() + first, turned.end());
    const auto last = std::max_element(turned.begin(), turned.end(), by_x);
    const std::vector<ImVec2> there(turned.begin(), last + 1);
    std::vector<ImVec2> back(last, turned.end());
    back.push_back(turned.front());
    std::reverse(back.begin(), back.end());
    if (there.size() < 2 || back.size() < 2) {
        return;
    }
    std::vector<float> xs;
    for (const ImVec2& v : p) {
        xs.push_back(v.x);
    }
    std::sort(xs.begin(), xs.end());
    xs.erase(std::unique(xs.begin(), xs.end()), xs.end());
    const ImDrawListFlags flags = draw.Flags;
    draw.Flags &= ~ImDrawListFlags_AntiAliasedFill;  // or every slab would show its edges
    for (std::size_t i = 1; i < xs.size(); ++i) {
        const float l = xs[i - 1], r = xs[i];
        draw.AddQuadFilled({l, chain_y(there, l)}, {r, chain_y(there, r)}, {r, chain_y(back, r)},
                           {l, chain_y(back, l)}, color);
    }
    draw.Flags = flags;
}

void stroke(ImDrawList& draw, const std::vector<ImVec2>& points, ImU32 color, float width) {
    if (points.size() > 1) {
        draw.AddPolyline(points.data(), static_cast<int>(points.size()), color, 0, width);
    }
}

/// Cuts a polyline into dashes measured along the line.
void stroke_dashed(ImDrawList& draw, const std::vector<ImVec2>& points, ImU32 color, float width,
                   DashPattern pattern) {
    std::vector<ImVec2> dash;
    bool drawing = true;
    float left = pattern.piece;
    if (!points.empty()) {
        dash.push_back(points[0]);
    }
    for (std::size_t i = 1; i < points.size(); ++i) {
        ImVec2 a = points[i - 1];
        const ImVec2 b = points[i];
        float length = std::hypot(b.x - a.x, b.y - a.y);
        while (length > left) {
            const float share = left / length;
            a = {a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share};
            length -= left;
            if (drawing) {
                dash.push_back(a);
                stroke(draw, dash, color, width);
            }
            drawing = !drawing;
            left = drawing ? pattern.piece : pattern.gap;
            dash.assign(1, a);
        }
        left -= length;
        dash.push_back(b);
    }
    if (drawing) {
        stroke(draw, dash, color, width);
    }
}

}  // namespace

unsigned int packed(Color c) {
    return IM_COL32(c.r, c.g, c.b, c.a);
}

void draw_text(ImDrawList& draw, const FontSet& fonts, const TextRun& run, bool italic) {
    if (run.text.empty()) {
        return;
    }
    const FontSet::Baked& b = fonts.find(run.font, italic);
    const float ratio = run.font.size / b.size;
    const float width = fonts.width(run.text, run.font, italic);
    const float shift = run.align == HAlign::centre  ? width / 2
                        : run.align == HAlign::right ? width
                                                     : 0;
    const float drop = baseline_drop(run);
    const ImVec2 at = {run.at.x, run.at.y};
    const char* begin = run.text.data();
    const char* end = begin + run.text.size();
    if (!run.upwards) {
        const ImVec2 top_left = {std::round(at.x - shift),
                                 std::round(at.y + drop) - b.ascent * ratio};
        draw.AddText(b.font, b.draw_size * ratio, top_left, packed(run.color), begin, end);
        return;
    }
    // Dear ImGui sets text level only: set it level in the corner of what is visible, where no
    // letter is left out, then turn what was added by a quarter. The clip stays in force.
    const ImVec2 pivot = {std::round(at.x + drop), std::round(at.y + shift)};
    const ImVec2 corner = draw.GetClipRectMin();
    const int first = draw.VtxBuffer.Size;
    draw.AddText(b.font, b.draw_size * ratio, corner, packed(run.color), begin, end);
    const float left = std::floor(corner.x), baseline = std::floor(corner.y) + b.ascent * ratio;
    for (int i = first; i < draw.VtxBuffer.Size; ++i) {
        ImVec2& p = draw.VtxBuffer[i].pos;
        p = {pivot.x + (p.y - baseline), pivot.y - (p.x - left)};
    }
}

unsigned int ImGuiCanvas::tint(Color color) const {
    return packed(color.with_alpha(alpha_));
}

void ImGuiCanvas::paint(const FillRect& f) {
    const Rect r = moved(f.rect);
    draw_.AddRectFilled({r.x, r.y}, {r.right(), r.bottom()}, tint(f.color), f.radius);
}

void ImGuiCanvas::paint(const StrokeRect& s) {
    const Rect r = moved(s.rect);
    draw_.AddRect({r.x, r.y}, {r.right(), r.bottom()}, tint(s.color), s.radius, 0, s.line_width);
}

void ImGuiCanvas::paint(const Polyline& line) {
    std::vector<ImVec2> points;
    points.reserve(line.points.size());
    for (const Point& p : line.points) {
        points.push_back(vec(moved(p)));
    }
    if (line.dash == Dash::solid) {
        stroke(draw_, points, tint(line.color), line.line_width);
    } else {
        stroke_dashed(draw_, points, tint(line.color), line.line_width,
                      dash_pattern(line.dash, line.line_width));
    }
}

void ImGuiCanvas::paint(const Polygon& polygon) {
    std::vector<ImVec2> points;
    for (const Point& p : polygon.points) {
        points.push_back(vec(moved(p)));
    }
    if (points.size() < 3) {
        return;
    }
    if (is_convex(points)) {
        draw_.AddConvexPolyFilled(points.data(), static_cast<int>(points.size()),
                                  tint(polygon.color));
    } else {
        fill_monotone(draw_, points, tint(polygon.color));
    }
}

void ImGuiCanvas::paint(const Circle& c) {
    const ImVec2 centre = vec(moved(c.centre));
    if (c.fill.a > 0) {
        draw_.AddCircleFilled(centre, c.radius, tint(c.fill));
    }
    if (c.stroke.a > 0) {
        draw_.AddCircle(centre, c.radius, tint(c.stroke), 0, c.line_width);
    }
}

void ImGuiCanvas::paint(const TextRun& run) {
    TextRun here = run;
    here.at = moved(run.at);
    here.color = run.color.with_alpha(alpha_);
    draw_text(draw_, fonts_, here);
}

void ImGuiCanvas::paint(const Image& image) {
    if (!image.pixels || image.width <= 0 || image.height <= 0) {
        return;
    }
    const Rect r = moved(image.rect);
    const std::uintptr_t name = textures_.texture(image);
    draw_.AddImage((ImTextureID)name, {r.x, r.y}, {r.right(), r.bottom()}, {0, 0}, {1, 1},
                   tint({255, 255, 255, 255}));
}

void ImGuiCanvas::paint(const PushClip& clip) {
    const Rect r = moved(clip.rect);
    draw_.PushClipRect({r.x, r.y}, {r.right(), r.bottom()}, true);
}

void ImGuiCanvas::paint(const PopClip&) {
    draw_.PopClipRect();
}

TextureCache::~TextureCache() {
    for (const auto& [key, entry] : entries_) {
        glDeleteTextures(1, &entry.texture);
    }
}

unsigned int TextureCache::texture(const Image& image) {
    Entry& entry = entries_[image.pixels->data()];
    entry.used = true;
    if (entry.texture == 0) {
        entry.pixels = image.pixels;
        GLint bound = 0;
        glGetIntegerv(GL_TEXTURE_BINDING_2D, &bound);
        glGenTextures(1, &entry.texture);
        glBindTexture(GL_TEXTURE_2D, entry.texture);
        // Cells keep their edges when enlarged, and average when there are more than pixels.
        glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR);
        glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
        glPixelStorei(GL_UNPACK_ALIGNMENT, 4);
        glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, image.width, image.height, 0, GL_RGBA,
                     GL_UNSIGNED_BYTE, image.pixels->data());
        glBindTexture(GL_TEXTURE_2D, static_cast<GLuint>(bound));
    }
    return entry.texture;
}

void TextureCache::sweep() {
    for (auto it = entries_.begin(); it != entries_.end();) {
        if (it->second.used) {
            it->second.used = false;
            ++it;
        } else {
            glDeleteTextures(1, &it->second.texture);
            it = entries_.erase(it);
        }
    }
}

}  // namespace nibble
