#include "viz/figure/cairo_canvas.hpp"

#include <algorithm>
#include <cairo-ft.h>
#include <cairo-pdf.h>
#include <cairo.h>
#include <cmath>
#include <map>
#include <memory>
#include <numbers>

#include "sim/core/error.hpp"
#include "sim/core/utf8.hpp"
#include "viz/figure/glyphs.hpp"

namespace nibble {
namespace {

template <auto destroy>
struct Destroy {
    template <class T>
    void operator()(T* handle) const {
        destroy(handle);
    }
};
using Surface = std::unique_ptr<cairo_surface_t, Destroy<cairo_surface_destroy>>;
using Context = std::unique_ptr<cairo_t, Destroy<cairo_destroy>>;
using FontFace = std::unique_ptr<cairo_font_face_t, Destroy<cairo_font_face_destroy>>;

void check(cairo_status_t status) {
    if (status != CAIRO_STATUS_SUCCESS) {
        throw Error(Error::Code::io, std::string("cairo: ") + cairo_status_to_string(status));
    }
}

class CairoCanvas : public Canvas {
public:
    explicit CairoCanvas(cairo_t* context) : cr_(context) {
        cairo_set_line_join(cr_, CAIRO_LINE_JOIN_ROUND);
        cairo_font_options_t* const options = cairo_font_options_create();
        cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
        cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
        cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
        cairo_set_font_options(cr_, options);
        cairo_font_options_destroy(options);
    }

