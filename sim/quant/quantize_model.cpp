#include "sim/quant/quantize_model.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "sim/model/layer_trace.hpp"

namespace nibble {
namespace {

constexpr std::array<Site, 4> block_sites = {Site::attention_in, Site::attention_out, Site::mlp_in,
                                             Site::mlp_out};

using RoundInput = std::function<void(View<float>)>;
using Rounding = std::map<std::pair<Index, Site>, RoundInput>;

std::vector<Linear> linears_at(Site site) {
    std::vector<Linear> kinds;
    for (const Linear kind : layer_linears) {
        if (site_of(kind) == site) {
            kinds.push_back(kind);
        }
    }
    return kinds;
}

Matrix<float> rows_of_matrix(const Matrix<float>& m, Index first, Index count) {
    return copy_of(m.view().row_range(first, count));
}

/// Rows first .. first + count of integer weights.
IntegerWeights part_of(const IntegerWeights& all, Index first, Index count) {
    IntegerWeights part(all.format, count, all.cols);
    const Index groups = all.groups();
    std::copy_n(all.codes.begin() + first * all.cols, count * all.cols, part.codes.begin());
    std::copy_n(all.scales.begin() + first * groups, count * groups, part.scales.begin());
    std::copy_n(all.zeros.begin() + first * groups, count * groups, part.zeros.begin());
    part.group_of = all.group_of;
    return part;
}

/// One of the matrices that were quantized as one. Its bits are its share, but for integers, which
/// are counted anew.
QuantizedLayer part_of(const QuantizedLayer& all, Index first, Index count) {
    QuantizedLayer part;
    const double share = static_cast<double>(count) / static_cast<double>(all.weights.rows());
    part.weights = rows_of_matrix(all.weights, first, count);
    part.input_scale = all.input_scale;
    part.round_input = all.round_input;
    part.alpha = all.alpha;
    part.seconds = all.seconds * share;
    part.stored_bits = all.stored_bits * share;
    if (all.integers) {
        part.integers = part_of(*all.integers, first, count);
        part.stored_bits = part.integers->stored_bits();
    }
    return part;
}

/// The settings for a table that is looked up, not multiplied with.
MethodSettings without_calibration(MethodSettings s) {
    if (rounds_activations(s.method)) {
        s.bits = 8;
        s.group_size = 0;
        s.symmetric = true;
    }
    if (needs_calibration(s.method) || rounds_activations(s.method)) {
        s.method = Method::rtn;
    }
    return s;
}

class Pass {
public:
    Pass(const Model<float>& model, const ModelQuantization& how, const RunContext& context)
        : how_(how), context_(context), original_(model) {
        result_.model = model;
        if (!how.calibration.empty()) {
            const auto most = static_cast<std::size_t>(model.config.max_positions);
            std::vector<TokenIds> batch = how.calibration;
            std::size_t longest = 0;
            for (TokenIds& ids : batch) {
                ids.resize(std::min(ids.size(), most));
                longest = std::max(longest, ids.size());
            }
            rows_ = rows_of(model.config, batch);
            table_.emplace(model.config, 0, static_cast<Index>(longest));
            embed(model, rows_, stream_);
        } else if (needs_calibration(how.settings.method)) {
            throw Error(Error::Code::bad_param,
                        fmt::format("{} needs tokens to calibrate on", title(how.settings.method)),
                        "name some: a domain, a text or a file of token ids");
        }
    }

