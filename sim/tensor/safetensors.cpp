// .safetensors: eight bytes of header length, a JSON object (name -> dtype, shape, data_offsets),
// the tensors' bytes end to end.
// Format: github.com/huggingface/safetensors, README and safetensors/src/tensor.rs
//
// The JSON is read as a stream of events: nothing is built for what the format does not know, so
// neither deep nesting nor long lists cost memory.
#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>
#include <unordered_set>

#include "sim/tensor/parse.hpp"

namespace nibble {
namespace {

/// The format's own limit on a header.
constexpr std::uint64_t most_header_bytes = 100'000'000;
constexpr std::size_t most_safetensors_axes = 64;
constexpr std::string_view metadata_key = "__metadata__";

/// Types that are known by name and size only, and their bits.
constexpr std::array<std::pair<std::string_view, std::uint64_t>, 7> unread = {{
    {"C64", 64},
    {"F8_E8M0", 8},
    {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8},
    {"F6_E2M3", 6},
    {"F6_E3M2", 6},
    {"F4", 4},
}};

/// The type of this name and the bits of an element; nothing where there is no such type.
std::optional<std::pair<DType, std::uint64_t>> type_of(std::string_view name) {
    for (const StoredType& row : stored_types) {
        if (row.is_plain && row.name == name) {
            return {{row.dtype, 8ull * row.size.bytes}};
        }
    }
    for (const auto& [other, bits] : unread) {
        if (other == name) {
            return {{DType::other, bits}};
        }
    }
    return std::nullopt;
}

/// Follows the JSON through the four places the format has, and refuses whatever is elsewhere.
class HeaderEvents : public nlohmann::json_sax<nlohmann::json> {
public:
    HeaderEvents(const std::filesystem::path& path, std::uint64_t data_start,
                 std::uint64_t data_bytes)
        : path_(path), data_start_(data_start), data_bytes_(data_bytes) {}

    std::vector<TensorInfo> tensors;
    std::vector<MetadataEntry> metadata;

    bool null() override { unexpected("null"); }
    bool boolean(bool) override { unexpected("true or false"); }
    bool number_integer(number_integer_t) override { unexpected("a negative number"); }
    bool number_float(number_float_t, const string_t&) override {
        unexpected("a number that is not a whole one below 2^64");
    }
    bool binary(binary_t&) override { unexpected("binary data"); }

    bool number_unsigned(number_unsigned_t value) override {
        if (place_ == Place::shape) {
            if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
                fail("an axis exceeds 2^63 - 1");
            }
            if (tensor_.shape.size() == most_safetensors_axes) {
                fail(fmt::format("more than {} axes", most_safetensors_axes));
            }
            tensor_.shape.push_back(static_cast<std::int64_t>(value));
        } else if (place_ == Place::offsets) {
            if (offsets_.size() == 2) {
                fail("more than two numbers");
            }
            offsets_.push_back(value);
        } else {
            unexpected("a number");
        }
        return true;
    }

    bool string(string_t& value) override {
        if (place_ == Place::metadata) {
            metadata.push_back({key_, value});
        } else if (place_ == Place::tensor && field_ == "dtype") {
            tensor_.type_name = value;
        } else {
            unexpected("a string");
        }
        return true;
    }

    bool key(string_t& value) override {
        if (place_ == Place::tensor) {
            field_ = value;
            if (field_ != "dtype" && field_ != "shape" && field_ != "data_offsets") {
                fail("unknown field");
            }
            if (!fields_.insert(field_).second) {
                fail("appears twice");
            }
            return true;
        }
        if (place_ == Place::root) {
            name_ = value;
            field_.clear();
        } else {
            key_ = value;
        }
        if (!(place_ == Place::root ? names_ : metadata_keys_).insert(value).second) {
            fail(place_ == Place::root ? "the name appears twice"
                                       : "key " + in_quotes(value) + " appears twice");
        }
        return true;
    }

    bool start_object(std::size_t) override {
        if (place_ == Place::file) {
            place_ = Place::root;
        } else if (place_ == Place::root && name_ == metadata_key) {
            place_ = Place::metadata;
        } else if (place_ == Place::root) {
            place_ = Place::tensor;
            tensor_ = {};
            offsets_.clear();
            fields_.clear();
        } else {
            unexpected("an object");
        }
        return true;
    }

    bool end_object() override {
        if (place_ == Place::tensor) {
            field_.clear();
            finish_tensor();
        }
        place_ = place_ == Place::root ? Place::file : Place::root;
        return true;
    }

    bool start_array(std::size_t) override {
        if (place_ == Place::tensor && field_ == "shape") {
            place_ = Place::shape;
        } else if (place_ == Place::tensor && field_ == "data_offsets") {
            place_ = Place::offsets;
        } else {
            unexpected("a list");
        }
        return true;
    }

    bool end_array() override {
        place_ = Place::tensor;
        return true;
    }

    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::json::exception& problem) override {
        // Past the library's own prefix, "[json.exception.parse_error.101] parse error at ...: ".
        const std::string_view text = problem.what();
        const auto cut = text.find(": ");
        const auto reason = cut == std::string_view::npos ? text : text.substr(cut + 2);
        throw bad_file(
            path_, fmt::format("safetensors header, byte {}: no JSON: {}",
                               8 + std::max<std::size_t>(position, 1) - 1, printable(reason, 200)));
    }

private:
    enum class Place { file, root, metadata, tensor, shape, offsets };

