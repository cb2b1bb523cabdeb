// Writers for .npy (1.0) and .safetensors, little-endian; see tensor_file.hpp.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/core/atomic_file.hpp"
#include "sim/core/utf8.hpp"
#include "sim/tensor/dtype.hpp"
#include "sim/tensor/parse.hpp"
#include "sim/tensor/stored_tensor.hpp"
#include "sim/tensor/tensor_file.hpp"

namespace nibble {
namespace {

constexpr std::size_t data_alignment = 64;

Error bad_value(const std::string& what) {
    return {Error::Code::bad_param, what};
}

void check_shape(const std::vector<std::int64_t>& shape, std::span<const float> values,
                 const std::string& name) {
    if (checked_elements(shape) != values.size()) {
        throw bad_value(fmt::format("shape {} of {} does not hold {} values", shape_text(shape),
                                    name, values.size()));
    }
}

/// Spaces that bring `bytes` to a multiple of the alignment.
std::string padding(std::size_t bytes) {
    return std::string((data_alignment - bytes % data_alignment) % data_alignment, ' ');
}

template <class Unsigned>
std::string little_endian(Unsigned value) {
    static_assert(std::endian::native == std::endian::little);
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

/// A tensor of either kind, as the file has it.
struct Entry {
    std::string_view name, dtype;
    const std::vector<std::int64_t>& shape;
    std::span<const std::byte> bytes;
};

void check_names(const std::vector<Entry>& entries,
                 const std::map<std::string, std::string>& metadata) {
    if (entries.empty()) {
        throw bad_value("a safetensors file needs a tensor");
    }
    std::set<std::string_view> names = {"__metadata__"};
    for (const Entry& entry : entries) {
        if (!is_utf8(entry.name)) {
            throw bad_value("tensor name " + in_quotes(entry.name) + " is not UTF-8");
        }
        if (!names.insert(entry.name).second) {
            throw bad_value("tensor name " + in_quotes(entry.name) + " is taken");
        }
    }
    for (const auto& [key, value] : metadata) {
        if (!is_utf8(key) || !is_utf8(value)) {
            throw bad_value("metadata " + in_quotes(key) + " is not UTF-8");
        }
    }
}

void write_entries(const std::filesystem::path& path, const std::vector<Entry>& tensors,
                   const std::map<std::string, std::string>& metadata) {
    check_names(tensors, metadata);
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    // ordered_json searches its keys one by one; a file of many tensors is built by push_back.
    auto& entries = header.get_ref<nlohmann::ordered_json::object_t&>();
    if (!metadata.empty()) {
        entries.push_back({"__metadata__", metadata});
    }
    std::uint64_t offset = 0;
    for (const Entry& tensor : tensors) {
        const std::uint64_t end = offset + tensor.bytes.size();
        entries.push_back(
            {std::string(tensor.name),
             {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}}});
        offset = end;
    }
    std::string text = header.dump();
    text += padding(8 + text.size());

    AtomicFile file(path);
    file.write(little_endian(static_cast<std::uint64_t>(text.size())));
    file.write(text);
    for (const Entry& tensor : tensors) {
        file.write(tensor.bytes);
    }
    file.commit();
}

std::string_view safetensors_name(DType dtype) {
    if (dtype == DType::other || !stored_type(dtype).is_plain) {
        throw Error(Error::Code::unsupported,
                    fmt::format("tensors of type {} are not written", name(dtype)));
    }
    return name(dtype);
}

}  // namespace

void write_npy(const std::filesystem::path& path, const std::vector<std::int64_t>& shape,
               std::span<const float> values) {
    check_shape(shape, values, path.string());
    const std::string axes = shape.size() == 1 ? fmt::format("({},)", shape[0]) : shape_text(shape);
    std::string header =
        fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': {}, }}", axes);
    constexpr std::size_t framing = 6 + 2 + 2;  // magic, version, length
    header += padding(framing + header.size() + 1) + '\n';
    if (header.size() > 0xffff) {
        throw bad_value(fmt::format("{} axes are more than an .npy file holds", shape.size()));
    }

    AtomicFile file(path);
    file.write(std::string_view("\x93NUMPY\x01\x00", 8));
    file.write(little_endian(static_cast<std::uint16_t>(header.size())));
    file.write(header);
    file.write(std::as_bytes(values));
    file.commit();
}

void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata, DType stored) {
    if (stored != DType::f32 && stored != DType::f16) {
        throw bad_value("a safetensors file is written as F32 or F16");
    }
    std::vector<std::vector<std::uint16_t>> halves;  // by tensor
    std::vector<Entry> entries;
    for (const NamedTensor& tensor : tensors) {
        check_shape(tensor.shape, tensor.values, in_quotes(tensor.name));
        std::span<const std::byte> bytes = std::as_bytes(tensor.values);
        if (stored == DType::f16) {
            std::vector<std::uint16_t>& codes = halves.emplace_back();
            codes.reserve(tensor.values.size());
            std::transform(tensor.values.begin(), tensor.values.end(), std::back_inserter(codes),
                           formats::float_to_f16);
            bytes = std::as_bytes(std::span<const std::uint16_t>(codes));
        }
        entries.push_back({tensor.name, safetensors_name(stored), tensor.shape, bytes});
    }
    write_entries(path, entries, metadata);
}

void write_stored_safetensors(const std::filesystem::path& path,
                              const std::vector<StoredTensor>& tensors,
                              const std::map<std::string, std::string>& metadata) {
    std::vector<Entry> entries;
    for (const StoredTensor& tensor : tensors) {
        const std::string_view dtype = safetensors_name(tensor.dtype);
        const auto elements = checked_elements(tensor.shape);
        if (!elements || *elements * block_size(tensor.dtype).bytes != tensor.bytes.size()) {
            throw bad_value(fmt::format("shape {} of {} does not hold {} bytes",
                                        shape_text(tensor.shape), in_quotes(tensor.name),
                                        tensor.bytes.size()));
        }
        entries.push_back({tensor.name, dtype, tensor.shape, tensor.bytes});
    }
    write_entries(path, entries, metadata);
}

}  // namespace nibble
