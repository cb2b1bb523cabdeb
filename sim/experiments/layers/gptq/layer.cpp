// The layer: of a model that comes along, of the reader's, or made to order.
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/experiments/layers/gptq/data.hpp"
#include "sim/model/evaluate.hpp"
#include "sim/model/generate.hpp"
#include "sim/model/loaded_model.hpp"
#include "sim/model/shipped.hpp"

namespace nibble::gptq_lab {
namespace {

constexpr Index most_rows = 256, most_cols = 1024;
constexpr int unseen_documents = 16;
constexpr Index synthetic_rows = 128, synthetic_cols = 192;
constexpr Index tokens_a_document = 96;  // synthetic
constexpr std::size_t reflections = 3;

Matrix<float> corner(View<const float> m, Index rows, Index cols) {
    Matrix<float> out(std::min(rows, m.rows), std::min(cols, m.cols));
    for (Index r = 0; r < out.rows(); ++r) {
        std::copy_n(m.row(r), out.cols(), out.row(r));
    }
    return out;
}

std::vector<double> eigenvalues_of_hessian(const Matrix<float>& gram) {
    const Eigen::Map<const Eigen::MatrixXf> map(gram.values().data(), gram.rows(), gram.cols());
    const Eigen::MatrixXd h = 2 * map.cast<double>();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(h, Eigen::EigenvaluesOnly);
    std::vector<double> falling(solver.eigenvalues().begin(), solver.eigenvalues().end());
    std::reverse(falling.begin(), falling.end());
    return falling;
}

Tokens sum_up(const Matrix<float>& x, Split split) {
    Tokens t;
    t.count = x.rows();
    t.gram = gram_of(x.view().column_range(0, std::min(most_cols, x.cols())));
    if (split == Split::train) {
        t.spectrum = eigenvalues_of_hessian(t.gram);
    }
    return t;
}

std::size_t bytes_of(const Tokens& tokens) {
    return 4 * tokens.gram.values().size() + 8 * tokens.spectrum.size();
}

/// Documents of all domains in turn.
std::vector<TokenIds> documents_of(const LoadedModel& loaded, Split split, int count,
                                   std::uint64_t seed) {
    std::vector<TokenIds> all;
    const ModelConfig& c = loaded.model.config;
    for (int i = 0; i < count; ++i) {
        const auto index = static_cast<std::uint64_t>(i);
        TokenIds ids = tokens_of(make_document(seed, split, all_domains[index % 4], index / 4),
                                 loaded.files->needed_tokenizer(), c);
        ids.resize(std::min(ids.size(), static_cast<std::size_t>(c.max_positions)));
        all.push_back(std::move(ids));
    }
    return all;
}

std::string model_of(const Source& source) {
    if (source.from != From::file) {
        return source.from == From::target ? "target" : "draft";
    }
    if (source.file.empty()) {
        throw Error(Error::Code::bad_param, "no model of yours is named",
                    "--file takes a .gguf file, or a folder with config.json and *.safetensors");
    }
    return source.file;
}

Layer from_model(const Source& source, const RunContext& context) {
    const std::string model = model_of(source);
    const auto loaded = loaded_model(model, context);
    const ModelConfig& config = loaded->model.config;
    const LinearId id{std::min(source.layer, config.layers - 1), source.kind};
    Layer layer;
    layer.name = fmt::format("{} of {}", name(id), loaded->name);
    const LayerWeights<float> weights = loaded->model.layer(id.layer);
    layer.all_rows = weights[id.kind].rows;
    layer.all_cols = weights[id.kind].cols;
    layer.weights = corner(weights[id.kind], most_rows, most_cols);
    const auto read = [&](Split split, int count) {
        context.check();
        const std::string path = model_path(model).string();
        return context.memo<Tokens>(
            fmt::format("gptq {} {} {} {} {} {} {} {}", path, file_stamp(path),
                        file_stamp(path + "/model.safetensors"), id.layer, name(site_of(id.kind)),
                        name(split), count, context.seed),
            [&] {
                const auto documents = documents_of(*loaded, split, count, context.seed);
                return sum_up(capture(loaded->model, id, documents, config.max_positions * count),
                              split);
            },
            bytes_of);
    };
    layer.calibration = read(Split::train, source.documents);
    context.progress(0.3);
    layer.unseen = read(Split::validation, unseen_documents);
    return layer;
}

/// Normal values whose covariance has the eigenvalues k^-decay, in a basis that some reflections
/// turn away from the axes; every 24th channel is then multiplied.
Matrix<float> synthetic_tokens(const Source& source, Index count, const Rng& rng,
                               const Rng& basis) {
    Matrix<float> x(count, synthetic_cols);
    const auto cols = static_cast<std::size_t>(synthetic_cols);
    std::vector<double> z(cols);
    std::vector<std::vector<double>> normals(reflections, std::vector<double>(cols));
    for (std::size_t k = 0; k < normals.size(); ++k) {
        for (std::size_t c = 0; c < cols; ++c) {
            normals[k][c] = basis.normal(k * cols + c);
        }
    }
    for (Index t = 0; t < count; ++t) {
        for (std::size_t c = 0; c < cols; ++c) {
            z[c] = rng.normal(static_cast<std::uint64_t>(t) * cols + c) *
                   std::pow(static_cast<double>(c + 1), -0.5 * source.decay);
        }
        for (const std::vector<double>& v : normals) {
            double along = 0, square = 0;
            for (std::size_t c = 0; c < cols; ++c) {
                along += v[c] * z[c];
                square += v[c] * v[c];
            }
            for (std::size_t c = 0; c < cols; ++c) {
                z[c] -= 2 * along / square * v[c];
            }
        }
        for (std::size_t c = 0; c < cols; ++c) {
            x(t, static_cast<Index>(c)) =
                static_cast<float>(c % 24 == 12 ? source.outlier * z[c] : z[c]);
        }
    }
    return x;
}

Layer synthetic(const Source& source, const RunContext& context) {
    const Rng rng = Rng(context.seed).stream("gptq layer");
    Layer layer;
    layer.name = fmt::format("a synthetic layer, {} x {}", synthetic_rows, synthetic_cols);
    layer.weights.resize(synthetic_rows, synthetic_cols);
    layer.all_rows = synthetic_rows;
    layer.all_cols = synthetic_cols;
    const Rng normal = rng.stream("weights");
    for (std::size_t i = 0; i < layer.weights.values().size(); ++i) {
        layer.weights.values()[i] = static_cast<float>(0.02 * normal.normal(i));
    }
    const auto tokens = [&](Split split, int documents) {
        context.check();
        return context.memo<Tokens>(
            fmt::format("gptq synthetic {} {} {} {} {}", name(split), documents, source.decay,
                        source.outlier, context.seed),
            [&] {
                return sum_up(synthetic_tokens(source, documents * tokens_a_document,
                                               rng.stream(name(split)), rng.stream("basis")),
                              split);
            },
            bytes_of);
    };
    layer.calibration = tokens(Split::train, source.documents);
    layer.unseen = tokens(Split::validation, unseen_documents);
    return layer;
}

}  // namespace

std::shared_ptr<const Layer> load_layer(const Source& source, const RunContext& context) {
    return std::make_shared<const Layer>(
        source.from == From::synthetic ? synthetic(source, context) : from_model(source, context));
}

}  // namespace nibble::gptq_lab