    void paint(const FillRect& item) override {
        outline(item.rect, item.radius);
        fill(item.color);
    }
    void paint(const StrokeRect& item) override {
        outline(item.rect, item.radius);
        stroke(item.color, item.line_width, Dash::solid);
    }
    void paint(const Polyline& item) override {
        path(item.points);
        stroke(item.color, item.line_width, item.dash);
    }
    void paint(const Polygon& item) override {
        path(item.points);
        cairo_close_path(cr_);
        fill(item.color);
    }
    void paint(const Circle& item) override {
        cairo_new_path(cr_);
        cairo_arc(cr_, item.centre.x, item.centre.y, item.radius, 0, 2 * std::numbers::pi);
        if (item.fill.a > 0) {
            source(item.fill);
            cairo_fill_preserve(cr_);
        }
        if (item.stroke.a > 0) {
            stroke(item.stroke, item.line_width, Dash::solid);
        }
        cairo_new_path(cr_);
    }
    void paint(const TextRun& item) override {
        const std::string text = clean_text(item.text);
        const std::vector<Glyph> glyphs = glyphs_of(text, item.font.face);
        float width = 0;
        for (const Glyph& g : glyphs) {
            width += g.advance * item.font.size;
        }
        const float back = item.align == HAlign::left     ? 0
                           : item.align == HAlign::centre ? width / 2
                                                          : width;
        cairo_save(cr_);
        cairo_translate(cr_, item.at.x, item.at.y);
        if (item.upwards) {
            cairo_rotate(cr_, -std::numbers::pi / 2);
        }
        cairo_set_font_size(cr_, item.font.size);
        source(item.color);
        show(text, glyphs, {-back, baseline_drop(item)}, item.font.size);
        cairo_restore(cr_);
    }
    void paint(const Image& item) override {
        if (item.width <= 0 || item.height <= 0) {
            return;
        }
        const Surface surface(
            cairo_image_surface_create(CAIRO_FORMAT_RGB24, item.width, item.height));
        check(cairo_surface_status(surface.get()));
        cairo_surface_flush(surface.get());
        const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(surface.get()));
        unsigned char* const data = cairo_image_surface_get_data(surface.get());
        const Color* pixel = item.pixels->data();
        for (int row = 0; row < item.height; ++row) {
            auto* out =
                reinterpret_cast<std::uint32_t*>(data + static_cast<std::size_t>(row) * stride);
            for (int col = 0; col < item.width; ++col, ++pixel) {
                *out++ = std::uint32_t(pixel->r) << 16U | std::uint32_t(pixel->g) << 8U | pixel->b;
            }
        }
        cairo_surface_mark_dirty(surface.get());
        cairo_save(cr_);
        outline(item.rect, 0);
        cairo_clip(cr_);
        cairo_translate(cr_, item.rect.x, item.rect.y);
        cairo_scale(cr_, item.rect.width / static_cast<float>(item.width),
                    item.rect.height / static_cast<float>(item.height));
        cairo_set_source_surface(cr_, surface.get(), 0, 0);
        cairo_pattern_set_filter(cairo_get_source(cr_), CAIRO_FILTER_NEAREST);
        cairo_paint(cr_);
        cairo_restore(cr_);
    }
    void paint(const PushClip& item) override {
        cairo_save(cr_);
        outline(item.rect, 0);
        cairo_clip(cr_);
    }
    void paint(const PopClip&) override { cairo_restore(cr_); }

private:
    void source(Color c) {
        cairo_set_source_rgba(cr_, c.r / 255.0, c.g / 255.0, c.b / 255.0, c.a / 255.0);
    }
    void fill(Color c) {
        source(c);
        cairo_fill(cr_);
    }
    void stroke(Color c, float width, Dash dash) {
        source(c);
        cairo_set_line_width(cr_, width);
        if (dash == Dash::solid) {
            cairo_set_dash(cr_, nullptr, 0, 0);
        } else {
            const DashPattern p = dash_pattern(dash, width);
            const double pattern[] = {p.piece, p.gap};
            cairo_set_dash(cr_, pattern, 2, 0);
        }
        cairo_stroke(cr_);
    }
    void path(const std::vector<Point>& points) {
        cairo_new_path(cr_);
        for (const Point& p : points) {
            cairo_line_to(cr_, p.x, p.y);
        }
    }
    void outline(const Rect& r, float radius) {
        cairo_new_path(cr_);
        if (radius <= 0) {
            cairo_rectangle(cr_, r.x, r.y, r.width, r.height);
            return;
        }
        constexpr double quarter = std::numbers::pi / 2;
        cairo_arc(cr_, r.right() - radius, r.y + radius, radius, -quarter, 0);
        cairo_arc(cr_, r.right() - radius, r.bottom() - radius, radius, 0, quarter);
        cairo_arc(cr_, r.x + radius, r.bottom() - radius, radius, quarter, 2 * quarter);
        cairo_arc(cr_, r.x + radius, r.y + radius, radius, 2 * quarter, 3 * quarter);
        cairo_close_path(cr_);
    }

    cairo_font_face_t* face_of(std::uint32_t font) {
        FontFace& face = faces_[font];
        if (!face) {
            const FontFile file = glyph_font(font);
            FcPattern* const pattern = FcPatternCreate();
            FcPatternAddString(pattern, FC_FILE,
                               reinterpret_cast<const FcChar8*>(file.path.c_str()));
            FcPatternAddInteger(pattern, FC_INDEX, file.index);
            face.reset(cairo_ft_font_face_create_for_pattern(pattern));
            FcPatternDestroy(pattern);
        }
        return face.get();
    }

    /// Runs of one font each. Every glyph is told which bytes it stands for: PDF text stays text.
    void show(const std::string& text, const std::vector<Glyph>& glyphs, Point at, float size) {
        std::size_t byte = 0;
        for (std::size_t i = 0; i < glyphs.size();) {
            std::vector<cairo_glyph_t> run;
            std::vector<cairo_text_cluster_t> clusters;
            const std::uint32_t font = glyphs[i].font;
            const std::size_t from = byte;
            for (; i < glyphs.size() && glyphs[i].font == font; ++i) {
                run.push_back({glyphs[i].glyph, at.x, at.y});
                clusters.push_back({static_cast<int>(glyphs[i].bytes), 1});
                at.x += glyphs[i].advance * size;
                byte += glyphs[i].bytes;
            }
            cairo_set_font_face(cr_, face_of(font));
            cairo_show_text_glyphs(cr_, text.data() + from, static_cast<int>(byte - from),
                                   run.data(), static_cast<int>(run.size()), clusters.data(),
                                   static_cast<int>(clusters.size()),
                                   static_cast<cairo_text_cluster_flags_t>(0));
        }
    }

