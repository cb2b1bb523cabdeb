// Writers for .npy (1.0, float32) and .safetensors (float32, float16), little-endian; see
// tensor_file.hpp.
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/core/atomic_file.hpp"
#include "sim/core/text.hpp"
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

/// Nearest binary16, halves to even; too large becomes infinity. Adding a power of two 10 fraction
/// bits above the value's own makes the processor round; subnormals have a fixed one.
std::uint16_t to_half(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
    const std::uint32_t magnitude = bits & 0x7fffffffU;
    if (magnitude >= 0x47800000U) {  // 65536 and above, infinity, NaN
        return sign | (magnitude > 0x7f800000U ? 0x7e00U : 0x7c00U);
    }
    if (magnitude < 0x38800000U) {  // below 2^-14: multiples of 2^-24
        const float scaled = std::bit_cast<float>(magnitude) * 0x1p24F;
        return sign | static_cast<std::uint16_t>(std::nearbyint(scaled));
    }
    const std::uint32_t odd = magnitude >> 13 & 1U;
    return sign | static_cast<std::uint16_t>((magnitude - 0x38000000U + 0xfffU + odd) >> 13);
}

void write_halves(AtomicFile& file, std::span<const float> values) {
    std::vector<std::uint16_t> halves;
    halves.reserve(values.size());
    for (const float v : values) {
        halves.push_back(to_half(v));
    }
    file.write(std::as_bytes(std::span(halves)));
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
    check_names(tensors, metadata);
    if (stored != DType::f32 && stored != DType::f16) {
        throw bad_value("a safetensors file is written as F32 or F16");
    }
    const bool half = stored == DType::f16;
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    // ordered_json searches its keys one by one; a file of many tensors is built by push_back.
    auto& entries = header.get_ref<nlohmann::ordered_json::object_t&>();
    if (!metadata.empty()) {
        entries.push_back({"__metadata__", metadata});
    }
    std::uint64_t offset = 0;
    for (const NamedTensor& tensor : tensors) {
        const std::uint64_t end = offset + tensor.values.size() * (half ? 2 : 4);
        entries.push_back({tensor.name,
                           {{"dtype", half ? "F16" : "F32"},
                            {"shape", tensor.shape},
                            {"data_offsets", {offset, end}}}});
        offset = end;
    }
    std::string text = header.dump();
    text += padding(8 + text.size());

    AtomicFile file(path);
    file.write(little_endian(static_cast<std::uint64_t>(text.size())));
    file.write(text);
    for (const NamedTensor& tensor : tensors) {
        if (half) {
            write_halves(file, tensor.values);
        } else {
            file.write(std::as_bytes(tensor.values));
        }
    }
    file.commit();
}

}  // namespace nibble
