// PNG in memory: pixels to bytes with a text chunk, and the text chunk of bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viz/figure/scene.hpp"

namespace nibble {

struct PngText {
    std::string key, text;  // Latin-1; the key at most 79 characters
};

/// RGBA when a pixel is not opaque, RGB otherwise. `dots_per_point` goes into the pHYs chunk.
/// Throws BrokenInvariant when the sizes do not match, Error::io when libpng refuses.
std::string png_bytes(const std::vector<Color>& pixels, int width, int height,
                      const std::vector<PngText>& texts = {}, double dots_per_point = 1);

/// The text under `key` among the chunks before the image data; nothing when it is not there.
/// Throws Error::bad_file for bytes that are not a PNG. Reads no pixels.
std::optional<std::string> png_text(std::string_view bytes, std::string_view key);

}  // namespace nibble
