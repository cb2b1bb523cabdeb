#include "sim/speculative/short_texts.hpp"

#include <cmath>
#include <numeric>

#include "sim/core/error.hpp"
#include "sim/core/parallel.hpp"
#include "sim/speculative/chi_square.hpp"

#include "tests/catch.hpp"

namespace nibble::short_texts_test {

namespace {

const Distribution p = {0.5, 0.3, 0.2}, q = {0.2, 0.3, 0.5};

std::vector<std::int64_t> counted(const ShortTexts& texts, SpeculationRule rule,
                                  std::int64_t draws) {
    std::vector<std::int64_t> counts(texts.words() * texts.words());
    texts.count(Rng(3), 0, draws, rule, counts);
    return counts;
}

}  // namespace

TEST_CASE("no word comes twice in a row", "[speculative]") {
    const ShortTexts texts(p, q);
    const Distribution pairs = texts.target_pairs();
    // .5 x .3 / .5, .5 x .2 / .5; .3 x .5 / .7 ...
    CHECK(pairs[0] == 0);
    CHECK(pairs[1] == Approx(0.3));
    CHECK(pairs[2] == Approx(0.2));
    CHECK(pairs[3] == Approx(0.3 * 0.5 / 0.7));
    CHECK(std::accumulate(pairs.begin(), pairs.end(), 0.0) == Approx(1));
    const ShortTexts one({0, 1, 0}, q);
    CHECK(one.after(1) == Distribution{0, 1, 0});
}

TEST_CASE("the exact rule writes the target's pairs, the mistakes others", "[speculative]") {
    const ShortTexts texts(p, q);
    const Distribution target = texts.target_pairs();
    for (const SpeculationRule rule : all_speculation_rules) {
        const Distribution pairs = texts.pairs(rule);
        CHECK(std::accumulate(pairs.begin(), pairs.end(), 0.0) == Approx(1));
        if (rule == SpeculationRule::exact) {
            CHECK(total_variation(pairs, target) < 1e-12);  // roundings of nine sums
        } else {
            CHECK(total_variation(pairs, target) > 0.02);
        }
    }
    // By hand: .7 accepted of min(p, q) = {.2, .3, .2}; a correction from p adds .3 p.
    const Distribution first = first_word(texts.pairs(SpeculationRule::no_residual), 3);
    CHECK(first[0] == Approx(0.2 + 0.3 * 0.5));
    CHECK(first[2] == Approx(0.2 + 0.3 * 0.2));
    // The others leave the first word alone.
    CHECK(total_variation(first_word(texts.pairs(SpeculationRule::argmax_bonus), 3), p) < 1e-12);
    // A bonus drawn for the rejected word may repeat the correction: only the third word can be
    // rejected, and only the first can replace it, so {0, 0} has .3 x p(0 | 2) = .3 x .5 / .8.
    CHECK(texts.pairs(SpeculationRule::bonus_after_rejection)[0] == Approx(0.3 * 0.5 / 0.8));
}

TEST_CASE("texts that are written are distributed as computed, whatever the rule",
          "[speculative]") {
    const ShortTexts texts(p, q);
    constexpr std::int64_t draws = 40000;
    for (const SpeculationRule rule : all_speculation_rules) {
        INFO(name(rule));
        const auto counts = counted(texts, rule, draws);
        // Seed 3 is fixed; a right program has p below 0.001 for one seed of 250 (four tests).
        CHECK(chi_square_test(counts, texts.pairs(rule)).p_value > 0.001);
        const double against_target = chi_square_test(counts, texts.target_pairs()).p_value;
        CHECK((rule == SpeculationRule::exact ? against_target > 0.001 : against_target < 1e-6));
    }
}

TEST_CASE("texts do not depend on threads or pieces", "[speculative]") {
    const ShortTexts texts(p, q);
    set_threads(1);
    const auto one = counted(texts, SpeculationRule::exact, 9000);
    set_threads(3);
    const auto three = counted(texts, SpeculationRule::exact, 9000);
    set_threads(0);
    CHECK(one == three);
    std::vector<std::int64_t> pieces(9);
    texts.count(Rng(3), 0, 1234, SpeculationRule::exact, pieces);
    texts.count(Rng(3), 1234, 9000, SpeculationRule::exact, pieces);
    CHECK(pieces == one);
}

TEST_CASE("drafts that are always wrong, and words that are impossible", "[speculative]") {
    const ShortTexts apart({0.5, 0.5, 0, 0}, {0, 0, 0.5, 0.5});
    CHECK(total_variation(apart.pairs(SpeculationRule::exact), apart.target_pairs()) < 1e-12);
    const auto counts = counted(apart, SpeculationRule::exact, 2000);
    for (std::size_t i = 0; i < counts.size(); ++i) {
        CHECK((apart.target_pairs()[i] > 0 || counts[i] == 0));
    }
    const ShortTexts same(p, p);
    for (const SpeculationRule rule : all_speculation_rules) {
        // Nothing is rejected, so only the bonus can go wrong.
        CHECK((total_variation(same.pairs(rule), same.target_pairs()) > 0.1) ==
              (rule == SpeculationRule::argmax_bonus));
    }
    CHECK_THROWS_AS(ShortTexts({0.5, 0.5}, q), Error);
    CHECK_THROWS_AS(ShortTexts({0.5, 0.4, 0}, q), Error);
    CHECK_THROWS_AS(ShortTexts({std::nan(""), 0.4, 0}, q), Error);
}

TEST_CASE("total variation, by hand", "[speculative]") {
    CHECK(total_variation({0.5, 0.5}, {0.2, 0.8}) == Approx(0.3));
    CHECK(total_variation({1, 0}, {0, 1}) == 1);
    CHECK(shares({1, 3}) == Distribution{0.25, 0.75});
    CHECK(shares({0, 0}) == Distribution{0, 0});
    CHECK(second_word({0.1, 0.2, 0.3, 0.4}, 2)[1] == Approx(0.6));
}

}  // namespace nibble::short_texts_test
