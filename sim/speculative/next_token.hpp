// From a model's logits to the distribution that its next token is drawn from.
#pragma once

#include <span>
#include <string_view>

#include "sim/core/rng.hpp"
#include "sim/model/generate.hpp"
#include "sim/speculative/acceptance_rule.hpp"

namespace nibble {

/// Probabilities by token id under temperature, top_k and top_p, as candidates() has them; all on
/// the likeliest token (the lowest id among equals) at temperature 0. Minus infinity is a logit, of
/// a token that cannot come. Throws Error::bad_file naming `whose` logits hold a NaN or plus
/// infinity, or leave no token possible, and Error::bad_param as check(Sampling) does.
Distribution next_token(std::span<const float> logits, const Sampling& sampling,
                        std::string_view whose);

/// The `count` likeliest tokens, the lower id first among equals.
std::vector<std::int32_t> likeliest(std::span<const float> logits, std::size_t count);

/// Uniform numbers one after another: the i-th depends on the seed and i.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : rng_(Rng(seed).stream("speculate")) {}
    double roll() { return rng_.uniform(rolled_++); }

private:
    Rng rng_;
    std::uint64_t rolled_ = 0;
};

}  // namespace nibble
