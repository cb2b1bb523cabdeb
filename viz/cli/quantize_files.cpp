#include "viz/cli/quantize_files.hpp"

#include <cstring>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/experiment.hpp"
#include "sim/tensor/tensor_file.hpp"

namespace nibble {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* weights_name = "weights";  // of a part: what the next layers need

Json sums_json(const std::optional<OutputChange>& change) {
    return change ? Json{change->moved, change->outputs} : Json(nullptr);
}

std::optional<OutputChange> sums_from(const Json& json) {
    return json.is_null() ? std::nullopt : std::optional(OutputChange{json.at(0), json.at(1)});
}

/// The sums themselves, so that a resumed run can add them up.
std::string report_text(const LayerReport& r) {
    return Json{{"name", r.name},
                {"rows", r.rows},
                {"cols", r.cols},
                {"squared_change", r.squared_change},
                {"squared_weights", r.squared_weights},
                {"calibration", sums_json(r.calibration)},
                {"stored_bits", r.stored_bits},
                {"seconds", r.seconds}}
        .dump();
}

LayerReport report_from(const std::string& text) {
    const Json json = Json::parse(text);
    LayerReport r;
    r.name = json.at("name");
    r.rows = json.at("rows");
    r.cols = json.at("cols");
    r.squared_change = json.at("squared_change");
    r.squared_weights = json.at("squared_weights");
    r.calibration = sums_from(json.at("calibration"));
    r.stored_bits = json.at("stored_bits");
    r.seconds = json.at("seconds");
    return r;
}

std::string entry(const TensorFile& file, const std::string& key) {
    for (const MetadataEntry& e : file.metadata()) {
        if (e.key == key) {
            return e.value;
        }
    }
    return "";
}

/// Size and time of everything that the model consists of.
std::string stamp_of(const fs::path& model) {
    std::error_code failed;
    if (!fs::is_directory(model, failed)) {
        return file_stamp(model.string());
    }
    std::map<std::string, std::string> stamps;
    for (const auto& file : fs::directory_iterator(model, failed)) {
        if (file.path().extension() == ".safetensors" && file.path().stem() != "checkpoint") {
            stamps[file.path().filename().string()] = file_stamp(file.path().string());
        }
    }
    std::string text;
    for (const auto& [file, stamp] : stamps) {
        text += file + stamp;
    }
    return text;
}

/// Row i of the result is row order[i].
void reorder_rows(QuantizedLayer& layer, const std::vector<Index>& order) {
    const auto moved = [&](const auto& values, Index width) {
        auto out = values;
        for (std::size_t i = 0; i < order.size(); ++i) {
            std::copy_n(values.begin() + order[i] * width, width,
                        out.begin() + static_cast<Index>(i) * width);
        }
        return out;
    };
    layer.weights.values() = moved(layer.weights.values(), layer.weights.cols());
    if (layer.integers) {
        IntegerWeights& w = *layer.integers;
        w.codes = moved(w.codes, w.cols);
        w.scales = moved(w.scales, w.groups());
        w.zeros = moved(w.zeros, w.groups());
    }
}

/// The rows of q or k as Hugging Face's files have them: a head's rotated pairs half a head apart,
/// where GGUF files have them side by side. Empty for layers that are the same in both.
std::vector<Index> row_order(LinearId id, const ModelConfig& config) {
    std::vector<Index> order;
    if (config.rotary_pairs == RotaryPairs::halves ||
        (id.kind != Linear::q && id.kind != Linear::k)) {
        return order;
    }
    const Index width = config.head_dim;
    const Index rows = id.kind == Linear::q ? config.q_width() : config.kv_width();
    for (Index r = 0; r < rows; ++r) {
        const Index in_head = r % width, pair = in_head % (width / 2);
        order.push_back(r - in_head + 2 * pair + (in_head < width / 2 ? 0 : 1));
    }
    return order;
}

StoredTensor read_stored(const TensorFile& file, const TensorInfo& info) {
    const auto raw = file.raw(info);
    return {info.name, info.dtype, info.shape, {raw.begin(), raw.end()}};
}

}  // namespace

StoredTensor float_tensor(const std::string& name, const std::vector<std::int64_t>& shape,
                          const Matrix<float>& values) {
    StoredTensor tensor{name, DType::f32, shape, {}};
    tensor.bytes.resize(values.values().size() * sizeof(float));
    std::memcpy(tensor.bytes.data(), values.values().data(), tensor.bytes.size());
    return tensor;
}

CheckpointLayout layout_of(const MethodSettings& settings) {
    switch (settings.method) {
        case Method::rtn:
        case Method::gptq:
            return CheckpointLayout::gptq;
        case Method::awq:
            return CheckpointLayout::awq;
        default:
            throw Error(
                Error::Code::unsupported,
                fmt::format("{} has no packed checkpoint layout here", title(settings.method)),
                "rtn, gptq and awq have; or leave --packed out");
    }
}