    [[noreturn]] void fail(const std::string& problem) const {
        std::string where = "safetensors header";
        if (place_ != Place::file && !names_.empty()) {
            where += name_ == metadata_key ? ", __metadata__" : ", tensor " + in_quotes(name_);
        }
        if (!field_.empty()) {
            where += ", " + printable(field_);
        }
        throw bad_file(path_, where + ": " + problem);
    }
    [[noreturn]] void unexpected(const std::string& what) const {
        static constexpr std::array<std::string_view, 6> wanted = {
            "one object with the tensors",
            "an object",
            "a string (metadata is text)",
            "the type of this field (dtype: string; shape, data_offsets: list)",
            "whole numbers",
            "two whole numbers",
        };
        fail(fmt::format("{} where {} should be", what,
                         wanted.at(static_cast<std::size_t>(place_))));
    }

    void finish_tensor() {
        for (const std::string_view field : {"dtype", "shape", "data_offsets"}) {
            if (!fields_.contains(std::string(field))) {
                fail(fmt::format("{} is missing", field));
            }
        }
        const auto type = type_of(tensor_.type_name);
        if (!type) {
            fail("dtype " + in_quotes(tensor_.type_name) + " is not known");
        }
        if (offsets_.size() != 2 || offsets_[0] > offsets_[1] || offsets_[1] > data_bytes_) {
            fail(
                fmt::format("data_offsets [{}] should be a begin and an end within the {} bytes "
                            "of data",
                            fmt::join(offsets_, ", "), data_bytes_));
        }
        const auto elements = checked_elements(tensor_.shape);
        const auto bytes = elements ? checked_bytes(*elements, type->second) : std::nullopt;
        if (!bytes) {
            fail("shape " + shape_text(tensor_.shape) +
                 " exceeds 2^63 - 1 bits or ends within a "
                 "byte");
        }
        if (*bytes != offsets_[1] - offsets_[0]) {
            fail(fmt::format("shape {} of {} takes {} bytes, and data_offsets [{}] hold {}",
                             shape_text(tensor_.shape), tensor_.type_name, *bytes,
                             fmt::join(offsets_, ", "), offsets_[1] - offsets_[0]));
        }
        tensor_.name = name_;
        tensor_.dtype = type->first;
        tensor_.offset = data_start_ + offsets_[0];
        tensor_.bytes = *bytes;
        tensors.push_back(std::move(tensor_));
    }

    const std::filesystem::path& path_;
    std::uint64_t data_start_, data_bytes_;
    Place place_ = Place::file;
    std::string name_, key_, field_;  // where we are: tensor, metadata key, field of the tensor
    TensorInfo tensor_;
    std::vector<std::uint64_t> offsets_;
    std::unordered_set<std::string> names_, metadata_keys_, fields_;
};

std::uint64_t header_length(std::span<const std::byte> file, const std::filesystem::path& path) {
    if (file.size() < 8) {
        throw bad_file(path, fmt::format("safetensors header length: 8 bytes expected, the file "
                                         "has {}",
                                         file.size()));
    }
    std::uint64_t length = 0;
    std::memcpy(&length, file.data(), sizeof length);
    if (length > file.size() - 8) {
        throw bad_file(path, fmt::format("safetensors header length {} (byte 0) reaches beyond "
                                         "the end of the file at byte {}",
                                         length, file.size()));
    }
    if (length > most_header_bytes) {
        throw bad_file(path, fmt::format("safetensors header length {} (byte 0) exceeds the "
                                         "format's limit of {}",
                                         length, most_header_bytes));
    }
    if (length == 0 || file[8] != std::byte{'{'}) {
        throw bad_file(path, "safetensors header: '{' expected at byte 8");
    }
    return length;
}

/// The format leaves no byte of the data without a tensor and none with two.
void check_end_to_end(const std::vector<TensorInfo>& tensors, std::uint64_t data_start,
                      std::uint64_t file_bytes, const std::filesystem::path& path) {
    std::uint64_t end = data_start;
    for (const TensorInfo& tensor : tensors) {
        if (tensor.offset != end) {
            throw bad_file(
                path,
                fmt::format("safetensors header, tensor {}, data_offsets: begins at {} "
                            "of the data where the one before ends at {}: {}",
                            in_quotes(tensor.name), tensor.offset - data_start, end - data_start,
                            tensor.offset < end ? "they overlap" : "a gap"));
        }
        end += tensor.bytes;
    }
    if (end != file_bytes) {
        throw bad_file(path, fmt::format("safetensors data_offsets: the last tensor ends at byte "
                                         "{} of the file, the file at {}",
                                         end, file_bytes));
    }
}

}  // namespace

ParsedFile parse_safetensors(std::span<const std::byte> file, const std::filesystem::path& path) {
    const std::uint64_t length = header_length(file, path);
    const std::uint64_t data_start = 8 + length;
    HeaderEvents events(path, data_start, file.size() - data_start);
    const std::string_view text = as_text(file.subspan(8, length));
    nlohmann::json::sax_parse(text.begin(), text.end(), &events);

    ParsedFile parsed;
    parsed.format = "safetensors";
    parsed.tensors = std::move(events.tensors);
    parsed.metadata = std::move(events.metadata);
    if (parsed.tensors.empty()) {
        throw bad_file(path, "the safetensors header lists no tensors");
    }
    // An empty tensor stands before the one that begins where it does.
    std::sort(parsed.tensors.begin(), parsed.tensors.end(),
              [](const TensorInfo& a, const TensorInfo& b) {
                  return std::tie(a.offset, a.bytes, a.name) < std::tie(b.offset, b.bytes, b.name);
              });
    check_end_to_end(parsed.tensors, data_start, file.size(), path);
    return parsed;
}

}  // namespace nibble
