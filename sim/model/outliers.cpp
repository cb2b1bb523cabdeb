#include "sim/model/outliers.hpp"

#include <cmath>
#include <fmt/format.h>

namespace nibble {
namespace {

using Owned = std::vector<std::shared_ptr<const void>>;

/// A copy of `from` with some columns multiplied.
View<const float> scaled(View<const float> from, std::span<const Index> columns, float by,
                         Owned& owners) {
    const auto copy = std::make_shared<Matrix<float>>(from.rows, from.cols);
    for (Index i = 0; i < from.rows; ++i) {
        std::copy_n(from.row(i), from.cols, copy->row(i));
        for (const Index column : columns) {
            (*copy)(i, column) *= by;
        }
    }
    owners.push_back(copy);
    return copy->view();
}

void check(const ModelConfig& c, Index layer, Site site, std::span<const Index> channels,
           double factor) {
    const auto refuse = [](const std::string& what, const std::string& hint) {
        throw Error(Error::Code::bad_param, what, hint);
    };
    if (site == Site::attention_out || site == Site::mlp_out) {
        refuse(fmt::format("there is no norm before {}", name(site)),
               "attention_in, mlp_in and head_in have one");
    }
    if (layer < 0 || layer >= c.layers) {
        refuse(fmt::format("layer = {} is not in the model", layer),
               fmt::format("layers run from 0 to {}", c.layers - 1));
    }
    for (const Index channel : channels) {
        if (channel < 0 || channel >= c.hidden) {
            refuse(fmt::format("channel = {} is not in the model", channel),
                   fmt::format("channels run from 0 to {}", c.hidden - 1));
        }
    }
    if (!std::isfinite(factor) || factor <= 0) {
        refuse(fmt::format("factor = {} is not a positive number", factor), "try 50");
    }
}

}  // namespace

Model<float> with_outliers(Model<float> model, Index layer, Site site,
                           std::span<const Index> channels, double factor) {
    check(model.config, layer, site, channels, factor);
    const auto up = static_cast<float>(factor), down = static_cast<float>(1 / factor);
    if (site == Site::head_in) {
        model.final_norm = scaled(model.final_norm, channels, up, model.owners);
        model.head = scaled(model.head, channels, down, model.owners);
        return model;
    }
    LayerWeights<float> w = model.layer(layer);
    const auto owners = std::make_shared<Owned>(Owned{w.owner});
    View<const float>& norm = site == Site::attention_in ? w.attention_norm : w.ffn_norm;
    norm = scaled(norm, channels, up, *owners);
    for (const Linear kind : layer_linears) {
        if (site_of(kind) == site) {
            w[kind] = scaled(w[kind], channels, down, *owners);
        }
    }
    w.owner = owners;
    if (model.read_layer) {
        model.read_layer = [base = model.read_layer, w, layer](Index l) {
            return l == layer ? w : base(l);
        };
    } else {
        model.layers[static_cast<std::size_t>(layer)] = w;
    }
    return model;
}

std::vector<float> activation_ranges(const Model<float>& model, Index layer, Site site,
                                     std::span<const TokenIds> batch) {
    std::vector<float> ranges;
    Hooks<float> hooks;
    hooks.last_layer = site == Site::head_in ? -1 : layer;
    hooks.on_input = [&](Index at, Site here, View<float> input) {
        if (here != site || (site != Site::head_in && at != layer)) {
            return;
        }
        ranges.assign(static_cast<std::size_t>(input.cols), 0.0F);
        for (Index i = 0; i < input.rows; ++i) {
            for (Index j = 0; j < input.cols; ++j) {
                float& range = ranges[static_cast<std::size_t>(j)];
                range = std::max(range, std::abs(input(i, j)));
            }
        }
    };
    run(model, batch, hooks);
    return ranges;
}

}  // namespace nibble