std::vector<StoredTensor> packed_of(const MethodSettings& settings, const QuantizedLayer& layer,
                                    const std::string& name) {
    const std::string stem = name.ends_with(".weight") ? name.substr(0, name.size() - 7) : name;
    auto tensors = packed_tensors(layer.integers.value(), stem, layout_of(settings));
    if (!layer.input_scale.empty()) {
        Matrix<float> scale(1, static_cast<Index>(layer.input_scale.size()));
        scale.values() = layer.input_scale;
        tensors.push_back(float_tensor(stem + ".input_scale", {scale.cols()}, scale));
    }
    return tensors;
}

std::map<std::string, std::string> metadata_of(const MethodSettings& settings,
                                               const QuantizedLayer& layer, bool packed) {
    std::map<std::string, std::string> metadata = {{"method", std::string(name(settings.method))},
                                                   {"settings", settings_json(settings).dump()}};
    if (packed) {
        metadata["quantization_config"] = quantization_config(
            layer.integers.value().format, layout_of(settings), settings.act_order);
    }
    return metadata;
}

UnfinishedModel::UnfinishedModel(const fs::path& out, const ModelFiles& files,
                                 const MethodSettings& settings, const std::string& calibrated_on,
                                 bool packed, bool all)
    : out_(out),
      folder_(out.string() + ".parts"),
      files_(files),
      settings_(settings),
      packed_(packed),
      all_(all),
      key_(fmt::format("{} {} {} packed {} all {}", settings_json(settings).dump(), calibrated_on,
                       stamp_of(files.path()), packed, all)) {
    std::error_code failed;
    fs::create_directories(folder_, failed);
    if (failed) {
        throw Error(Error::Code::io,
                    fmt::format("{} cannot be made: {}", folder_.string(), failed.message()));
    }
}

fs::path UnfinishedModel::part(LinearId id) const {
    return folder_ / (name(id) + ".safetensors");
}

std::optional<Matrix<float>> UnfinishedModel::weights_of(LinearId id,
                                                         std::vector<LayerReport>& reports) const {
    if (!fs::exists(part(id))) {
        return std::nullopt;
    }
    const auto file = TensorFile::open(part(id));
    if (entry(*file, "key") != key_) {
        return std::nullopt;
    }
    const TensorInfo& info = file->find(weights_name);
    Matrix<float> weights(info.shape[0], info.shape[1]);
    file->read(info, 0, std::span(weights.values()));
    reports.push_back(report_from(entry(*file, "report")));
    return weights;
}

void UnfinishedModel::keep(LinearId id, const QuantizedLayer& layer,
                           const LayerReport& report) const {
    std::vector<StoredTensor> tensors = {
        float_tensor(weights_name, {layer.weights.rows(), layer.weights.cols()}, layer.weights)};
    auto metadata = metadata_of(settings_, layer, packed_);
    QuantizedLayer written = layer;
    if (const auto order = row_order(id, files_.config()); !order.empty()) {
        reorder_rows(written, order);
    }
    if (packed_) {
        auto more = packed_of(settings_, written, report.name);
        tensors.insert(tensors.end(), more.begin(), more.end());
    } else {
        tensors.push_back(float_tensor(report.name, {layer.weights.rows(), layer.weights.cols()},
                                       written.weights));
    }
    metadata["key"] = key_;
    metadata["report"] = report_text(report);
    write_stored_safetensors(part(id), tensors, metadata);
}

void UnfinishedModel::finish(const Model<float>& model) const {
    std::vector<StoredTensor> tensors;
    std::map<std::string, std::string> metadata;
    const auto add_part = [&](LinearId id) {
        const auto file = TensorFile::open(part(id));
        for (const char* key : {"method", "settings", "quantization_config"}) {
            if (const std::string value = entry(*file, key); !value.empty()) {
                metadata[key] = value;
            }
        }
        for (const TensorInfo& info : file->tensors()) {
            if (info.name != weights_name) {
                tensors.push_back(read_stored(*file, info));
            }
        }
    };
    std::map<std::string, LinearId> linears;
    for (const LinearId id : linear_layers(files_.config())) {
        if (id.kind != Linear::head || (all_ && !files_.config().tied_head)) {
            linears[name(id) + ".weight"] = id;
        }
    }
    for (const Parameter& p : parameters_of(files_.config())) {
        if (const auto found = linears.find(p.name); found != linears.end()) {
            add_part(found->second);
            continue;
        }
        const std::vector<std::int64_t> shape =
            p.is_matrix ? std::vector<std::int64_t>{p.rows, p.cols} : std::vector{p.cols};
        Matrix<float> values;
        if (all_ && p.name == "model.embed_tokens.weight") {
            values.resize(p.rows, p.cols);
            std::copy_n(model.embedding.data, p.size(), values.values().begin());
        } else {
            values = files_.read(p.name);
        }
        tensors.push_back(float_tensor(p.name, shape, values));
    }
    write_stored_safetensors(out_, tensors, metadata);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

}  // namespace nibble
