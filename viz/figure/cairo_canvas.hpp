// Pictures through Cairo: PDF with selectable text, and pixels. The only file that sees Cairo is
// cairo_canvas.cpp.
#pragma once

#include <string>
#include <vector>

#include "viz/figure/scene.hpp"

namespace nibble {

struct PdfInfo {
    std::string title, subject;
    std::string keywords;  // ASCII: readable by a plain scan of the file
};

/// A one-page PDF 1.4, one point a unit. Throws Error::io when Cairo fails.
std::string pdf_bytes(const Scene& scene, Color background, const PdfInfo& info);

/// A page for each scene, each in its own size.
std::string pdf_bytes(const std::vector<Scene>& pages, Color background, const PdfInfo& info);

struct Raster {
    int width = 0, height = 0;
    std::vector<Color> pixels;  // (row, column), opaque
};

/// scene.size * scale pixels, rounded. Throws Error::io when Cairo fails.
Raster raster_of(const Scene& scene, Color background, float scale);

}  // namespace nibble
