#include "viz/figure/recording_canvas.hpp"

#include <array>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/utf8.hpp"

namespace nibble {
namespace {

std::string num(double value) {
    const std::string text = fmt::format("{:.1f}", value);
    return text == "-0.0" ? "0.0" : text;
}

std::string str(Point p) {
    return num(p.x) + "," + num(p.y);
}

std::string str(const Rect& r) {
    return fmt::format("{} {}x{}", str(Point{r.x, r.y}), num(r.width), num(r.height));
}

std::string str(Color c) {
    return fmt::format("{:02x}{:02x}{:02x}{:02x}", c.r, c.g, c.b, c.a);
}

std::string str(const std::vector<Point>& points) {
    std::string text;
    for (const Point& p : points) {
        text += ' ';
        text += str(p);
    }
    return text;
}

/// FNV-1a: enough to notice a changed pixel.
std::uint64_t hash_of(const std::vector<Color>& pixels) {
    std::uint64_t hash = 14695981039346656037ULL;
    for (const Color& c : pixels) {
        for (const std::uint8_t byte : {c.r, c.g, c.b, c.a}) {
            hash = (hash ^ byte) * 1099511628211ULL;
        }
    }
    return hash;
}

class RecordingCanvas : public Canvas {
public:
    std::string text;

    void paint(const FillRect& i) override {
        line("fill", str(i.rect), str(i.color), radius(i.radius));
    }
    void paint(const StrokeRect& i) override {
        line("outline", str(i.rect), str(i.color), num(i.line_width) + radius(i.radius));
    }
    void paint(const Polyline& i) override {
        static constexpr std::array<const char*, 3> dashes = {"solid", "dashed", "dotted"};
        line("line", str(i.color), num(i.line_width),
             dashes.at(static_cast<std::size_t>(i.dash)) + str(i.points));
    }
    void paint(const Polygon& i) override { line("polygon", str(i.color), "", str(i.points)); }
    void paint(const Circle& i) override {
        line("circle", str(i.centre) + " r" + num(i.radius), str(i.fill), str(i.stroke));
    }
    void paint(const TextRun& i) override {
        static constexpr std::array<const char*, 5> faces = {"text", "medium", "semibold", "mono",
                                                             "math"};
        static constexpr std::array<const char*, 3> aligns = {"left", "centre", "right"};
        line("text", str(i.at), str(i.color),
             fmt::format("{} {} {}{}{} \"{}\"", faces.at(static_cast<std::size_t>(i.font.face)),
                         num(i.font.size), aligns.at(static_cast<std::size_t>(i.align)),
                         i.valign == VAlign::middle ? " middle" : "", i.upwards ? " upwards" : "",
                         i.text));
    }
    void paint(const Image& i) override {
        line("image", str(i.rect), fmt::format("{}x{}", i.width, i.height),
             fmt::format("{:016x}", hash_of(*i.pixels)));
    }
    void paint(const PushClip& i) override { line("clip", str(i.rect), "", ""); }
    void paint(const PopClip&) override { text += "unclip\n"; }

private:
    static std::string radius(float r) { return r > 0 ? " r" + num(r) : ""; }
    void line(const char* kind, const std::string& a, const std::string& b, const std::string& c) {
        text += kind;
        for (const std::string* part : {&a, &b, &c}) {
            if (!part->empty()) {
                text += part->front() == ' ' ? *part : " " + *part;
            }
        }
        text += '\n';
    }
};

}  // namespace

std::string recording_of(const Scene& scene) {
    RecordingCanvas canvas;
    paint(scene, canvas);
    return std::move(canvas.text);
}

float FixedMeasure::width(std::string_view text, Font font) const {
    float em = 0;
    for (std::size_t at = 0; at < text.size();) {
        const char32_t c = next_character(text, at);
        const bool narrow =
            c < 0x80 && std::string_view(" .,:;'il|!()[]-").find(char(c)) != std::string_view::npos;
        em += font.face == Face::mono ? 0.6F : narrow ? 0.3F : 0.58F;
    }
    return em * font.size;
}

}  // namespace nibble
