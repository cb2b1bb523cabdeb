// Not a test but a look: `nibble_tests "[.gallery]"` draws every sample in every theme into
// ./gallery (or $NIBBLE_GALLERY).
#include <cstdlib>
#include <filesystem>

#include "sim/core/text.hpp"
#include "viz/figure/cairo_canvas.hpp"
#include "viz/figure/files.hpp"
#include "viz/figure/glyphs.hpp"
#include "viz/figure/layout.hpp"
#include "viz/figure/png_file.hpp"
#include "viz/figure/svg_canvas.hpp"

#include "tests/catch.hpp"
#include "tests/figure/samples.hpp"

namespace nibble::gallery_test {

namespace {

void draw_all(const std::string& stem, const Outcome& outcome, Size size, float scale = 1) {
    const char* const wanted = std::getenv("NIBBLE_GALLERY");
    const std::filesystem::path folder = wanted ? wanted : "gallery";
    std::filesystem::create_directories(folder);
    for (const char* name : {"dark", "light", "print"}) {
        const Theme theme = make_theme(theme_kind(name), scale);
        LayoutOptions options;
        options.footer = true;
        options.footer_text = "Quantizer  ·  nibble run quantizer --bits 3  ·  Nibble 0.1.0";
        options.handles = theme.kind != ThemeKind::print;
        const Scene scene = layout(outcome, size, theme, FontMeasure(), options);
        const Raster r = raster_of(scene, theme.background, 1);
        const auto path = folder / (stem + "-" + name);
        write_whole_file(path.string() + ".png", png_bytes(r.pixels, r.width, r.height));
        write_whole_file(path.string() + ".svg",
                         svg_text(scene, theme.background, {outcome.finding, "", "{}"}));
        write_whole_file(path.string() + ".pdf",
                         pdf_bytes(scene, theme.background, {outcome.finding, "", "k"}));
    }
}

}  // namespace

TEST_CASE("gallery of every mark", "[.gallery]") {
    Outcome sheet;
    int sheets = 0;
    FigureRow row;
    for (const auto& sample : samples::all_marks()) {
        row.figures.push_back(sample.figure);
        if (row.figures.size() == 2) {
            sheet.rows.push_back(row);
            row.figures.clear();
        }
        if (sheet.rows.size() == 2) {
            draw_all("sheet" + std::to_string(sheets++), sheet, {1000, 700});
            sheet.rows.clear();
        }
    }
    draw_all("quantizer", samples::quantizer_panel(), {764, 720});
    draw_all("fragmentation", samples::fragmentation_panel(), {764, 676});
    draw_all("projector", samples::quantizer_panel(), {1280, 1000}, 1.75F);
    draw_all("tiny", samples::quantizer_panel(), {320, 240});
}

}  // namespace nibble::gallery_test
