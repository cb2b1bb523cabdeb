#include "viz/figure/png_file.hpp"

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <png.h>

#include "sim/core/error.hpp"

namespace nibble {
namespace {

constexpr std::size_t most_text = 4U << 20U;  // bytes of one chunk that we are willing to hold

/// libpng reports errors by longjmp: nothing with a destructor may live between the jump and its
/// landing, so the message is kept here.
struct Failure {
    char message[128] = {};
};

[[noreturn]] void fail(png_structp png, png_const_charp message) {
    auto* const failure = static_cast<Failure*>(png_get_error_ptr(png));
    std::strncpy(failure->message, message, sizeof failure->message - 1);
    png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

struct Source {
    std::string_view bytes;
    std::size_t at = 0;
};

void read_bytes(png_structp png, png_bytep to, std::size_t count) {
    auto* const source = static_cast<Source*>(png_get_io_ptr(png));
    if (count > source->bytes.size() - source->at) {
        png_error(png, "the file ends too early");
    }
    std::memcpy(to, source->bytes.data() + source->at, count);
    source->at += count;
}

void append_bytes(png_structp png, png_bytep from, std::size_t count) {
    static_cast<std::string*>(png_get_io_ptr(png))
        ->append(reinterpret_cast<const char*>(from), count);
}

struct Sheet {
    const std::vector<png_byte>* bytes;
    int width, height, channels;
    double dots_per_point;
};

/// False after an error. Only plain pointers live here: see Failure.
bool write_sheet(png_structp png, png_infop info, const Sheet& sheet, png_textp texts, int count) {
    if (setjmp(png_jmpbuf(png)) != 0) {
        return false;
    }
    png_set_IHDR(png, info, static_cast<png_uint_32>(sheet.width),
                 static_cast<png_uint_32>(sheet.height), 8,
                 sheet.channels == 4 ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    const auto per_metre = static_cast<png_uint_32>(sheet.dots_per_point * 72 / 0.0254 + 0.5);
    png_set_pHYs(png, info, per_metre, per_metre, PNG_RESOLUTION_METER);
    if (count > 0) {
        png_set_text(png, info, texts, count);
    }
    png_write_info(png, info);
    const std::size_t stride =
        static_cast<std::size_t>(sheet.width) * static_cast<std::size_t>(sheet.channels);
    for (int row = 0; row < sheet.height; ++row) {
        png_write_row(png, sheet.bytes->data() + static_cast<std::size_t>(row) * stride);
    }
    png_write_end(png, info);
    return true;
}

bool read_header(png_structp png, png_infop info) {
    if (setjmp(png_jmpbuf(png)) != 0) {
        return false;
    }
    png_read_info(png, info);
    return true;
}

}  // namespace

std::string png_bytes(const std::vector<Color>& pixels, int width, int height,
                      const std::vector<PngText>& texts, double dots_per_point) {
    NIBBLE_ASSERT(
        width > 0 && height > 0 &&
            pixels.size() == static_cast<std::size_t>(width) * static_cast<std::size_t>(height),
        "one colour a pixel");
    const bool opaque =
        std::all_of(pixels.begin(), pixels.end(), [](const Color& c) { return c.a == 255; });
    std::vector<png_byte> bytes;  // (row, column, channel)
    bytes.reserve(pixels.size() * (opaque ? 3 : 4));
    for (const Color& c : pixels) {
        bytes.insert(bytes.end(), {c.r, c.g, c.b});
        if (!opaque) {
            bytes.push_back(c.a);
        }
    }
    std::vector<PngText> owned = texts;  // libpng wants them writable
    std::vector<png_text_struct> chunks;
    for (PngText& t : owned) {
        png_text_struct chunk = {};
        chunk.compression = PNG_TEXT_COMPRESSION_NONE;
        chunk.key = t.key.data();
        chunk.text = t.text.data();
        chunk.text_length = t.text.size();
        chunks.push_back(chunk);
    }
    Failure failure;
    std::string written;
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure, fail, ignore_warning);
    png_infop info = png ? png_create_info_struct(png) : nullptr;
    bool done = false;
    if (info) {
        png_set_write_fn(png, &written, append_bytes, nullptr);
        const Sheet sheet = {&bytes, width, height, opaque ? 3 : 4, dots_per_point};
        done = write_sheet(png, info, sheet, chunks.data(), static_cast<int>(chunks.size()));
    }
    png_destroy_write_struct(&png, &info);
    if (!done) {
        throw Error(Error::Code::io, std::string("libpng: ") + failure.message);
    }
    return written;
}

std::optional<std::string> png_text(std::string_view bytes, std::string_view key) {
    Failure failure;
    Source source = {bytes};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure, fail, ignore_warning);
    png_infop info = png ? png_create_info_struct(png) : nullptr;
    bool done = false;
    std::optional<std::string> found;
    if (info) {
        png_set_read_fn(png, &source, read_bytes);
        png_set_chunk_malloc_max(png, most_text);  // against chunks that inflate without end
        png_set_chunk_cache_max(png, 256);
        done = read_header(png, info);
        png_textp texts = nullptr;
        int count = 0;
        if (done) {
            png_get_text(png, info, &texts, &count);
        }
        for (int k = 0; k < count && !found; ++k) {
            if (key == texts[k].key) {
                found = std::string(texts[k].text);
            }
        }
    }
    png_destroy_read_struct(&png, &info, nullptr);
    if (!done) {
        throw Error(Error::Code::bad_file, std::string("not a whole PNG: ") + failure.message);
    }
    return found;
}

}  // namespace nibble
