// The verification step of speculative decoding for a batch of requests (Leviathan, Kalman and
// Matias 2023, algorithm 1; Chen et al. 2023, algorithm 2): given what the target model says at
// K + 1 positions and what the draft model said at K of them, how many drafted tokens stand, and
// which token follows them.
//
//   accept draft i while u_i q_i(x_i) < p_i(x_i);
//   at the first rejection draw from max(p_i - q_i, 0), normalised;
//   when all K stand draw from p_K: the bonus token.
//
// Every machine finds the same tokens, by a rule that leaves nothing to rounding:
//
// - Accepting compares products of floats in double, where they are exact.
// - Weights for drawing, p or max(p - q, 0), are taken to the nearest multiple of 2^-50 (see
//   on_grid). A row sums to less than 8, so sums of weights are exact in double: in any order,
//   over any number of threads, they are the same.
// - The token drawn is the first whose running sum exceeds u times the row's sum, that product
//   rounded once. Tokens of weight 0 are never drawn.
// - Where rounding left nothing of the residual, p <= q everywhere, p itself is drawn from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nibble::kernels {

struct VerifyShape {
    std::size_t requests = 0;
    std::size_t drafts = 0;  // K; 0 draws one token from the target
    std::size_t vocabulary = 0;

    /// The target's rows, and the uniform numbers.
    std::size_t positions() const { return requests * (drafts + 1); }
    std::size_t drafted() const { return requests * drafts; }
};

struct VerifyInput {
    std::span<const float> target;         // (requests, drafts + 1, vocabulary), probabilities p
    std::span<const float> draft;          // (requests, drafts, vocabulary), probabilities q
    std::span<const std::int32_t> tokens;  // (requests, drafts), drawn from q
    /// (requests, drafts + 1) in [0, 1): one to accept each draft, the last to draw the token that
    /// follows.
    std::span<const float> uniforms;
};

struct VerifyOutput {
    std::span<std::int32_t> accepted;  // (requests): drafts that stand, 0 .. K
    std::span<std::int32_t> next;      // (requests): the token after them
};

/// How far a row's sum may lie from 1: what floats of a softmax over any vocabulary leave.
inline constexpr double probability_slack = 1e-3;

/// Throws std::invalid_argument that names the request, the position and the value when sizes do
/// not fit, a probability is NaN, negative or infinite, a row does not sum to 1, a token is not of
/// the vocabulary or one that the draft cannot have drawn (q = 0), a uniform is not in [0, 1).
void check_verification(const VerifyShape& shape, const VerifyInput& input);

/// Checks, then decides, requests shared out to threads. Throws what check_verification throws.
void verify_drafts(const VerifyShape& shape, const VerifyInput& input, const VerifyOutput& output);

/// The same for input that was checked: reads one row a request instead of all.
void verify_checked_drafts(const VerifyShape& shape, const VerifyInput& input,
                           const VerifyOutput& output);

}  // namespace nibble::kernels
