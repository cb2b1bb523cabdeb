#include "sim/quant/clip_study.hpp"

#include <algorithm>
#include <cmath>

#include "sim/core/one_thread.hpp"
#include "sim/core/parallel.hpp"
#include "sim/model/evaluate.hpp"
#include "sim/model/loaded_model.hpp"
#include "sim/quant/quantized_layer.hpp"

namespace nibble {
namespace {

constexpr int tried = 25;               // thresholds on the grid
constexpr double lowest_share = 1e-2;   // of the largest magnitude
constexpr Index tokens_a_domain = 128;  // of unseen text
constexpr Index calibration_tokens = 256;

/// x cut at the threshold and rounded to the symmetric grid of b bits, halves to even.
void cut_and_round(View<float> x, double threshold, int bits) {
    const auto top = static_cast<float>((1 << (bits - 1)) - 1);
    const float step = static_cast<float>(threshold) / top;
    for (Index r = 0; r < x.rows; ++r) {
        for (Index c = 0; c < x.cols; ++c) {
            x(r, c) = step * std::clamp(std::nearbyint(x(r, c) / step), -top, top);
        }
    }
}

/// Mean cost a token of a kind of text with the layer's input cut there; exact without threshold.
using Cost = std::function<double(std::optional<double> threshold)>;

Cost model_cost(const std::shared_ptr<const LoadedModel>& loaded, const ClipStudy& study,
                std::vector<TokenIds> text, const RunContext& context) {
    return [=, id = *study.layer->linear, bits = study.bits](std::optional<double> threshold) {
        Hooks<float> hooks;
        if (threshold) {
            hooks.on_input = [&](Index layer, Site site, View<float> x) {
                if (layer == id.layer && site == site_of(id.kind)) {
                    cut_and_round(x, *threshold, bits);
                }
            };
        }
        return score(loaded->model, text, hooks, context.stop).loss();
    };
}

Cost output_cost(std::shared_ptr<const LabLayer> layer, const Matrix<float>& tokens, int bits) {
    return [layer = std::move(layer), &tokens, bits](std::optional<double> threshold) {
        if (!threshold) {
            return 0.0;
        }
        QuantizedLayer cut;
        cut.weights = layer->weights;
        cut.round_input = [&](View<float> x) { cut_and_round(x, *threshold, bits); };
        return relative_output_error(layer->weights.view(), cut, tokens.view());
    };
}

/// The mean over the curves from `first` on, which share their thresholds.
void fill_mean(CostCurve& mean, const std::vector<CostCurve>& curves, std::size_t first) {
    mean.thresholds = curves.at(first).thresholds;
    mean.costs.assign(mean.thresholds.size(), 0);
    mean.exact = 0;
    const double share = 1 / static_cast<double>(curves.size() - first);
    for (std::size_t k = first; k < curves.size(); ++k) {
        mean.exact += share * curves[k].exact;
        for (std::size_t i = 0; i < mean.costs.size(); ++i) {
            mean.costs[i] += share * curves[k].costs[i];
        }
    }
}

struct Trial {
    CostCurve* curve;
    Cost cost;
};

/// What is to be tried on the grid, by kind of text.
std::vector<Trial> trials(ClipStudy& s, const LayerChoice& choice, const RunContext& context) {
    if (!s.layer->linear) {
        s.unseen = {CostCurve{"unseen tokens", 0, {}, {}}};
        return {{&s.calibration, output_cost(s.layer, s.layer->calibration, s.bits)},
                {&s.unseen[0], output_cost(s.layer, s.layer->unseen, s.bits)}};
    }
    const auto loaded = loaded_model(model_of(choice), context);
    const auto text = [&](CalibrationText kind, Split split, Index count) {
        return lab_documents(*loaded, kind, split, count, context.seed);
    };
    s.unseen.assign(1 + all_domains.size(), {});
    s.unseen[0].text = "all domains";
    std::vector<Trial> list = {
        {&s.calibration,
         model_cost(loaded, s, text(choice.text, Split::train, calibration_tokens), context)}};
    for (std::size_t d = 0; d < all_domains.size(); ++d) {
        s.unseen[d + 1].text = name(all_domains[d]);
        list.push_back({&s.unseen[d + 1], model_cost(loaded, s,
                                                     text(text_of(all_domains[d]),
                                                          Split::validation, tokens_a_domain),
                                                     context)});
    }
    return list;
}

}  // namespace

std::string_view name(ClipRule rule) {
    static constexpr std::string_view names[] = {"min-max", "percentile", "MSE", "entropy", "loss"};
    return names[static_cast<std::size_t>(rule)];
}

double CostCurve::at(double threshold) const {
    NIBBLE_ASSERT(!costs.empty(), "a curve with points");
    const auto above = std::lower_bound(thresholds.begin(), thresholds.end(), threshold);
    if (above == thresholds.begin()) {
        return costs.front();
    }
    if (above == thresholds.end()) {
        return costs.back();
    }
    const auto i = static_cast<std::size_t>(above - thresholds.begin());
    const double share =
        std::log(threshold / thresholds[i - 1]) / std::log(thresholds[i] / thresholds[i - 1]);
    return costs[i - 1] * (1 - share) + costs[i] * share;
}

double clip_threshold(ClipRule rule, const Magnitudes& values, int bits, double share) {
    switch (rule) {
        case ClipRule::percentile:
            return percentile_clip(values, share).threshold;
        case ClipRule::mse:
            return mse_clip(values, bits).threshold;
        case ClipRule::entropy:
            return entropy_clip(values, bits).threshold;
        case ClipRule::min_max:
            return min_max_clip(values).threshold;
        case ClipRule::loss:
            break;
    }
    NIBBLE_ASSERT(false, "a rule that looks at the activations alone");
    return 0;
}

std::optional<double> ClipStudy::threshold(ClipRule rule) const {
    if (rule != ClipRule::loss) {
        return clip_threshold(rule, *seen, bits, share);
    }
    if (!has_losses()) {
        return std::nullopt;
    }
    const auto least = std::min_element(calibration.costs.begin(), calibration.costs.end());
    return calibration.thresholds[static_cast<std::size_t>(least - calibration.costs.begin())];
}

ClipStudy study_clipping(const LayerChoice& choice, int bits, double share,
                         const RunContext& context,
                         const std::function<void(const ClipStudy&)>& partial) {
    ClipStudy s;
    s.layer = lab_layer(choice, context);
    s.bits = bits;
    s.share = share;
    s.seen.emplace(s.layer->calibration.values());
    if (s.seen->largest() == 0) {
        throw Error(Error::Code::bad_param, "every activation that calibration saw is zero",
                    "take another layer or more tokens");
    }
    if (context.preview) {
        return s;
    }
    if (s.layer->linear) {
        for (const Domain domain : all_domains) {
            LayerChoice alone = choice;
            alone.text = text_of(domain);
            const Magnitudes values(lab_layer(alone, context)->calibration.values());
            std::array<double, 4> thresholds{};
            for (std::size_t r = 0; r < thresholds.size(); ++r) {
                thresholds[r] = clip_threshold(all_clip_rules[r], values, bits, share);
            }
            s.by_domain.push_back(thresholds);
            context.check();
        }
    }
    const std::vector<Trial> list = trials(s, choice, context);
    const auto try_all = [&](const std::function<void(const Trial&)>& one) {
        parallel_for(list.size(), 1, [&](std::size_t begin, std::size_t end) {
            const OneThread alone;  // the kinds of text are what is shared out
            for (std::size_t k = begin; k < end; ++k) {
                context.check();
                one(list[k]);
            }
        });
    };
    try_all([](const Trial& trial) { trial.curve->exact = trial.cost({}); });
    for (int i = 0; i < tried; ++i) {
        const double threshold =
            s.seen->largest() * std::pow(lowest_share, 1 - static_cast<double>(i) / (tried - 1));
        try_all([&](const Trial& trial) {
            trial.curve->thresholds.push_back(threshold);
            trial.curve->costs.push_back(trial.cost(threshold));
        });
        if (s.is_model()) {
            fill_mean(s.unseen[0], s.unseen, 1);
        }
        context.progress(static_cast<double>(i + 1) / tried);
        if (partial && i + 1 < tried) {
            partial(s);
        }
    }
    return s;
}

}  // namespace nibble
