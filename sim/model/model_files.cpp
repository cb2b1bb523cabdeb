#include "sim/model/model_files.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <set>
#include <unistd.h>

#include "sim/core/json_object.hpp"
#include "sim/core/parallel.hpp"
#include "sim/tensor/gguf.hpp"

namespace nibble {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void bad_folder(const std::string& what, std::string hint = {}) {
    throw Error(Error::Code::bad_file, what, std::move(hint));
}

std::string text_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    if (!in) {
        throw Error(Error::Code::io, fmt::format("{} cannot be read", path.string()));
    }
    return text;
}

/// GGUF's name of a weight as Hugging Face's; "" for what is no weight of a Llama.
std::string name_from_gguf(const std::string& name) {
    static const std::map<std::string, std::string> whole = {
        {"token_embd.weight", "model.embed_tokens.weight"},
        {"output_norm.weight", "model.norm.weight"},
        {"output.weight", "lm_head.weight"}};
    static const std::map<std::string, std::string> parts = {
        {"attn_norm", "input_layernorm"},    {"attn_q", "self_attn.q_proj"},
        {"attn_k", "self_attn.k_proj"},      {"attn_v", "self_attn.v_proj"},
        {"attn_output", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
        {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
        {"ffn_down", "mlp.down_proj"}};
    if (const auto found = whole.find(name); found != whole.end()) {
        return found->second;
    }
    if (name.starts_with("blk.")) {
        const std::size_t dot = name.find('.', 4), last = name.rfind('.');
        if (dot != std::string::npos && last > dot) {
            const auto part = parts.find(name.substr(dot + 1, last - dot - 1));
            if (part != parts.end()) {
                return fmt::format("model.layers.{}.{}{}", name.substr(4, dot - 4), part->second,
                                   name.substr(last));
            }
        }
    }
    return "";
}

void check_finite(View<const float> v, const std::string& name, const fs::path& path) {
    const std::uint32_t largest = parallel_reduce(
        static_cast<std::size_t>(v.rows * v.cols), std::size_t{1} << 16, std::uint32_t{0},
        [&](std::size_t begin, std::size_t end) {
            std::uint32_t most = 0;
            for (std::size_t i = begin; i < end; ++i) {
                most = std::max(most, std::bit_cast<std::uint32_t>(v.data[i]) & 0x7fffffffU);
            }
            return most;
        },
        [](std::uint32_t a, std::uint32_t b) { return std::max(a, b); });
    if (largest >= 0x7f800000U) {
        bad_folder(fmt::format("{}: {} holds {}", path.string(), name,
                        largest > 0x7f800000U ? "a NaN" : "an infinity"),
            "the file is damaged, or its training diverged");
    }
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
    return fmt::format("{}", fmt::join(shape, " x "));
}

}  // namespace

std::shared_ptr<const ModelFiles> ModelFiles::open(const fs::path& path) {
    std::error_code failed;
    fs::path used = path;
    if (path.filename() == "config.json" || path.extension() == ".safetensors") {
        used = path.has_parent_path() ? path.parent_path() : fs::path(".");
    }
    const auto files = std::shared_ptr<ModelFiles>(new ModelFiles(used));
    if (fs::is_directory(used, failed)) {
        files->open_folder();
    } else if (fs::is_regular_file(used, failed)) {
        files->open_gguf();
    } else {
        throw Error(Error::Code::io, fmt::format("there is no model at {}", path.string()),
                    "a folder with config.json and *.safetensors, or a .gguf file, is expected");
    }
    files->check_shapes();
    if (files->tokenizer_) {
        check_vocabulary(*files->tokenizer_, files->config_, path.string());
    }
    return files;
}

void ModelFiles::open_folder() {
    const fs::path config_path = path_ / "config.json";
    if (!fs::exists(config_path)) {
        throw Error(Error::Code::io, fmt::format("{} has no config.json", path_.string()),
                    "a model's folder holds config.json and *.safetensors");
    }
    config_ = config_from_json(text_of(config_path), config_path.string());
    std::set<fs::path> shards;
    const fs::path index = path_ / "model.safetensors.index.json";
    if (fs::exists(index)) {
        const std::string text = text_of(index);
        const JsonObject map = JsonObject(text, index.string()).object("weight_map");
        for (const std::string& name : map.names()) {
            const fs::path file = map.text(name);
            if (file.has_parent_path()) {
                map.refuse(name, "a file of this folder");
            }
            shards.insert(path_ / file);
        }
    } else {
        for (const auto& entry : fs::directory_iterator(path_)) {
            if (entry.path().extension() == ".safetensors" && entry.path().stem() != "checkpoint") {
                shards.insert(entry.path());
            }
        }
    }
    if (shards.empty()) {
        throw Error(Error::Code::io, fmt::format("{} has no *.safetensors", path_.string()),
                    "pickled weights (*.bin, *.pth) are not read: they can run code");
    }
    for (const fs::path& shard : shards) {
        add_tensors(TensorFile::open(shard));
    }
    const fs::path tokenizer_path = path_ / "tokenizer.json";
    try {
        if (fs::exists(tokenizer_path)) {
            tokenizer_ = tokenizer_from_json(text_of(tokenizer_path), tokenizer_path.string());
        } else {
            tokenizer_problem_ = fmt::format("{} has no tokenizer.json", path_.string());
        }
    } catch (const Error& e) { tokenizer_problem_ = e.line(); }
}

void ModelFiles::open_gguf() {
    const auto file = TensorFile::open(path_);
    if (!file->gguf()) {
        throw Error(Error::Code::unsupported,
                    fmt::format("{} is a {} file, not a model", path_.string(), file->format()),
                    "a folder with config.json and *.safetensors, or a .gguf file, is expected");
    }
    config_ = config_from_gguf(*file->gguf(), path_.string());
    add_tensors(file);
    config_.tied_head = !places_.contains("lm_head.weight");
    if (const auto found = places_.find("rope_freqs.weight"); found != places_.end()) {
        if (found->second.info.elements() != config_.head_dim / 2) {
            bad_folder(fmt::format("{}: rope_freqs.weight has {} values, half a head {}", path_.string(),
                            found->second.info.elements(), config_.head_dim / 2));
        }
        for (const float divisor : file->read_all(found->second.info)) {
            config_.rotary_divisors.push_back(static_cast<double>(divisor));
        }
    }
    try {
        tokenizer_ = tokenizer_from_gguf(*file->gguf(), path_.string());
    } catch (const Error& e) { tokenizer_problem_ = e.line(); }
}

void ModelFiles::add_tensors(const std::shared_ptr<const TensorFile>& file) {
    for (const TensorInfo& info : file->tensors()) {
        std::string name = info.name;
        if (file->gguf() && name != "rope_freqs.weight") {
            name = name_from_gguf(info.name);
        }
        if (name.empty() || name.ends_with(".bias")) {
            throw Error(
                Error::Code::unsupported,
                fmt::format("{}: the model has a tensor \"{}\"", file->path().string(), info.name),
                "that is no part of a Llama-type model without biases");
        }
        places_.insert_or_assign(name, Place{file, info});
    }
}

void ModelFiles::check_shapes() {
    for (const Parameter& p : parameters_of(config_)) {
        parameters_.emplace(p.name, p);
        const auto found = places_.find(p.name);
        if (found == places_.end()) {
            bad_folder(fmt::format("{}: the weight {} is missing", path_.string(), p.name),
                "a shard is not there, or the config is another model's");
        }
        const std::vector<std::int64_t>& shape = found->second.info.shape;
        const std::vector<std::int64_t> expected =
            p.is_matrix ? std::vector<std::int64_t>{p.rows, p.cols} : std::vector{p.cols};
        if (shape != expected) {
            bad_folder(fmt::format("{}: {} is {}, the config makes it {}", path_.string(), p.name,
                            shape_text(shape), shape_text(expected)),
                "the weights and the config are from different models");
        }
    }
}

const Tokenizer& ModelFiles::needed_tokenizer() const {
    if (!tokenizer_) {
        throw Error(Error::Code::bad_file, tokenizer_problem_, "text needs the model's tokenizer");
    }
    return *tokenizer_;
}

std::uint64_t ModelFiles::float_bytes() const {
    return static_cast<std::uint64_t>(config_.parameters()) * sizeof(float);
}

const Parameter& ModelFiles::parameter(const std::string& name) const {
    const auto found = parameters_.find(name);
    if (found == parameters_.end()) {
        throw Error(Error::Code::bad_param, fmt::format("the model has no weight \"{}\"", name));
    }
    return found->second;
}

View<const float> ModelFiles::view(const std::string& name, Owners& owners) const {
    const Parameter& p = parameter(name);
    const Place& place = places_.at(name);
    const std::span<const std::byte> raw = place.file->raw(place.info);
    View<const float> v;
    if (place.info.dtype == DType::f32 && std::endian::native == std::endian::little &&
        reinterpret_cast<std::uintptr_t>(raw.data()) % alignof(float) == 0) {
        v = {reinterpret_cast<const float*>(raw.data()), p.rows, p.cols};
        owners.push_back(place.file);
    } else {
        const auto values =
            std::make_shared<const std::vector<float>>(place.file->read_all(place.info));
        v = {values->data(), p.rows, p.cols};
        owners.push_back(values);
    }
    check_finite(v, name, path_);
    return v;
}

Matrix<float> ModelFiles::read(const std::string& name) const {
    const Parameter& p = parameter(name);
    Owners owners;
    const View<const float> v = view(name, owners);
    Matrix<float> out(p.rows, p.cols);
    std::copy_n(v.data, p.size(), out.values().begin());
    return out;
}

LayerWeights<float> ModelFiles::layer(Index index) const {
    const auto owners = std::make_shared<Owners>();
    const std::string prefix = fmt::format("model.layers.{}.", index);
    LayerWeights<float> w;
    w.attention_norm = view(prefix + "input_layernorm.weight", *owners);
    w.ffn_norm = view(prefix + "post_attention_layernorm.weight", *owners);
    for (const Linear kind : layer_linears) {
        w[kind] = view(name(LinearId{index, kind}) + ".weight", *owners);
    }
    w.owner = owners;
    return w;
}

Model<float> ModelFiles::load() const {
    Model<float> model;
    model.config = config_;
    model.embedding = view("model.embed_tokens.weight", model.owners);
    for (Index l = 0; l < config_.layers; ++l) {
        model.layers.push_back(layer(l));
    }
    model.final_norm = view("model.norm.weight", model.owners);
    model.head = config_.tied_head ? model.embedding : view("lm_head.weight", model.owners);
    return model;
}

Model<float> ModelFiles::stream() const {
    const auto self = shared_from_this();
    const Place& place = places_.at("model.embed_tokens.weight");
    Model<float> model;
    model.config = config_;
    model.final_norm = view("model.norm.weight", model.owners);
    model.head =
        view(config_.tied_head ? "model.embed_tokens.weight" : "lm_head.weight", model.owners);
    model.read_layer = [self](Index l) { return self->layer(l); };
    model.read_embedding = [place](Index token, std::span<float> out) {
        place.file->read(place.info, token * static_cast<Index>(out.size()), out);
    };
    return model;
}

Model<float> ModelFiles::fitting() const {
    const auto memory = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                        static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE));
    return float_bytes() < memory / 2 ? load() : stream();
}

}  // namespace nibble
