// Writing a model as Hugging Face's libraries read it, in FP32 or FP16.
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/atomic_file.hpp"
#include "sim/model/model_files.hpp"

namespace nibble {
namespace {

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

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
    return std::as_bytes(std::span(values));
}

}  // namespace

void save_model(const std::filesystem::path& folder, const ModelConfig& config,
                std::span<const float> values, std::string_view tokenizer_json, bool half) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    const auto write_text = [&](const char* name, std::string_view text) {
        AtomicFile file(folder / name);
        file.write(text);
        file.commit();
    };
    write_text("config.json", config_to_json(config));
    write_text("tokenizer.json", tokenizer_json);

    const Index width = half ? 2 : 4;
    nlohmann::ordered_json header = {{"__metadata__", {{"format", "pt"}}}};
    const auto all = parameters_of(config);
    for (const Parameter& p : all) {
        header[p.name] = {{"dtype", half ? "F16" : "F32"},
                          {"shape", p.is_matrix ? std::vector<Index>{p.rows, p.cols}
                                                : std::vector<Index>{p.cols}},
                          {"data_offsets", {p.offset * width, (p.offset + p.size()) * width}}};
    }
    std::string text = header.dump();
    text.append((64 - (text.size() + 8) % 64) % 64, ' ');  // data starts at a multiple of 64
    std::array<char, 8> size{};
    for (std::size_t i = 0; i < 8; ++i) {
        size[i] = static_cast<char>(text.size() >> (8 * i));
    }
    AtomicFile file(folder / "model.safetensors");
    file.write(std::string_view(size.data(), size.size()));
    file.write(text);
    if (half) {
        std::vector<std::uint16_t> halves;
        halves.reserve(values.size());
        for (const float v : values) {
            halves.push_back(to_half(v));
        }
        file.write(bytes_of(halves));
    } else {
        file.write(std::as_bytes(values));
    }
    file.commit();
}

}  // namespace nibble
