// NumPy's .npy, versions 1.0 to 3.0: a magic, the length of a header, the header (a Python
// dictionary written out), one array.
// Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
// Left out, refused by name: big-endian, complex, structured, text, date and Python object arrays.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <utility>

#include "sim/tensor/parse.hpp"

namespace nibble {
namespace {

/// NumPy's own limit on axes.
constexpr std::size_t most_npy_axes = 64;

struct Header {
    std::string descr;
    bool fortran_order = false;
    std::vector<std::int64_t> shape;
};

/// Reads the dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, and no other
/// Python. The keys may come in any order, each once.
class HeaderReader {
public:
    HeaderReader(std::string_view text, std::size_t start, const std::filesystem::path& path)
        : text_(text), start_(start), path_(path) {}

    Header read() {
        Header header;
        std::array<bool, keys.size()> seen = {};
        expect('{', "the dictionary");
        while (!accept('}')) {
            const std::string key = string("a key");
            const auto which = std::find(keys.begin(), keys.end(), key) - keys.begin();
            if (which == std::ssize(keys)) {
                fail("unknown key " + in_quotes(key));
            }
            if (std::exchange(seen.at(static_cast<std::size_t>(which)), true)) {
                fail("key " + in_quotes(key) + " appears twice");
            }
            expect(':', key);
            if (key == "descr") {
                header.descr = descr();
            } else if (key == "fortran_order") {
                header.fortran_order = boolean(key);
            } else {
                header.shape = shape();
            }
            if (!accept(',')) {
                expect('}', "the dictionary's end");
                break;
            }
        }
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (!seen.at(i)) {
                fail(fmt::format("key \"{}\" is missing", keys.at(i)));
            }
        }
        skip_space();
        if (at_ != text_.size()) {
            fail("something follows the dictionary");
        }
        return header;
    }

private:
    static constexpr std::array<std::string_view, 3> keys = {"descr", "fortran_order", "shape"};

    [[noreturn]] void fail(const std::string& problem) const {
        throw bad_file(path_, fmt::format("npy header, byte {}: {}", start_ + at_, problem));
    }
    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' ||
                                      text_[at_] == '\t' || text_[at_] == '\r')) {
            ++at_;
        }
    }
    bool accept(char wanted) {
        skip_space();
        if (at_ < text_.size() && text_[at_] == wanted) {
            ++at_;
            return true;
        }
        return false;
    }
    void expect(char wanted, std::string_view field) {
        if (!accept(wanted)) {
            fail(fmt::format("'{}' expected ({})", wanted, field));
        }
    }
    std::string string(std::string_view field) {
        skip_space();
        const char quote = at_ < text_.size() ? text_[at_] : '\0';
        if (quote != '\'' && quote != '"') {
            fail(fmt::format("{}: a quoted string expected", field));
        }
        const std::size_t end = text_.find(quote, at_ + 1);
        if (end == std::string_view::npos) {
            fail(fmt::format("{}: the string has no end", field));
        }
        std::string value(text_.substr(at_ + 1, end - at_ - 1));
        at_ = end + 1;
        return value;
    }
    std::string descr() {
        if (accept('[')) {
            throw Error(Error::Code::unsupported,
                        path_.string() + ": npy descr: structured arrays are not read",
                        "save each field on its own: numpy.save(\"x.npy\", array[\"x\"])");
        }
        return string("descr");
    }
    bool boolean(std::string_view field) {
        skip_space();
        for (const auto& [word, value] : {std::pair("True", true), std::pair("False", false)}) {
            if (text_.substr(at_).starts_with(word)) {
                at_ += std::strlen(word);
                return value;
            }
        }
        fail(fmt::format("{}: True or False expected", field));
    }
    std::vector<std::int64_t> shape() {
        std::vector<std::int64_t> axes;
        expect('(', "shape");
        while (!accept(')')) {
            skip_space();
            std::int64_t axis = 0;
            const char* const from = text_.data() + at_;
            const auto [end, failure] = std::from_chars(from, text_.data() + text_.size(), axis);
            if (failure == std::errc::result_out_of_range) {
                fail("shape: an axis exceeds 2^63 - 1");
            }
            if (failure != std::errc() || axis < 0) {
                fail("shape: a whole number from 0 up expected");
            }
            at_ += static_cast<std::size_t>(end - from);
            axes.push_back(axis);
            if (axes.size() > most_npy_axes) {
                fail(fmt::format("shape: more than {} axes", most_npy_axes));
            }
            const bool comma = accept(',');
            if (!comma && axes.size() == 1) {
                fail("shape: ',' expected after the only axis");
            }
            if (!comma) {
                expect(')', "shape");
                break;
            }
        }
        return axes;
    }

    std::string_view text_;
    std::size_t start_;  // of the text in the file
    std::size_t at_ = 0;
    const std::filesystem::path& path_;
};

