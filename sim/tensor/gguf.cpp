// GGUF: magic, version, two counts, typed key-value pairs, tensor descriptions, padding, data.
// Every length is compared with the bytes that are left before anything of that length is made.
//
// Left out, refused by name: version 1, big-endian files, arrays of arrays.
#include "sim/tensor/gguf.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <tuple>
#include <type_traits>
#include <unordered_set>

#include "sim/core/utf8.hpp"
#include "sim/tensor/convert.hpp"
#include "sim/tensor/parse.hpp"

namespace nibble {
namespace {

constexpr std::size_t most_gguf_axes = 4;  // of a ggml tensor
constexpr std::string_view alignment_key = "general.alignment";

/// A cursor that refuses to leave the file. `field` is what messages call the thing being read.
class Reader {
public:
    Reader(std::span<const std::byte> file, const std::filesystem::path& path)
        : file_(file), path_(path) {}

    std::uint64_t at() const { return at_; }

    [[noreturn]] void fail(std::string_view field, std::uint64_t at, const std::string& problem,
                           const std::string& hint = {}) const {
        throw bad_file(path_, fmt::format("GGUF {} (byte {}): {}", field, at, problem), hint);
    }

    template <class T>
    T number(std::string_view field) {
        need(sizeof(T), field);
        T value;
        std::memcpy(&value, file_.data() + at_, sizeof(T));
        at_ += sizeof(T);
        return value;
    }

    bool boolean(std::string_view field) {
        const auto value = number<std::uint8_t>(field);
        if (value > 1) {
            fail(field, at_ - 1, fmt::format("a bool is 0 or 1, not {}", value));
        }
        return value == 1;
    }

    std::string_view text(std::string_view field) {
        const auto length = number<std::uint64_t>(field);
        if (length > left()) {
            fail(field, at_ - 8,
                 fmt::format("a string of {} bytes reaches beyond the end of the file at byte {}",
                             length, file_.size()));
        }
        const std::string_view value = as_text(file_.subspan(at_, length));
        at_ += length;
        return value;
    }

    std::string_view utf8(std::string_view field) {
        const std::uint64_t start = at_;
        const std::string_view value = text(field);
        if (!is_utf8(value)) {
            fail(field, start, in_quotes(value) + " is not UTF-8");
        }
        return value;
    }

    /// A count of things that take at least `least_bytes` each.
    std::uint64_t count(std::string_view field, std::uint64_t least_bytes) {
        const auto value = number<std::uint64_t>(field);
        if (value > left() / least_bytes) {
            fail(field, at_ - 8,
                 fmt::format("{} need at least {} bytes each, and the file ends at byte {}", value,
                             least_bytes, file_.size()));
        }
        return value;
    }

private:
    std::uint64_t left() const { return file_.size() - at_; }
    void need(std::uint64_t bytes, std::string_view field) const {
        if (left() < bytes) {
            fail(field, at_, fmt::format("the file ends at byte {}", file_.size()));
        }
    }

