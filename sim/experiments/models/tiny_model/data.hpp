// What the tiny-model lab knows about one text: the probability of every token of it, where every
// head looked, and how large every channel became, with and without outliers made to order.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/core/experiment.hpp"
#include "sim/model/generate.hpp"
#include "sim/model/loaded_model.hpp"
#include "sim/model/slip.hpp"

namespace nibble::tiny_model {

using Loaded = LoadedModel;

/// The text that the model reads before it goes on by itself.
struct Prompt {
    std::string text;
    std::optional<Slip> slip;  // ends the text, when a wrong word was put in
};
/// A validation document up to a word, right or wrong; the first that is neither short nor long.
Prompt corpus_prompt(Domain domain, bool wrong_word, const Loaded& loaded, std::uint64_t seed);

struct Outlying {
    Index channels = 0;  // spread evenly
    double factor = 1;
};

/// A token that could have stood somewhere.
struct Alternative {
    std::int32_t id = 0;
    std::string piece;
    double probability = 0, logit = 0;
};

/// The probability of one token, given all before it.
struct TokenView {
    std::string piece;
    double bits = 0;  // -log2 of its probability; NaN where nothing stands before it
    double logit = 0;
    double log_sum = 0;                  // ln of the sum of e^logit over the vocabulary
    Index rank = 0;                      // 0: no token was likelier
    std::vector<Alternative> likeliest;  // ten of them
};

inline constexpr std::array<Site, 5> all_sites = {Site::attention_in, Site::attention_out,
                                                  Site::mlp_in, Site::mlp_out, Site::head_in};

/// Largest magnitude of each channel at every site of every layer; head_in has one layer.
struct Ranges {
    std::vector<std::array<std::vector<float>, 5>> by_layer;
    const std::vector<float>& at(Index layer, Site site) const {
        const auto l = site == Site::head_in ? std::size_t{0} : static_cast<std::size_t>(layer);
        return by_layer.at(l)[static_cast<std::size_t>(site)];
    }
};

struct Reading {
    std::string model;
    ModelConfig config;
    std::optional<Slip> slip;
    TokenIds ids;
    std::size_t prompt_tokens = 0;  // those after are the model's own
    std::size_t slip_tokens = 0;    // the last of the prompt, when there is a slip
    std::vector<TokenView> tokens;
    /// Of the layers kept: (layer, head, query, key), tokens x tokens each.
    std::vector<float> attention;
    Index layers_kept = 0;
    Ranges plain;
    Matrix<float> logits;  // (tokens, vocab)

    std::size_t size() const { return tokens.size(); }
    /// Where the head looked when it predicted `token`: one weight for every token before it.
    std::vector<float> looks(Index layer, Index head, std::size_t token) const;
};

struct Data {
    std::shared_ptr<const Reading> reading;
    Outlying outlying;
    std::optional<Ranges> ranges;  // with outliers, when there are any
    double largest_change = 0;     // of a logit
    double largest_logit = 0;      // magnitude
    bool is_preview = false;
};

/// Reads the prompt, goes on for `count` tokens, and watches. Throws Error::bad_param when the
/// prompt is empty or too long to be looked at.
Reading read(const Loaded& loaded, const Prompt& prompt, Index count, const Sampling& sampling,
             const RunContext& context);

/// The same tokens once more through a model with outliers behind every norm.
void make_outlying(const Loaded& loaded, const Outlying& outlying, Data& data,
                   const RunContext& context);

}  // namespace nibble::tiny_model