    cairo_t* cr_;
    std::map<std::uint32_t, FontFace> faces_;
};

void paint_all(cairo_t* context, const Scene& scene, Color background) {
    cairo_set_source_rgb(context, background.r / 255.0, background.g / 255.0, background.b / 255.0);
    cairo_paint(context);
    CairoCanvas canvas(context);
    paint(scene, canvas);
    check(cairo_status(context));
}

cairo_status_t append(void* to, const unsigned char* bytes, unsigned int count) {
    static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(bytes), count);
    return CAIRO_STATUS_SUCCESS;
}

}  // namespace

std::string pdf_bytes(const Scene& scene, Color background, const PdfInfo& info) {
    return pdf_bytes(std::vector<Scene>{scene}, background, info);
}

std::string pdf_bytes(const std::vector<Scene>& pages, Color background, const PdfInfo& info) {
    NIBBLE_ASSERT(!pages.empty(), "a PDF has a page");
    std::string bytes;
    const Size first = pages[0].size;
    const Surface surface(
        cairo_pdf_surface_create_for_stream(append, &bytes, first.width, first.height));
    check(cairo_surface_status(surface.get()));
    // 1.4 has no compressed object streams: the keywords stay readable in the file.
    cairo_pdf_surface_restrict_to_version(surface.get(), CAIRO_PDF_VERSION_1_4);
    const auto set = [&](cairo_pdf_metadata_t key, const std::string& value) {
        cairo_pdf_surface_set_metadata(surface.get(), key, clean_text(value).c_str());
    };
    set(CAIRO_PDF_METADATA_TITLE, info.title);
    set(CAIRO_PDF_METADATA_SUBJECT, info.subject);
    set(CAIRO_PDF_METADATA_KEYWORDS, info.keywords);
    set(CAIRO_PDF_METADATA_CREATOR, "Nibble");
    const Context context(cairo_create(surface.get()));
    for (const Scene& page : pages) {
        cairo_pdf_surface_set_size(surface.get(), page.size.width, page.size.height);
        paint_all(context.get(), page, background);
        cairo_show_page(context.get());
    }
    cairo_surface_finish(surface.get());
    check(cairo_surface_status(surface.get()));
    return bytes;
}

Raster raster_of(const Scene& scene, Color background, float scale) {
    Raster raster;
    raster.width = std::max(1, static_cast<int>(std::lround(scene.size.width * scale)));
    raster.height = std::max(1, static_cast<int>(std::lround(scene.size.height * scale)));
    const Surface surface(
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, raster.width, raster.height));
    check(cairo_surface_status(surface.get()));
    const Context context(cairo_create(surface.get()));
    cairo_scale(context.get(), scale, scale);
    paint_all(context.get(), scene, background);
    cairo_surface_flush(surface.get());
    const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(surface.get()));
    const unsigned char* const data = cairo_image_surface_get_data(surface.get());
    raster.pixels.reserve(static_cast<std::size_t>(raster.width) *
                          static_cast<std::size_t>(raster.height));
    for (int row = 0; row < raster.height; ++row) {
        const auto* pixel =
            reinterpret_cast<const std::uint32_t*>(data + static_cast<std::size_t>(row) * stride);
        for (int col = 0; col < raster.width; ++col, ++pixel) {
            raster.pixels.push_back({static_cast<std::uint8_t>(*pixel >> 16U),
                                     static_cast<std::uint8_t>(*pixel >> 8U),
                                     static_cast<std::uint8_t>(*pixel), 255});
        }
    }
    return raster;
}

}  // namespace nibble
