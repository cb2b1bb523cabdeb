// The layer that the layer labs look at: its weights, the activations it is calibrated on, and
// others that no method has seen.
//
//   target      a linear layer of the tiny model that comes with the program, reading its corpus
//   file        the same of a model of the reader's own
//   synthetic   normal weights; activations whose covariance has eigenvalues k^-decay under a
//               random orthogonal basis, so that channels share causes as those of real layers do
//
// Outliers are laid over any of them: some input channels, evenly spaced, become `outlier_factor`
// times as large and meet unchanged weights. It is then another layer, and methods are judged by
// that one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/model/corpus.hpp"
#include "sim/model/loaded_model.hpp"
#include "sim/model/network.hpp"
#include "sim/model/weights.hpp"

namespace nibble {

enum class LayerSource { target, file, synthetic };
/// What calibration reads; `mixed` takes the documents of all domains in turn.
enum class CalibrationText { mixed, stories, arithmetic, code, records };
/// The text of one domain alone.
CalibrationText text_of(Domain domain);

struct LayerChoice {
    LayerSource source = LayerSource::target;
    std::string file = {};
    int layer = 1;  // beyond the last: the last
    Linear linear = Linear::up;
    CalibrationText text = CalibrationText::mixed;
    int tokens = 512;  // to calibrate on
    int rows = 128, cols = 128;
    double decay = 1;
    int outlier_channels = 0;
    double outlier_factor = 20;
};

struct LabLayer {
    std::string name;                     // "layer 1, up_proj of target"
    std::optional<LinearId> linear = {};  // of the model; absent for a synthetic one
    Index all_rows = 0;         // output channels of the layer; weights may hold fewer of them
    Matrix<float> weights;      // (rows, cols), rows evenly spaced, at most lab_rows
    Matrix<float> calibration;  // (tokens, cols)
    Matrix<float> unseen;       // (tokens, cols) of validation documents of all domains
    std::string key;            // names this layer in a cache

    std::size_t bytes() const;
};
inline constexpr Index lab_rows = 256;
inline constexpr Index lab_unseen_tokens = 512;

/// "target" or the file's path. Throws Error::bad_param when no file is named.
std::string model_of(const LayerChoice& choice);

/// Documents of a split until they hold `count` tokens, the last one cut short. Domains take turns
/// where the text is mixed.
std::vector<TokenIds> lab_documents(const LoadedModel& loaded, CalibrationText text, Split split,
                                    Index count, std::uint64_t seed);

/// Kept in context.shared. Throws Error::bad_param when no file is named, and what opening and
/// running a model throw.
std::shared_ptr<const LabLayer> lab_layer(const LayerChoice& choice, const RunContext& context);

const Schema<LayerChoice>& layer_schema();

/// A member's schema as its owner's, with the owner's defaults.
template <class Owner, class Part>
Schema<Owner> schema_of_part(const Schema<Part>& schema, Part Owner::*part) {
    Schema<Owner> all;
    for (const Param<Part>& from : schema) {
        Param<Owner> p;
        static_cast<ParamInfo&>(p) = from;
        p.get = [from, part](const Owner& o) { return from.get(o.*part); };
        p.set = [from, part](Owner& o, const Value& v) { from.set(o.*part, v); };
        p.default_value = p.get(Owner{});
        p.is_relevant = [from, part](const Owner& o) { return from.is_relevant(o.*part); };
        all.push_back(std::move(p));
    }
    return all;
}

}  // namespace nibble
