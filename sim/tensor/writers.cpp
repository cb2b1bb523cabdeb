// Writers for .npy (1.0) and .safetensors, float32, little-endian; see tensor_file.hpp.
#include <array>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/core/text.hpp"
#include "sim/core/atomic_file.hpp"
#include "sim/tensor/parse.hpp"
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

void check_names(const std::vector<NamedTensor>& tensors,
                 const std::map<std::string, std::string>& metadata) {
    if (tensors.empty()) {
        throw bad_value("a safetensors file needs a tensor");
    }
    std::set<std::string_view> names = {"__metadata__"};
    for (const NamedTensor& tensor : tensors) {
        if (!is_utf8(tensor.name)) {
            throw bad_value("tensor name " + in_quotes(tensor.name) + " is not UTF-8");
        }
        if (!names.insert(tensor.name).second) {
            throw bad_value("tensor name " + in_quotes(tensor.name) + " is taken");
        }
        check_shape(tensor.shape, tensor.values, in_quotes(tensor.name));
    }
    for (const auto& [key, value] : metadata) {
        if (!is_utf8(key) || !is_utf8(value)) {
            throw bad_value("metadata " + in_quotes(key) + " is not UTF-8");
        }
    }
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
                       const std::map<std::string, std::string>& metadata) {
    check_names(tensors, metadata);
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    // ordered_json searches its keys one by one; a file of many tensors is built by push_back.
    auto& entries = header.get_ref<nlohmann::ordered_json::object_t&>();
    if (!metadata.empty()) {
        entries.push_back({"__metadata__", metadata});
    }
    std::uint64_t offset = 0;
    for (const NamedTensor& tensor : tensors) {
        const std::uint64_t end = offset + tensor.values.size_bytes();
        entries.push_back(
            {tensor.name,
             {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}}});
        offset = end;
    }
    std::string text = header.dump();
    text += padding(8 + text.size());

    AtomicFile file(path);
    file.write(little_endian(static_cast<std::uint64_t>(text.size())));
    file.write(text);
    for (const NamedTensor& tensor : tensors) {
        file.write(std::as_bytes(tensor.values));
    }
    file.commit();
}

}  // namespace nibble
