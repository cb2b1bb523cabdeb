// The rule that turns a cheap model's guesses into samples of the expensive one.
//
// A draft model proposes x ~ q; the target would have drawn from p. At every position
//
//     accept x                      when u < p(x) / q(x),      u uniform in (0, 1)
//     otherwise correct it with     y ~ (p - q)+ / sum (p - q)+          (the residual)
//     and after the last draft, all accepted, draw one bonus token from the target's next p,
//
// so that what comes out is distributed as p exactly, whatever q is (Leviathan, Kalman and Matias
// 2023, algorithm 1 and appendix A.1; Chen et al. 2023, algorithm 2). The chance to accept is
// sum min(p, q). A tree offers several candidates for one position: the next one is judged against
// the residual that the one before has left (Miao et al. 2024, multi-step speculative sampling).
//
// Three mistakes that are made in practice are here by name, to be compared with the rule.
// Distributions are by token id, not negative, and sum to one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace nibble {

using Distribution = std::vector<double>;

enum class SpeculationRule : std::uint8_t {
    exact,
    /// The bonus token is the likeliest one instead of a draw from p.
    argmax_bonus,
    /// A rejected token is replaced by a draw from p itself: what the draft likes, which already
    /// had its chance to be accepted, gets a second one.
    no_residual,
    /// A bonus token whenever K tokens are in the list. After a rejection of the last draft there
    /// are K too, and the bonus is then drawn given the rejected token instead of its correction.
    bonus_after_rejection,
};
inline constexpr std::array<SpeculationRule, 4> all_speculation_rules = {
    SpeculationRule::exact, SpeculationRule::argmax_bonus, SpeculationRule::no_residual,
    SpeculationRule::bonus_after_rejection};
/// "exact", "argmax_bonus", "no_residual", "bonus_after_rejection".
std::string_view name(SpeculationRule rule);

/// Throws Error::bad_param naming `whose` probabilities are empty, NaN, infinite, negative or do
/// not sum to one.
void check_distribution(std::span<const double> p, std::string_view whose);

/// sum min(p, q): how likely a token drawn from q is accepted. Also 1 minus the total variation
/// distance of p and q.
double acceptance_probability(std::span<const double> p, std::span<const double> q);

/// (p - q)+ normalised. Where p never exceeds q no rejection is possible but by rounding: then p.
Distribution residual(std::span<const double> p, std::span<const double> q);

/// The token at which the running sum of p passes u; never one of probability zero.
std::int32_t draw(std::span<const double> p, double u);

/// A candidate and the distribution it was drawn from; one that was chosen without dice (looked up,
/// or the likeliest) has all of it on itself.
struct Proposal {
    std::int32_t token = 0;
    std::span<const double> q;
};

/// What became of one position.
struct Settled {
    std::int32_t token = 0;
    /// Which candidate was accepted; -1 when all were rejected and the token is the correction.
    int accepted = -1;
};

/// Tries the candidates one after another: `accept` holds one uniform number for each,
/// `correction` the one that draws from the last residual. Throws Error::bad_param for a candidate
/// outside the vocabulary, or of probability zero under its own q, and for distributions of
/// different lengths.
Settled settle(std::span<const double> p, std::span<const Proposal> candidates,
               std::span<const double> accept, double correction,
               SpeculationRule rule = SpeculationRule::exact);

/// The token after a chain that was accepted whole.
std::int32_t bonus_token(std::span<const double> p, double u,
                         SpeculationRule rule = SpeculationRule::exact);

/// What became of a chain of K drafts.
struct ChainVerdict {
    std::size_t accepted = 0;          // drafts that stand
    std::vector<std::int32_t> tokens;  // those, then the correction or the bonus
    bool corrected = false;            // the token after the accepted ones is a correction
};

/// Judges a chain. q: K distributions, the i-th given the drafts before it; p: K + 1, the last
/// given all of them. uniform: K + 2 numbers; the i-th decides on draft i, the next draws the
/// correction or the bonus, the last serves the rule that adds a bonus too many. Throws as settle()
/// and check_distribution() do, and for a wrong number of any of them.
ChainVerdict verify_chain(std::span<const std::int32_t> drafts, std::span<const Distribution> q,
                     std::span<const Distribution> p, std::span<const double> uniform,
                     SpeculationRule rule = SpeculationRule::exact);

}  // namespace nibble
