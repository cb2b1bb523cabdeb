// Writing a model as Hugging Face's libraries read it, in FP32 or FP16.
#include "sim/core/atomic_file.hpp"
#include "sim/model/model_files.hpp"

namespace nibble {

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

    std::vector<NamedTensor> tensors;
    for (const Parameter& p : parameters_of(config)) {
        tensors.push_back(
            {p.name, p.is_matrix ? std::vector<Index>{p.rows, p.cols} : std::vector<Index>{p.cols},
             values.subspan(static_cast<std::size_t>(p.offset),
                            static_cast<std::size_t>(p.size()))});
    }
    write_safetensors(folder / "model.safetensors", tensors, {{"format", "pt"}},
                      half ? DType::f16 : DType::f32);
}

}  // namespace nibble
