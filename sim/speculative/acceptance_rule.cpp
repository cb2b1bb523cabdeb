#include "sim/speculative/acceptance_rule.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "sim/core/error.hpp"

namespace nibble {
namespace {

/// Softmax in double over a million tokens sums to one within 1e-10; a thousandfold beyond that is
/// no rounding.
constexpr double sum_tolerance = 1e-7;

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
    throw Error(Error::Code::bad_param, what, hint);
}

void check_candidate(const Proposal& c, std::size_t vocab) {
    if (c.q.size() != vocab) {
        refuse(fmt::format("the draft knows {} tokens, the target {}", c.q.size(), vocab),
               "both need the same vocabulary");
    }
    if (c.token < 0 || static_cast<std::size_t>(c.token) >= vocab) {
        refuse(fmt::format("the drafted token {} is not in the vocabulary", c.token),
               fmt::format("ids run from 0 to {}", vocab - 1));
    }
    if (!(c.q[static_cast<std::size_t>(c.token)] > 0)) {
        refuse(fmt::format("token {} was drafted, though the draft gives it probability {}",
                           c.token, c.q[static_cast<std::size_t>(c.token)]),
               "pass the distribution it was drawn from, after temperature and top_p");
    }
}

}  // namespace

std::string_view name(SpeculationRule rule) {
    static constexpr std::string_view names[] = {"exact", "argmax_bonus", "no_residual",
                                                 "bonus_after_rejection"};
    return names[static_cast<std::size_t>(rule)];
}

void check_distribution(std::span<const double> p, std::string_view whose) {
    if (p.empty()) {
        refuse(fmt::format("{} has no probabilities", whose), "the vocabulary cannot be empty");
    }
    double sum = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (!std::isfinite(p[i]) || p[i] < 0) {
            refuse(fmt::format("{} gives token {} the probability {}", whose, i, p[i]),
                   "a probability is a number from 0 to 1; are the model's weights sound?");
        }
        sum += p[i];
    }
    if (std::abs(sum - 1) > sum_tolerance) {
        refuse(fmt::format("the probabilities of {} sum to {}", whose, sum), "they must sum to 1");
    }
}

double acceptance_probability(std::span<const double> p, std::span<const double> q) {
    NIBBLE_ASSERT(p.size() == q.size(), "both distributions are over the same tokens");
    double sum = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        sum += std::min(p[i], q[i]);
    }
    return sum;
}

Distribution residual(std::span<const double> p, std::span<const double> q) {
    NIBBLE_ASSERT(p.size() == q.size(), "both distributions are over the same tokens");
    Distribution left(p.size());
    double sum = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        left[i] = std::max(0.0, p[i] - q[i]);
        sum += left[i];
    }
    if (sum <= 0) {
        return {p.begin(), p.end()};
    }
    for (double& x : left) {
        x /= sum;
    }
    return left;
}

std::int32_t draw(std::span<const double> p, double u) {
    double left = u;
    std::size_t last = 0;  // the last possible token takes what rounding leaves
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (p[i] > 0) {
            last = i;
            left -= p[i];
            if (left < 0) {
                break;
            }
        }
    }
    return static_cast<std::int32_t>(last);
}

Settled settle(std::span<const double> p, std::span<const Proposal> candidates,
               std::span<const double> accept, double correction, SpeculationRule rule) {
    NIBBLE_ASSERT(accept.size() >= candidates.size(), "every candidate has its own uniform number");
    Distribution left;
    std::span<const double> now = p;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const Proposal& c = candidates[i];
        check_candidate(c, p.size());
        const auto token = static_cast<std::size_t>(c.token);
        if (accept[i] * c.q[token] < now[token]) {
            return {c.token, static_cast<int>(i)};
        }
        if (rule != SpeculationRule::no_residual) {
            left = residual(now, c.q);
            now = left;
        }
    }
    return {draw(now, correction), -1};
}

std::int32_t bonus_token(std::span<const double> p, double u, SpeculationRule rule) {
    if (rule == SpeculationRule::argmax_bonus) {
        return static_cast<std::int32_t>(std::max_element(p.begin(), p.end()) - p.begin());
    }
    return draw(p, u);
}

ChainVerdict verify_chain(std::span<const std::int32_t> drafts, std::span<const Distribution> q,
                     std::span<const Distribution> p, std::span<const double> uniform,
                     SpeculationRule rule) {
    const std::size_t k = drafts.size();
    if (q.size() != k || p.size() != k + 1 || uniform.size() != k + 2) {
        refuse(fmt::format("{} drafts come with {} distributions of the draft, {} of the target "
                           "and {} uniform numbers",
                           k, q.size(), p.size(), uniform.size()),
               "K drafts need K, K + 1 and K + 2");
    }
    ChainVerdict verdict;
    for (std::size_t i = 0; i < k; ++i) {
        check_distribution(p[i], "the target");
        check_distribution(q[i], "the draft");
        const Proposal candidate{drafts[i], q[i]};
        const Settled settled =
            settle(p[i], std::span(&candidate, 1), uniform.subspan(i, 1), uniform[k], rule);
        verdict.tokens.push_back(settled.token);
        if (settled.accepted < 0) {
            verdict.corrected = true;
            if (rule == SpeculationRule::bonus_after_rejection && i + 1 == k) {
                verdict.tokens.push_back(draw(p[k], uniform[k + 1]));
            }
            return verdict;
        }
        ++verdict.accepted;
    }
    check_distribution(p[k], "the target");
    verdict.tokens.push_back(bonus_token(p[k], uniform[k], rule));
    return verdict;
}

}  // namespace nibble