    QuantizedModel run() {
        const Index layers = original_.config.layers;
        for (Index l = 0; l < layers; ++l) {
            block(l);
            context_.progress(static_cast<double>(l + 1) /
                              static_cast<double>(layers + (how_.all ? 1 : 0)));
        }
        if (how_.all) {
            head();
        }
        if (!rounding_.empty()) {
            result_.hooks.on_input = [rounding = std::move(rounding_)](Index layer, Site site,
                                                                       View<float> input) {
                if (const auto found = rounding.find({layer, site}); found != rounding.end()) {
                    found->second(input);
                }
            };
        }
        return std::move(result_);
    }

private:
    /// The block's inputs by site; the stream goes on to the next block.
    std::map<Site, Matrix<float>> capture_block(Index l, Matrix<float>& x) {
        std::map<Site, Matrix<float>> inputs;
        if (!table_) {
            return inputs;
        }
        Hooks<float> hooks;
        hooks.on_input = [&](Index, Site site, View<float> input) {
            inputs[site] = copy_of(input);
        };
        forward_layer<float>(original_, l, rows_, *table_, trace_, x, nullptr, 0, hooks);
        return inputs;
    }

    void block(Index l) {
        Matrix<float> after = stream_;
        const std::map<Site, Matrix<float>> inputs = capture_block(l, after);
        const LayerWeights<float> weights = original_.layer(l);
        for (const Site site : block_sites) {
            context_.check();
            std::vector<LinearId> ids;
            std::vector<View<const float>> parts;
            for (const Linear kind : linears_at(site)) {
                ids.push_back({l, kind});
                parts.push_back(weights[kind]);
            }
            const auto found = inputs.find(site);
            quantize_site(l, site, ids, parts,
                          found == inputs.end() ? View<const float>{} : found->second.view());
        }
        if (table_ && how_.settings.method == Method::gptq) {
            forward_layer<float>(result_.model, l, rows_, *table_, trace_, stream_, nullptr, 0, {});
        } else {
            stream_ = std::move(after);
        }
    }

    /// False when an earlier run has not finished all of them.
    bool take_finished(const std::vector<LinearId>& ids) {
        std::vector<Matrix<float>> ready;
        for (const LinearId id : ids) {
            std::optional<Matrix<float>> weights;
            if (how_.finished) {
                weights = how_.finished(id);
            }
            if (!weights) {
                return false;
            }
            ready.push_back(std::move(*weights));
        }
        for (std::size_t i = 0; i < ids.size(); ++i) {
            result_.model = with_weights(std::move(result_.model), ids[i], std::move(ready[i]));
        }
        return true;
    }

    void quantize_site(Index l, Site site, const std::vector<LinearId>& ids,
                       const std::vector<View<const float>>& parts, View<const float> x) {
        if (take_finished(ids)) {
            return;
        }
        try {
            std::optional<LayerInput> input;
            if (!x.empty()) {
                input = observe(x, needs_calibration(how_.settings.method));
            }
            const LayerInput* known = input ? &*input : nullptr;
            if (!needs_calibration(how_.settings.method)) {
                for (std::size_t i = 0; i < ids.size(); ++i) {
                    QuantizedLayer layer = quantize_layer(how_.settings, parts[i], known);
                    keep_rounding(l, site, layer);
                    put(ids[i], parts[i], std::move(layer), x);
                }
                return;
            }
            Index total = 0, first = 0;
            for (const View<const float> part : parts) {
                total += part.rows;
            }
            Matrix<float> stacked(total, parts[0].cols);
            for (const View<const float> part : parts) {
                for (Index r = 0; r < part.rows; ++r) {
                    std::copy_n(part.row(r), part.cols, stacked.row(first++));
                }
            }
            const QuantizedLayer all = quantize_layer(how_.settings, stacked.view(), known);
            keep_rounding(l, site, all);
            first = 0;
            for (std::size_t i = 0; i < ids.size(); ++i) {
                put(ids[i], parts[i], part_of(all, first, parts[i].rows), x);
                first += parts[i].rows;
            }
        } catch (const Error& e) {
            if (e.code() == Error::Code::cancelled) {
                throw;
            }
            throw Error(e.code(), fmt::format("{}: {}", name(ids[0]), e.what()), e.hint());
        }
    }

    void keep_rounding(Index l, Site site, const QuantizedLayer& layer) {
        if (layer.round_input) {
            rounding_[{l, site}] = layer.round_input;
        }
    }

