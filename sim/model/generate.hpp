// Text from a model, token by token, with the probability of each; and activations from a model.
#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "sim/model/network.hpp"

namespace nibble {

struct Sampling {
    double temperature = 0.8;  // 0 takes the most likely token
    Index top_k = 0;           // only the k most likely; 0 means all
    std::uint64_t seed = 1;
    /// Only the fewest likeliest tokens that together have this probability (Holtzman et al. 2020);
    /// after the temperature and top_k.
    double top_p = 1;
};

/// Throws Error::bad_param naming what is out of its range.
void check(const Sampling& sampling);

struct Candidate {
    std::int32_t id = 0;
    double probability = 0;
};

/// Probabilities of all tokens under the sampling's rules, likeliest first (lower id first among
/// equals); the cut-off ones are left out.
std::vector<Candidate> candidates(std::span<const float> logits, const Sampling& sampling);

struct GeneratedToken {
    std::int32_t id = 0;
    double probability = 0;                 // under the model itself, at temperature 1
    std::vector<Candidate> likeliest = {};  // the first few, at temperature 1
};

/// At most `count` tokens after the prompt; ends at an end token, which is not returned, or when
/// the model's positions are used up. `on_token` returns false to stop. The i-th draw depends on
/// the seed and i. Throws Error::bad_param for an empty or too long prompt.
std::vector<GeneratedToken> generate(
    const Model<float>& model, std::span<const std::int32_t> prompt, Index count,
    const Sampling& sampling, const std::function<bool(const GeneratedToken&)>& on_token = {});

/// The first `rows` inputs of a linear layer over the sequences, (tokens, in). Runs no further
/// than that layer. Throws as logits() does.
Matrix<float> capture(const Model<float>& model, LinearId id, std::span<const TokenIds> sequences,
                      Index rows);

}  // namespace nibble
