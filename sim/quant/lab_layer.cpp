#include "sim/quant/lab_layer.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/model/evaluate.hpp"
#include "sim/model/shipped.hpp"

namespace nibble {
namespace {

bool is_model(const LayerChoice& c) {
    return c.source != LayerSource::synthetic;
}

std::string stamp_of(const std::string& model) {
    const std::filesystem::path path = model_path(model);
    return fmt::format("{} {}{}{}", path.string(), file_stamp(path.string()),
                       file_stamp((path / "config.json").string()),
                       file_stamp((path / "model.safetensors").string()));
}

/// What the layer reads while the model reads the documents.
Matrix<float> captured(const Model<float>& model, LinearId id, std::span<const TokenIds> batch,
                       const RunContext& context) {
    Matrix<float> input;
    Hooks<float> hooks;
    hooks.last_layer = id.layer;
    hooks.on_input = [&](Index layer, Site site, View<float> x) {
        context.check();
        if (layer == id.layer && site == site_of(id.kind)) {
            input = copy_of(x);
        }
    };
    run(model, batch, hooks);
    return input;
}

/// At most lab_rows output channels, evenly spaced.
Matrix<float> some_rows(View<const float> weights) {
    const Index count = std::min(weights.rows, lab_rows);
    Matrix<float> out(count, weights.cols);
    for (Index r = 0; r < count; ++r) {
        std::copy_n(weights.row(r * weights.rows / count), weights.cols, out.row(r));
    }
    return out;
}

LabLayer model_layer(const LayerChoice& c, const RunContext& context) {
    const std::string name = model_of(c);
    const auto loaded = loaded_model(name, context);
    const LinearId id{std::min<Index>(c.layer, loaded->model.config.layers - 1), c.linear};
    const std::vector<TokenIds> unseen = lab_documents(
        *loaded, CalibrationText::mixed, Split::validation, lab_unseen_tokens, context.seed);
    const std::vector<TokenIds> seen =
        lab_documents(*loaded, c.text, Split::train, c.tokens, context.seed);
    LabLayer layer;
    layer.name = fmt::format("{} of {}", nibble::name(id), loaded->name);
    layer.linear = id;
    const LayerWeights<float> weights = loaded->model.layer(id.layer);
    layer.all_rows = weights[id.kind].rows;
    layer.weights = some_rows(weights[id.kind]);
    layer.calibration = captured(loaded->model, id, seen, context);
    layer.unseen = captured(loaded->model, id, unseen, context);
    return layer;
}

/// Rows of `count` directions at right angles, by Gram-Schmidt on normal ones.
Matrix<float> orthogonal(Index count, const Rng& rng) {
    Matrix<float> basis(count, count);
    for (Index i = 0; i < count; ++i) {
        for (Index j = 0; j < count; ++j) {
            basis(i, j) = static_cast<float>(rng.normal(static_cast<std::uint64_t>(i * count + j)));
        }
        for (int twice = 0; twice < 2; ++twice) {  // once leaves a remainder of rounding
            for (Index k = 0; k < i; ++k) {
                float dot = 0;
                for (Index j = 0; j < count; ++j) {
                    dot += basis(i, j) * basis(k, j);
                }
                for (Index j = 0; j < count; ++j) {
                    basis(i, j) -= dot * basis(k, j);
                }
            }
        }
        float squares = 0;
        for (Index j = 0; j < count; ++j) {
            squares += basis(i, j) * basis(i, j);
        }
        for (Index j = 0; j < count; ++j) {
            basis(i, j) /= std::sqrt(squares);
        }
    }
    return basis;
}

/// (tokens, cols) of mean square 1.
Matrix<float> synthetic_tokens(Index tokens, const Matrix<float>& basis, double decay,
                               const Rng& rng) {
    const Index cols = basis.cols();
    std::vector<double> size(static_cast<std::size_t>(cols));
    double power = 0;
    for (Index k = 0; k < cols; ++k) {
        size[static_cast<std::size_t>(k)] = std::pow(static_cast<double>(k + 1), -decay / 2);
        power += std::pow(static_cast<double>(k + 1), -decay);
    }
    Matrix<float> causes(tokens, cols), x(tokens, cols);
    for (Index t = 0; t < tokens; ++t) {
        for (Index k = 0; k < cols; ++k) {
            causes(t, k) = static_cast<float>(size[static_cast<std::size_t>(k)] *
                                              std::sqrt(static_cast<double>(cols) / power) *
                                              rng.normal(static_cast<std::uint64_t>(t * cols + k)));
        }
    }
    multiply<float>(causes.view(), basis.view(), x.view());
    return x;
}

LabLayer synthetic_layer(const LayerChoice& c, const RunContext& context) {
    LabLayer layer;
    layer.name = fmt::format("a synthetic layer of {} x {}", c.rows, c.cols);
    layer.all_rows = c.rows;
    layer.weights.resize(c.rows, c.cols);
    const Rng rng = context.rng("lab weights");
    std::vector<float>& values = layer.weights.values();
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<float>(rng.normal(i) / std::sqrt(static_cast<double>(c.cols)));
    }
    const Matrix<float> basis = orthogonal(c.cols, context.rng("lab basis"));
    layer.calibration = synthetic_tokens(c.tokens, basis, c.decay, context.rng("lab calibration"));
    layer.unseen = synthetic_tokens(lab_unseen_tokens, basis, c.decay, context.rng("lab unseen"));
    return layer;
}

void lay_outliers(const LayerChoice& c, Matrix<float>& x) {
    const Index count = std::min<Index>(c.outlier_channels, x.cols());
    for (Index i = 0; i < count; ++i) {
        const Index channel = (2 * i + 1) * x.cols() / (2 * count);
        for (Index t = 0; t < x.rows(); ++t) {
            x(t, channel) *= static_cast<float>(c.outlier_factor);
        }
    }
}

}  // namespace