    std::span<const std::byte> file_;
    const std::filesystem::path& path_;
    std::uint64_t at_ = 0;
};

/// Calls visit(std::type_identity<T>) with the C++ type of the format's type number.
template <class Visit>
auto with_type(const Reader& reader, std::uint32_t type, std::string_view field,
               const Visit& visit) {
    switch (type) {
        case 0:
            return visit(std::type_identity<std::uint8_t>());
        case 1:
            return visit(std::type_identity<std::int8_t>());
        case 2:
            return visit(std::type_identity<std::uint16_t>());
        case 3:
            return visit(std::type_identity<std::int16_t>());
        case 4:
            return visit(std::type_identity<std::uint32_t>());
        case 5:
            return visit(std::type_identity<std::int32_t>());
        case 6:
            return visit(std::type_identity<float>());
        case 7:
            return visit(std::type_identity<bool>());
        case 8:
            return visit(std::type_identity<std::string>());
        case 9:
            return visit(std::type_identity<GgufArray>());
        case 10:
            return visit(std::type_identity<std::uint64_t>());
        case 11:
            return visit(std::type_identity<std::int64_t>());
        case 12:
            return visit(std::type_identity<double>());
        default:
            reader.fail(field, reader.at() - 4, fmt::format("value type {} is not known", type));
    }
}

template <class T>
T read_scalar(Reader& reader, std::string_view field) {
    if constexpr (std::is_same_v<T, bool>) {
        return reader.boolean(field);
    } else if constexpr (std::is_same_v<T, std::string>) {
        return std::string(reader.text(field));
    } else {
        return reader.number<T>(field);
    }
}

GgufArray read_array(Reader& reader, std::string_view field) {
    const auto type = reader.number<std::uint32_t>(field);
    return with_type(reader, type, field, [&]<class T>(std::type_identity<T>) -> GgufArray {
        if constexpr (std::is_same_v<T, GgufArray>) {
            reader.fail(field, reader.at() - 4, "arrays of arrays are not read");
        } else {
            constexpr bool strings = std::is_same_v<T, std::string>;
            const std::uint64_t count = reader.count(field, strings ? 8 : sizeof(T));
            std::vector<T> values;
            if (!strings) {  // a string takes more memory than the 8 bytes that vouch for it
                values.reserve(count);
            }
            for (std::uint64_t i = 0; i < count; ++i) {
                values.push_back(read_scalar<T>(reader, field));
            }
            return values;
        }
    });
}

GgufValue read_value(Reader& reader, std::string_view field) {
    const auto type = reader.number<std::uint32_t>(field);
    return with_type(reader, type, field, [&]<class T>(std::type_identity<T>) -> GgufValue {
        if constexpr (std::is_same_v<T, GgufArray>) {
            return read_array(reader, field);
        } else {
            return read_scalar<T>(reader, field);
        }
    });
}

struct Counts {
    std::uint32_t version;
    std::uint64_t tensors, entries;
};

Counts read_counts(Reader& reader) {
    constexpr std::uint32_t magic = 0x46554747;  // "GGUF"
    if (reader.number<std::uint32_t>("magic") != magic) {
        reader.fail("magic", 0, "the file does not begin with \"GGUF\"");
    }
    Counts counts = {};
    counts.version = reader.number<std::uint32_t>("version");
    if (counts.version > 0 && (counts.version & 0xffffu) == 0) {
        reader.fail("version", 4, "a big-endian file",
                    "convert it: gguf_convert_endian.py FILE little");
    }
    if (counts.version != 2 && counts.version != 3) {
        reader.fail("version", 4, fmt::format("{} is not read; 2 and 3 are", counts.version));
    }
    // A tensor has at least a name's length, a count of axes, a type and an offset; a pair at
    // least a key's length, a type and a byte.
    counts.tensors = reader.count("tensor count", 8 + 4 + 4 + 8);
    if (counts.tensors == 0) {
        reader.fail("tensor count", 8, "the file holds no tensors");
    }
    counts.entries = reader.count("metadata count", 8 + 4 + 1);
    return counts;
}

GgufMetadata read_metadata(Reader& reader, const Counts& counts) {
    GgufMetadata metadata;
    metadata.version = counts.version;
    std::unordered_set<std::string_view> keys;
    for (std::uint64_t i = 0; i < counts.entries; ++i) {
        const std::uint64_t start = reader.at();
        const std::string_view key = reader.utf8(fmt::format("key of metadata pair {}", i));
        const std::string field = "metadata " + in_quotes(key);
        if (!keys.insert(key).second) {
            reader.fail(field, start, "the key appears twice");
        }
        metadata.entries.emplace_back(key, read_value(reader, field));
        if (key == alignment_key) {
            const auto* alignment = std::get_if<std::uint32_t>(&metadata.entries.back().second);
            if (alignment == nullptr || !std::has_single_bit(*alignment)) {
                reader.fail(field, start,
                            to_text(metadata.entries.back().second) +
                                " is no alignment: a uint32 that is a power of two");
            }
            metadata.alignment = *alignment;
        }
    }
    return metadata;
}

/// A tensor's description; its offset still counts from the start of the data.
TensorInfo read_tensor(Reader& reader, std::uint64_t index, std::uint64_t alignment) {
    TensorInfo tensor;
    const std::uint64_t start = reader.at();
    tensor.name = reader.utf8(fmt::format("name of tensor {}", index));
    const std::string field = "tensor " + in_quotes(tensor.name) + " ";

    const auto axes = reader.number<std::uint32_t>(field + "dimensions");
    if (axes > most_gguf_axes) {
        reader.fail(field + "dimensions", reader.at() - 4,
                    fmt::format("{} of them, and ggml's tensors have at most {}", axes, most_gguf_axes));
    }
    for (std::uint32_t i = 0; i < axes; ++i) {
        const auto length = reader.number<std::int64_t>(field + "dimensions");
        if (length <= 0) {
            reader.fail(field + "dimensions", reader.at() - 8,
                        fmt::format("dimension {} is {}", i, length));
        }
        tensor.shape.insert(tensor.shape.begin(), length);
    }

    const auto number = reader.number<std::uint32_t>(field + "type");
    const auto* const type = std::find_if(
        stored_types.begin(), stored_types.end(),
        [&](const StoredType& row) { return row.ggml_type == static_cast<std::int64_t>(number); });
    if (type == stored_types.end()) {
        reader.fail(field + "type", reader.at() - 4,
                    fmt::format("{} is no ggml type known", number));
    }
    tensor.type_name = type->name;
    tensor.dtype = is_read(type->dtype) ? type->dtype : DType::other;
    const std::int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
    if (row % type->size.elements != 0) {
        reader.fail(field + "dimensions", start,
                    fmt::format("rows of {} are no whole blocks of {}, which {} takes", row,
                                type->size.elements, type->name));
    }
    const auto elements = checked_elements(tensor.shape);
    const auto bytes = elements
                           ? checked_bytes(*elements / type->size.elements, type->size.bytes * 8ull)
                           : std::nullopt;
    if (!bytes) {
        reader.fail(field + "dimensions", start,
                    shape_text(tensor.shape) + " exceeds 2^63 - 1 bits");
    }
    tensor.bytes = *bytes;

    tensor.offset = reader.number<std::uint64_t>(field + "offset");
    if (tensor.offset % alignment != 0) {
        reader.fail(field + "offset", reader.at() - 8,
                    fmt::format("{} is no multiple of the alignment {}", tensor.offset, alignment));
    }
    return tensor;
}

/// Turns offsets into positions in the file; refuses data beyond its end and shared bytes.
void place(std::vector<TensorInfo>& tensors, std::uint64_t data_start, std::uint64_t file_bytes,
           const std::filesystem::path& path) {
    const auto fail = [&](const TensorInfo& tensor, const std::string& problem) {
        throw bad_file(path,
                       fmt::format("GGUF tensor {} offset: {}", in_quotes(tensor.name), problem));
    };
    for (TensorInfo& tensor : tensors) {
        const std::uint64_t there = file_bytes > data_start ? file_bytes - data_start : 0;
        if (tensor.offset > there || tensor.bytes > there - tensor.offset) {
            fail(tensor, fmt::format("{} and {} bytes from there reach beyond the {} bytes of data",
                                     tensor.offset, tensor.bytes, there));
        }
        tensor.offset += data_start;
    }
    std::stable_sort(tensors.begin(), tensors.end(),
                     [](const TensorInfo& a, const TensorInfo& b) { return a.offset < b.offset; });
    for (std::size_t i = 1; i < tensors.size(); ++i) {
        const TensorInfo& before = tensors[i - 1];
        if (before.offset + before.bytes > tensors[i].offset) {
            fail(tensors[i], fmt::format("its data overlap those of {}", in_quotes(before.name)));
        }
    }
}

std::string element_text(const std::string& value) {
    return in_quotes(value);
}
template <class T>
std::string element_text(T value) {
    return fmt::format("{}", value);
}

constexpr std::size_t shown_elements = 8;
constexpr std::size_t shown_bytes = 240;

template <class T>
std::string list_text(const std::vector<T>& values) {
    std::string text = "[";
    for (std::size_t i = 0; i < std::min(values.size(), shown_elements); ++i) {
        text += (i > 0 ? ", " : "") + element_text(static_cast<T>(values[i]));
    }
    return values.size() <= shown_elements
               ? text + "]"
               : text + fmt::format(", ...] ({} values)", values.size());
}

}  // namespace

const GgufValue* GgufMetadata::find(std::string_view key) const {
    const auto found = std::find_if(entries.begin(), entries.end(),
                                    [&](const auto& entry) { return entry.first == key; });
    return found == entries.end() ? nullptr : &found->second;
}

std::string to_text(const GgufValue& value) {
    return std::visit(
        []<class T>(const T& v) -> std::string {
            if constexpr (std::is_same_v<T, GgufArray>) {
                return std::visit([](const auto& list) { return list_text(list); }, v);
            } else if constexpr (std::is_same_v<T, std::string>) {
                return printable(v, shown_bytes);
            } else {
                return fmt::format("{}", v);
            }
        },
        value);
}

ParsedFile parse_gguf(std::span<const std::byte> file, const std::filesystem::path& path) {
    Reader reader(file, path);
    const Counts counts = read_counts(reader);
    auto metadata = std::make_unique<GgufMetadata>(read_metadata(reader, counts));

    ParsedFile parsed;
    parsed.format = fmt::format("GGUF v{}", counts.version);
    std::unordered_set<std::string> names;
    for (std::uint64_t i = 0; i < counts.tensors; ++i) {
        const std::uint64_t start = reader.at();
        parsed.tensors.push_back(read_tensor(reader, i, metadata->alignment));
        const std::string& name = parsed.tensors.back().name;
        if (!names.insert(name).second) {
            reader.fail("tensor " + in_quotes(name), start, "the name appears twice");
        }
    }
    const std::uint64_t padding = metadata->alignment - 1;
    place(parsed.tensors, (reader.at() + padding) & ~padding, file.size(), path);
    for (const auto& [key, value] : metadata->entries) {
        parsed.metadata.push_back({key, to_text(value)});
    }
    parsed.gguf = std::move(metadata);
    return parsed;
}

}  // namespace nibble
