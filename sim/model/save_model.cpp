// Writing a model as Hugging Face's libraries read it, in FP32 or FP16.
#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/atomic_file.hpp"
#include "sim/model/model_files.hpp"
#include "sim/tensor/convert.hpp"

namespace nibble {
namespace {

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
            halves.push_back(float_to_f16(v));
        }
        file.write(bytes_of(halves));
    } else {
        file.write(std::as_bytes(values));
    }
    file.commit();
}

}  // namespace nibble
