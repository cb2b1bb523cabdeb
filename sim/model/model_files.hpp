// A model on disk: a folder with config.json and *.safetensors, or a .gguf file.
//
// Opening reads headers only. The weights stay in the mapped files: matrices stored as FP32 are
// used where they lie, others are converted when they are asked for, so a model larger than memory
// can still lend single layers, or run layer by layer.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/model/tokenizer.hpp"
#include "sim/model/weights.hpp"
#include "sim/tensor/tensor_file.hpp"

namespace nibble {

class ModelFiles : public std::enable_shared_from_this<ModelFiles> {
public:
    /// Checks that every weight is there in its shape. Throws Error::io when there is no model at
    /// `path`, Error::bad_file naming the tensor that is missing or misshapen, Error::unsupported
    /// naming what this program cannot do.
    static std::shared_ptr<const ModelFiles> open(const std::filesystem::path& path);

    const ModelConfig& config() const { return config_; }
    const std::filesystem::path& path() const { return path_; }
    /// Null when the model comes without one that we can read; tokenizer_problem() says why.
    std::shared_ptr<const Tokenizer> tokenizer() const { return tokenizer_; }
    /// Throws the error for a command that needs the tokenizer.
    const Tokenizer& needed_tokenizer() const;
    /// Bytes that the whole model takes in FP32.
    std::uint64_t float_bytes() const;

    /// A weight by its name here ("model.layers.0.mlp.up_proj.weight"). Throws Error::bad_file
    /// when it holds a NaN or an infinity.
    Matrix<float> read(const std::string& parameter) const;
    /// Every weight, mapped or converted, and checked for NaN and infinity.
    Model<float> load() const;
    /// Weights are read, converted and checked as the forward pass comes to them.
    Model<float> stream() const;
    /// load() when that takes less than half of this machine's memory, else stream().
    Model<float> fitting() const;

private:
    struct Place {
        std::shared_ptr<const TensorFile> file;
        TensorInfo info;
    };
    using Owners = std::vector<std::shared_ptr<const void>>;

    explicit ModelFiles(std::filesystem::path path) : path_(std::move(path)) {}
    void open_folder();
    void open_gguf();
    void add_tensors(const std::shared_ptr<const TensorFile>& file);
    void check_shapes();
    const Parameter& parameter(const std::string& name) const;
    View<const float> view(const std::string& name, Owners& owners) const;
    LayerWeights<float> layer(Index index) const;

    std::filesystem::path path_;
    ModelConfig config_;
    std::map<std::string, Place> places_;  // by our names
    std::map<std::string, Parameter> parameters_;
    std::shared_ptr<const Tokenizer> tokenizer_;
    std::string tokenizer_problem_;
};

/// Writes config.json, model.safetensors (FP16 or FP32) and tokenizer.json into a folder.
void save_model(const std::filesystem::path& folder, const ModelConfig& config,
                std::span<const float> values, std::string_view tokenizer_json, bool half);

}  // namespace nibble