    void put(LinearId id, View<const float> weights, QuantizedLayer layer, View<const float> x) {
        result_.reports.push_back(report_of(name(id) + ".weight", weights, layer, x, {}));
        if (how_.done) {
            how_.done(id, layer, result_.reports.back());
        }
        result_.model = with_weights(std::move(result_.model), id, std::move(layer.weights));
    }

    void head() {
        const LinearId id{0, Linear::head};
        Matrix<float> x, inverse_rms;
        if (table_) {
            final_norm<float>(original_, stream_, x, inverse_rms, {});
        }
        quantize_site(0, Site::head_in, {id}, {original_.head},
                      table_ ? View<const float>(x.view()) : View<const float>{});
        if (original_.config.tied_head) {
            result_.model.embedding = result_.model.head;
            result_.model.read_embedding = nullptr;
            return;
        }
        Matrix<float> table(original_.config.vocab, original_.config.hidden);
        for (Index token = 0; token < table.rows(); ++token) {
            if (original_.read_embedding) {
                original_.read_embedding(
                    token, {table.row(token), static_cast<std::size_t>(table.cols())});
            } else {
                std::copy_n(original_.embedding.row(token), table.cols(), table.row(token));
            }
        }
        QuantizedLayer layer =
            quantize_layer(without_calibration(how_.settings), table.view(), nullptr);
        result_.reports.push_back(
            report_of("model.embed_tokens.weight", table.view(), layer, {}, {}));
        const auto owner = std::make_shared<const Matrix<float>>(std::move(layer.weights));
        result_.model.owners.push_back(owner);
        result_.model.embedding = owner->view();
        result_.model.read_embedding = nullptr;
    }

    const ModelQuantization& how_;
    const RunContext& context_;
    Model<float> original_;
    QuantizedModel result_;
    Rounding rounding_;
    Rows rows_;
    std::optional<RotaryTable<float>> table_;
    Matrix<float> stream_;  // (tokens, hidden) what the next block reads
    LayerTrace<float> trace_;
};

}  // namespace

double LayerReport::sqnr_db() const {
    return squared_change == 0 ? std::numeric_limits<double>::infinity()
                               : 10 * std::log10(squared_weights / squared_change);
}

LayerReport report_of(std::string name, View<const float> weights, const QuantizedLayer& layer,
                      View<const float> calibration, View<const float> eval) {
    LayerReport r;
    r.name = std::move(name);
    r.rows = weights.rows;
    r.cols = weights.cols;
    r.squared_change = squared_distance(weights, layer.weights.view());
    r.squared_weights = squared_distance(weights);
    if (!calibration.empty()) {
        r.calibration = output_change(weights, layer, calibration);
    }
    if (!eval.empty()) {
        r.eval = output_change(weights, layer, eval);
    }
    r.stored_bits = layer.stored_bits;
    r.seconds = layer.seconds;
    return r;
}

LayerReport total_of(std::span<const LayerReport> reports) {
    LayerReport total;
    total.name = "all";
    total.cols = 1;
    const auto add = [&](std::optional<OutputChange> LayerReport::*part) {
        if (reports.empty()) {
            return;
        }
        OutputChange sum;
        for (const LayerReport& r : reports) {
            if (!(r.*part)) {
                return;
            }
            sum.moved += (r.*part)->moved;
            sum.outputs += (r.*part)->outputs;
        }
        total.*part = sum;
    };
    add(&LayerReport::calibration);
    add(&LayerReport::eval);
    for (const LayerReport& r : reports) {
        total.rows += r.rows * r.cols;
        total.squared_change += r.squared_change;
        total.squared_weights += r.squared_weights;
        total.stored_bits += r.stored_bits;
        total.seconds += r.seconds;
    }
    return total;
}

QuantizedModel quantize_model(const Model<float>& model, const ModelQuantization& how,
                              const RunContext& context) {
    return Pass(model, how, context).run();
}

}  // namespace nibble
