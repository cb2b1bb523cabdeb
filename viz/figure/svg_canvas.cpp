#include "viz/figure/svg_canvas.hpp"

#include <cmath>
#include <fmt/format.h>

#include "sim/core/utf8.hpp"
#include "viz/figure/base64.hpp"
#include "viz/figure/fonts.hpp"
#include "viz/figure/png_file.hpp"

namespace nibble {
namespace {

/// Hundredths of a point are finer than any printer.
std::string num(float value) {
    std::string text = fmt::format("{:.2f}", std::isfinite(value) ? value : 0.0F);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') {
        text.pop_back();
    }
    return text == "-0" ? "0" : text;
}

std::string hex(Color c) {
    return fmt::format("#{:02x}{:02x}{:02x}", c.r, c.g, c.b);
}

/// fill="#..." and, when it is translucent, its opacity.
std::string colour_attribute(const char* name, Color c) {
    std::string text = fmt::format(" {}=\"{}\"", name, hex(c));
    if (c.a != 255) {
        text += fmt::format(" {}-opacity=\"{}\"", name, num(static_cast<float>(c.a) / 255));
    }
    return text;
}

/// At least two pixels a point: viewers that smooth images in spite of `pixelated` then blur half a
/// point at the edge of a cell, not the whole cell.
std::string enlarged_png(const Image& image) {
    constexpr int most_pixels = 4 << 20;
    const auto factor = [](float points, int cells) {
        return std::clamp(static_cast<int>(std::ceil(2 * points / static_cast<float>(cells))), 1,
                          64);
    };
    int by_x = factor(image.rect.width, image.width);
    int by_y = factor(image.rect.height, image.height);
    if (std::int64_t(by_x) * by_y * image.width * image.height > most_pixels) {
        by_x = by_y = 1;
    }
    const int width = image.width * by_x, height = image.height * by_y;
    std::vector<Color> pixels;
    pixels.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
    for (int row = 0; row < height; ++row) {
        const Color* const cells =
            image.pixels->data() + static_cast<std::ptrdiff_t>(row / by_y) * image.width;
        for (int col = 0; col < width; ++col) {
            pixels.push_back(cells[col / by_x]);
        }
    }
    return png_bytes(pixels, width, height);
}

class SvgCanvas : public Canvas {
public:
    void paint(const FillRect& item) override {
        out +=
            "<rect" + box(item.rect, item.radius) + colour_attribute("fill", item.color) + "/>\n";
    }
    void paint(const StrokeRect& item) override {
        out += "<rect" + box(item.rect, item.radius) + " fill=\"none\"" +
               stroke(item.color, item.line_width, Dash::solid) + "/>\n";
    }
    void paint(const Polyline& item) override {
        out += "<polyline points=\"" + points(item.points) + "\" fill=\"none\"" +
               stroke(item.color, item.line_width, item.dash) + " stroke-linejoin=\"round\"/>\n";
    }
    void paint(const Polygon& item) override {
        out += "<polygon points=\"" + points(item.points) + "\"" +
               colour_attribute("fill", item.color) + "/>\n";
    }
    void paint(const Circle& item) override {
        out += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"", num(item.centre.x),
                           num(item.centre.y), num(item.radius));
        out += item.fill.a > 0 ? colour_attribute("fill", item.fill) : " fill=\"none\"";
        if (item.stroke.a > 0) {
            out += stroke(item.stroke, item.line_width, Dash::solid);
        }
        out += "/>\n";
    }
    void paint(const TextRun& item) override {
        const float drop = baseline_drop(item);
        const float x = item.at.x + (item.upwards ? drop : 0);
        const float y = item.at.y + (item.upwards ? 0 : drop);
        out += fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"{}\"", num(x), num(y),
                           num(item.font.size));
        if (css_family(item.font.face) != css_family(Face::text)) {
            out += fmt::format(" font-family=\"{}\"", css_family(item.font.face));
        }
        if (css_weight(item.font.face) != css_weight(Face::text)) {
            out += fmt::format(" font-weight=\"{}\"", css_weight(item.font.face));
        }
        if (item.align != HAlign::left) {
            out +=
                fmt::format(" text-anchor=\"{}\"", item.align == HAlign::centre ? "middle" : "end");
        }
        if (item.upwards) {
            out += fmt::format(" transform=\"rotate(-90 {} {})\"", num(x), num(y));
        }
        out += colour_attribute("fill", item.color) + ">" + xml_escaped(item.text) + "</text>\n";
    }
    void paint(const Image& item) override {
        if (item.width <= 0 || item.height <= 0) {
            return;
        }
        out += "<image" + box(item.rect, 0) +
               " preserveAspectRatio=\"none\" image-rendering=\"optimizeSpeed\""
               " style=\"image-rendering:pixelated\" xlink:href=\"data:image/png;base64," +
               base64(enlarged_png(item)) + "\"/>\n";
    }
    void paint(const PushClip& item) override {
        out += fmt::format(
            "<clipPath id=\"clip{0}\"><rect{1}/></clipPath>\n"
            "<g clip-path=\"url(#clip{0})\">\n",
            clips_, box(item.rect, 0));
        ++clips_;
        ++open_;
    }
    void paint(const PopClip&) override {
        if (open_ > 0) {
            out += "</g>\n";
            --open_;
        }
    }

    std::string finish() {
        while (open_ > 0) {
            paint(PopClip{});
        }
        return std::move(out);
    }

private:
    static std::string box(const Rect& r, float radius) {
        std::string text =
            fmt::format(" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", num(r.x), num(r.y),
                        num(std::max(0.0F, r.width)), num(std::max(0.0F, r.height)));
        return radius > 0 ? text + fmt::format(" rx=\"{}\"", num(radius)) : text;
    }
    static std::string points(const std::vector<Point>& list) {
        std::string text;
        for (const Point& p : list) {
            if (!text.empty()) {
                text += ' ';
            }
            text += num(p.x);
            text += ',';
            text += num(p.y);
        }
        return text;
    }
    static std::string stroke(Color c, float width, Dash dash) {
        std::string text = colour_attribute("stroke", c);
        text += fmt::format(" stroke-width=\"{}\"", num(width));
        if (dash != Dash::solid) {
            const DashPattern p = dash_pattern(dash, width);
            text += fmt::format(" stroke-dasharray=\"{} {}\"", num(p.piece), num(p.gap));
        }
        return text;
    }

    std::string out;
    int clips_ = 0, open_ = 0;
};

}  // namespace

std::string xml_escaped(std::string_view text) {
    std::string escaped;
    for (const char c : clean_text(text)) {
        switch (c) {
            case '&':
                escaped += "&amp;";
                break;
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '"':
                escaped += "&quot;";
                break;
            default:
                escaped += c;
        }
    }
    return escaped;
}

std::string svg_text(const Scene& scene, Color background, const SvgInfo& info) {
    const std::string width = num(scene.size.width), height = num(scene.size.height);
    std::string svg = fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\""
        " width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\""
        " aria-labelledby=\"title description\" xml:space=\"preserve\" font-family=\"{2}\">\n"
        "<title id=\"title\">{3}</title>\n<desc id=\"description\">{4}</desc>\n"
        "<metadata id=\"nibble-scenario\">{5}</metadata>\n",
        width, height, css_family(Face::text), xml_escaped(info.title),
        xml_escaped(info.description), xml_escaped(info.scenario));
    SvgCanvas canvas;
    canvas.paint(FillRect{{0, 0, scene.size.width, scene.size.height}, background});
    paint(scene, canvas);
    return svg + canvas.finish() + "</svg>\n";
}

}  // namespace nibble
