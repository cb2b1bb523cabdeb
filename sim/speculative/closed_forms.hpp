// What drafting K tokens ahead is worth, when each draft is accepted with the same chance alpha
// (Leviathan, Kalman and Matias 2023, "Fast Inference from Transformers via Speculative Decoding").
//
// A target step checks K drafts at once. It keeps those before the first rejection and adds one
// token of its own, a correction or a bonus:
//
//     P(n accepted) = alpha^n (1 - alpha) for n < K,   alpha^K for n = K
//     tokens        E = 1 + alpha + ... + alpha^K = (1 - alpha^(K+1)) / (1 - alpha)    (equation 1)
//     wall time     E / (K c + 1) times as fast, c = draft's step / target's step (theorem 3.8)
//     arithmetic    (K chat + K + 1) / E times as much, chat = draft's / target's (theorem 3.11)
//
// Left out: that some drafts are easier than others (real acceptance comes in runs), and that a
// step over K + 1 tokens may take longer than over one; pair_cost.hpp has the latter.
#pragma once

#include <vector>

namespace nibble {

/// Tokens that one target step yields on average; K + 1 at alpha = 1.
double expected_tokens(double alpha, int k);

/// P(n of K drafts are accepted), n = 0 .. K; sums to one.
std::vector<double> accepted_distribution(double alpha, int k);

/// Variance of the tokens of one target step.
double tokens_variance(double alpha, int k);

/// How many times as fast as without a draft, when a step of the draft takes `cost` steps of the
/// target: below 1 it loses.
double walltime_factor(double alpha, int k, double cost);

/// How many times as much arithmetic a token takes, when a token of the draft takes
/// `draft_operations` of the target's.
double operations_factor(double alpha, int k, double draft_operations);

/// The K in 0 .. `most` with the largest wall-time factor; the smallest where several share it. 0:
/// no draft pays, which is so whenever alpha <= cost (corollary 3.9).
int best_drafts(double alpha, double cost, int most);

/// The alpha at which K drafts yield `tokens` a step: the inverse of expected_tokens. Below 1 token
/// it is 0, beyond K + 1 it is 1.
double acceptance_for(double tokens, int k);

}  // namespace nibble