/// NumPy's type strings: byte order, kind, bytes.
DType dtype_of(const std::string& descr, const std::filesystem::path& path) {
    static constexpr std::array<std::pair<std::string_view, DType>, 12> known = {{
        {"f8", DType::f64},
        {"f4", DType::f32},
        {"f2", DType::f16},
        {"i1", DType::i8},
        {"u1", DType::u8},
        {"b1", DType::boolean},
        {"i2", DType::i16},
        {"u2", DType::u16},
        {"i4", DType::i32},
        {"u4", DType::u32},
        {"i8", DType::i64},
        {"u8", DType::u64},
    }};
    const auto refuse = [&](const std::string& what, const std::string& hint) {
        return Error(Error::Code::unsupported,
                     fmt::format("{}: npy descr {}: {}", path.string(), in_quotes(descr), what),
                     hint);
    };
    const char order = descr.empty() ? '\0' : descr.front();
    const std::string_view type = std::string_view(descr).substr(descr.empty() ? 0 : 1);
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const auto& row) { return row.first == type; });
    if (found != known.end() && (order == '<' || order == '|' || order == '=')) {
        return found->second;
    }
    if (order == '>') {
        return found != known.end() && block_size(found->second).bytes == 1
                   ? found->second
                   : throw refuse("big-endian arrays are not read",
                                  "array.astype(array.dtype.newbyteorder('<'))");
    }
    const char kind = type.empty() ? '\0' : type.front();
    if (kind == 'O') {
        throw refuse("Python object arrays are not read", "array.astype(numpy.float32)");
    }
    for (const auto& [letter, word] : {std::pair('c', "complex"),
                                       {'S', "byte string"},
                                       {'U', "text"},
                                       {'V', "raw or structured"},
                                       {'M', "date"},
                                       {'m', "time difference"}}) {
        if (kind == letter) {
            throw refuse(fmt::format("{} arrays are not read", word),
                         "array.astype(numpy.float32), where that makes sense");
        }
    }
    throw bad_file(path, fmt::format("npy descr {} is no type known", in_quotes(descr)),
                   "array.astype(numpy.float32)");
}

struct Framing {
    int major = 0, minor = 0;
    std::size_t header_start = 0, header_bytes = 0;
};

Framing framing_of(std::span<const std::byte> file, const std::filesystem::path& path) {
    if (file.size() < 8) {
        throw bad_file(path, fmt::format("npy version: the file ends at byte {}", file.size()));
    }
    Framing f{std::to_integer<int>(file[6]), std::to_integer<int>(file[7])};
    if (f.major < 1 || f.major > 3 || f.minor != 0) {
        throw bad_file(path,
                       fmt::format("npy version {}.{} (byte 6) is not known; 1.0, 2.0 and 3.0 are",
                                   f.major, f.minor));
    }
    f.header_start = f.major == 1 ? 10 : 12;
    if (file.size() < f.header_start) {
        throw bad_file(path,
                       fmt::format("npy header length: the file ends at byte {}", file.size()));
    }
    std::uint32_t length = 0;
    std::memcpy(&length, file.data() + 8, f.header_start - 8);
    f.header_bytes = length;
    if (f.header_bytes > file.size() - f.header_start) {
        throw bad_file(path, fmt::format("npy header length {} (byte 8) reaches beyond the end of "
                                         "the file at byte {}",
                                         f.header_bytes, file.size()));
    }
    return f;
}

}  // namespace

ParsedFile parse_npy(std::span<const std::byte> file, const std::filesystem::path& path) {
    const Framing f = framing_of(file, path);
    const std::string_view text = as_text(file.subspan(f.header_start, f.header_bytes));
    const Header header = HeaderReader(text, f.header_start, path).read();

    TensorInfo tensor;
    tensor.name = path.stem().string();
    tensor.dtype = dtype_of(header.descr, path);
    tensor.type_name = header.descr;
    tensor.shape = header.shape;
    tensor.fortran_order = header.fortran_order && header.shape.size() > 1;
    tensor.offset = f.header_start + f.header_bytes;
    const auto elements = checked_elements(header.shape);
    const auto bytes =
        elements ? checked_bytes(*elements, block_size(tensor.dtype).bytes * 8ull) : std::nullopt;
    if (!bytes) {
        throw bad_file(path, "npy shape " + shape_text(header.shape) + " exceeds 2^63 - 1 bits");
    }
    tensor.bytes = *bytes;
    const std::uint64_t there = file.size() - tensor.offset;
    if (there != tensor.bytes) {
        throw bad_file(
            path,
            fmt::format("npy shape {} of {} takes {} bytes from byte {}, and {} are there",
                        shape_text(header.shape), in_quotes(header.descr), tensor.bytes,
                        tensor.offset, there),
            there > tensor.bytes ? "one array a file" : "the file is cut short");
    }
    ParsedFile parsed;
    parsed.format = fmt::format("npy {}.{}", f.major, f.minor);
    parsed.metadata = {{"descr", printable(header.descr)},
                       {"fortran_order", header.fortran_order ? "True" : "False"}};
    parsed.tensors.push_back(std::move(tensor));
    return parsed;
}

}  // namespace nibble
