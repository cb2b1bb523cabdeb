#include "sim/speculative/short_texts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "sim/core/error.hpp"
#include "sim/core/parallel.hpp"

namespace nibble {
namespace {

constexpr std::size_t texts_a_piece = 2048;        // texts of one piece: about a millisecond
constexpr std::uint64_t dice_of_step = 4;  // the draft, its acceptance, the correction, one more
constexpr std::uint64_t dice_of_text = 2 * dice_of_step;

Distribution without(const Distribution& p, std::size_t previous) {
    const double rest = std::accumulate(p.begin(), p.end(), 0.0) - p[previous];
    Distribution left = p;
    left[previous] = 0;
    if (std::none_of(left.begin(), left.end(), [](double x) { return x > 0; })) {
        return p;
    }
    for (double& x : left) {
        x /= rest;
    }
    return left;
}

/// What one position is distributed as when its draft is judged by the rule.
Distribution judged(const Distribution& p, const Distribution& q, SpeculationRule rule) {
    const double rejected = 1 - acceptance_probability(p, q);
    const Distribution correction = rule == SpeculationRule::no_residual ? p : residual(p, q);
    Distribution out(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
        out[i] = std::min(p[i], q[i]) + rejected * correction[i];
    }
    return out;
}

}  // namespace

ShortTexts::ShortTexts(Distribution p, Distribution q) : p_(std::move(p)), q_(std::move(q)) {
    check_distribution(p_, "the target");
    check_distribution(q_, "the draft");
    if (p_.size() != q_.size()) {
        throw Error(Error::Code::bad_param,
                    fmt::format("the draft knows {} words, the target {}", q_.size(), p_.size()),
                    "both need the same vocabulary");
    }
    for (std::size_t i = 0; i < words(); ++i) {
        p_after_.push_back(without(p_, i));
        q_after_.push_back(without(q_, i));
    }
    for (std::size_t before = 0; before <= words(); ++before) {
        const bool begins = before == words();
        q_chain_.push_back({begins ? q_ : q_after_[before]});
        p_chain_.emplace_back();
        for (std::size_t draft = 0; draft < words(); ++draft) {
            p_chain_.back().push_back({begins ? p_ : p_after_[before], p_after_[draft]});
        }
    }
}

Distribution ShortTexts::target_pairs() const {
    Distribution pairs;
    for (std::size_t first = 0; first < words(); ++first) {
        for (std::size_t second = 0; second < words(); ++second) {
            pairs.push_back(p_[first] * p_after_[first][second]);
        }
    }
    return pairs;
}

Distribution ShortTexts::pairs(SpeculationRule rule) const {
    Distribution all(words() * words());
    const Distribution correction = rule == SpeculationRule::no_residual ? p_ : residual(p_, q_);
    for (std::size_t draft = 0; draft < words(); ++draft) {
        const double accepted = std::min(p_[draft], q_[draft]), rejected = q_[draft] - accepted;
        const Distribution& bonus = p_after_[draft];
        const auto likeliest =
            static_cast<std::size_t>(std::max_element(bonus.begin(), bonus.end()) - bonus.begin());
        for (std::size_t second = 0; second < words(); ++second) {
            all[draft * words() + second] +=
                accepted * (rule == SpeculationRule::argmax_bonus ? double(second == likeliest)
                                                                  : bonus[second]);
        }
        for (std::size_t first = 0; first < words(); ++first) {
            const Distribution next = rule == SpeculationRule::bonus_after_rejection
                                          ? bonus
                                          : judged(p_after_[first], q_after_[first], rule);
            for (std::size_t second = 0; second < words(); ++second) {
                all[first * words() + second] += rejected * correction[first] * next[second];
            }
        }
    }
    return all;
}

std::size_t ShortTexts::write(const Rng& rng, std::uint64_t text, SpeculationRule rule) const {
    std::uint64_t die = text * dice_of_text;
    const auto step = [&](std::size_t before) {
        const std::int32_t draft = draw(q_chain_[before].front(), rng.uniform(die));
        const std::array<double, 3> uniform = {rng.uniform(die + 1), rng.uniform(die + 2),
                                               rng.uniform(die + 3)};
        die += dice_of_step;
        return verify_chain(std::span(&draft, 1), q_chain_[before],
                            p_chain_[before][static_cast<std::size_t>(draft)], uniform, rule)
            .tokens;
    };
    const std::vector<std::int32_t> begun = step(words());
    const auto first = static_cast<std::size_t>(begun.front());
    const std::int32_t second = begun.size() > 1 ? begun[1] : step(first).front();
    return first * words() + static_cast<std::size_t>(second);
}

void ShortTexts::count(const Rng& rng, std::int64_t first, std::int64_t last, SpeculationRule rule,
                       std::vector<std::int64_t>& counts) const {
    NIBBLE_ASSERT(first <= last && counts.size() == words() * words(), "one count a pair");
    using Counts = std::vector<std::int64_t>;
    const auto piece = [&](std::size_t begin, std::size_t end) {
        Counts own(counts.size());
        for (std::size_t i = begin; i < end; ++i) {
            ++own[write(rng, static_cast<std::uint64_t>(first) + i, rule)];
        }
        return own;
    };
    const auto add = [](Counts sum, const Counts& own) {
        std::transform(sum.begin(), sum.end(), own.begin(), sum.begin(), std::plus<>());
        return sum;
    };
    counts = parallel_reduce(static_cast<std::size_t>(last - first), texts_a_piece, counts, piece, add);
}

double total_variation(const std::vector<double>& a, const std::vector<double>& b) {
    NIBBLE_ASSERT(a.size() == b.size(), "both distributions are over the same tokens");
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        sum += std::abs(a[i] - b[i]);
    }
    return sum / 2;
}

Distribution shares(const std::vector<std::int64_t>& counts) {
    const auto all =
        static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
    Distribution share;
    for (const std::int64_t c : counts) {
        share.push_back(all > 0 ? static_cast<double>(c) / all : 0);
    }
    return share;
}

Distribution first_word(const Distribution& pairs, std::size_t words) {
    Distribution sum(words);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        sum[i / words] += pairs[i];
    }
    return sum;
}

Distribution second_word(const Distribution& pairs, std::size_t words) {
    Distribution sum(words);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        sum[i % words] += pairs[i];
    }
    return sum;
}

}  // namespace nibble