CalibrationText text_of(Domain domain) {
    return static_cast<CalibrationText>(1 + static_cast<int>(domain));
}

std::string model_of(const LayerChoice& c) {
    if (c.source == LayerSource::file && c.file.empty()) {
        throw Error(Error::Code::bad_param, "no model of yours is named",
                    "--file takes a .gguf file, or a folder with config.json and *.safetensors");
    }
    return c.source == LayerSource::target ? "target" : c.file;
}

std::vector<TokenIds> lab_documents(const LoadedModel& loaded, CalibrationText text, Split split,
                                    Index count, std::uint64_t seed) {
    std::vector<Domain> domains(all_domains.begin(), all_domains.end());
    if (text != CalibrationText::mixed) {
        std::erase_if(domains, [&](Domain d) { return text_of(d) != text; });
    }
    std::vector<TokenIds> batch;
    const ModelConfig& config = loaded.model.config;
    for (std::size_t i = 0; count > 0; ++i) {
        const Document document =
            make_document(seed, split, domains[i % domains.size()], i / domains.size());
        TokenIds ids = tokens_of(document, loaded.files->needed_tokenizer(), config);
        const Index most = std::min(count, config.max_positions);
        ids.resize(std::min(ids.size(), static_cast<std::size_t>(most)));
        count -= static_cast<Index>(ids.size());
        batch.push_back(std::move(ids));
    }
    return batch;
}

std::size_t LabLayer::bytes() const {
    return sizeof(float) *
           (weights.values().size() + calibration.values().size() + unseen.values().size());
}

std::shared_ptr<const LabLayer> lab_layer(const LayerChoice& c, const RunContext& context) {
    std::string key = is_model(c)
                          ? fmt::format("lab layer {} {} {} {}", stamp_of(model_of(c)), c.layer,
                                        static_cast<int>(c.linear), static_cast<int>(c.text))
                          : fmt::format("lab layer synthetic {} {} {}", c.rows, c.cols, c.decay);
    key += fmt::format(" {} {} {} {}", c.tokens, c.outlier_channels,
                       c.outlier_channels > 0 ? c.outlier_factor : 1.0, context.seed);
    return context.memo<LabLayer>(
        key,
        [&] {
            LabLayer layer = is_model(c) ? model_layer(c, context) : synthetic_layer(c, context);
            lay_outliers(c, layer.calibration);
            lay_outliers(c, layer.unseen);
            if (c.outlier_channels > 0 && c.outlier_factor != 1) {
                layer.name += fmt::format(", {} of its input channels made {} times as large",
                                          std::min<Index>(c.outlier_channels, layer.weights.cols()),
                                          format_number(c.outlier_factor, 3));
            }
            layer.key = key;
            return layer;
        },
        [](const LabLayer& l) { return l.bytes(); });
}

const Schema<LayerChoice>& layer_schema() {
    using C = LayerChoice;
    const auto synthetic = [](const C& c) { return c.source == LayerSource::synthetic; };
    static const Schema<C> schema = {
        choice("source", &C::source,
               {{"target", "target"}, {"file", "a model of yours"}, {"synthetic", "synthetic"}})
            .label("Layer from")
            .help("A real layer with the activations it reads, or one made to order."),
        file("file", &C::file, {".gguf", ".safetensors", ".json"})
            .label("Model file")
            .help("A .gguf file, or a folder with config.json and *.safetensors, of a Llama-type "
                  "model.")
            .when([](const C& c) { return c.source == LayerSource::file; }),
        integer("layer", &C::layer, {0, 127})
            .help("Which block of the model; beyond the last, the last.")
            .when(is_model)
            .advanced(),
        choice("linear", &C::linear,
               {{"q", "q"},
                {"k", "k"},
                {"v", "v"},
                {"o", "o"},
                {"gate", "gate"},
                {"up", "up"},
                {"down", "down"}})
            .label("Linear layer")
            .help("Which of the block's weight matrices.")
            .when(is_model)
            .advanced(),
        choice("calibration_text", &C::text,
               {{"mixed", "all domains"},
                {"stories", "stories"},
                {"arithmetic", "sums"},
                {"code", "code"},
                {"records", "records"}})
            .label("Calibrated on")
            .help("What the model reads for calibration; unseen tokens are of all domains.")
            .when(is_model)
            .advanced(),
        integer("tokens", &C::tokens, {16, 2048, Scale::log2})
            .label("Calibration tokens")
            .unit("token")
            .help("Fewer tokens than input channels leave directions that calibration never saw.")
            .advanced(),
        integer("rows", &C::rows, {16, 256, Scale::log2})
            .label("Output channels")
            .help("Rows of the synthetic weight matrix.")
            .when(synthetic)
            .advanced(),
        integer("cols", &C::cols, {16, 256, Scale::log2})
            .label("Input channels")
            .help("Columns of the synthetic weight matrix.")
            .when(synthetic)
            .advanced(),
        real("decay", &C::decay, {0, 3})
            .label("Spectrum falls as k to the minus")
            .help("0: channels know nothing of each other; more: a few causes move all of them.")
            .when(synthetic)
            .advanced(),
        integer("outlier_channels", &C::outlier_channels, {0, 16})
            .help("How many input channels are made large; 0 leaves the layer as it is.")
            .advanced(),
        real("outlier_factor", &C::outlier_factor, {1, 1000, Scale::log10})
            .unit("x")
            .help("How many times as large; their weights stay as they are.")
            .when([](const C& c) { return c.outlier_channels > 0; })
            .advanced(),
    };
    return schema;
}

}  // namespace nibble
