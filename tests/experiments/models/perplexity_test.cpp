#include "sim/experiments/all.hpp"

#include "tests/catch.hpp"

namespace nibble::perplexity_test {

TEST_CASE("rounding the shipped model to two bits is felt, and most by its sensitive matrices",
          "[perplexity-lab]") {
    const Experiment& e = find_experiment(all_experiments(), "perplexity");
    const Outcome o = evaluate(e, e.defaults());
    CHECK(o.metric("added_loss").value > 0.02);
    CHECK(o.metric("exact_perplexity").value < o.metric("perplexity").value);
    CHECK(o.metric("cache_2_bits_added_loss").value > o.metric("cache_8_bits_added_loss").value);
    // 2 bits a code, FP16 scale and 2-bit zero point for every 64.
    CHECK(o.metric("bits_per_weight").value == Approx(2 + 18.0 / 64).epsilon(0.01));
    const Figure& mixed = o.rows.at(1).figures.at(1);
    const auto& first = std::get<Line>(mixed.marks.at(0));
    const auto& turned = std::get<Line>(mixed.marks.at(1));
    CHECK(first.y.at(1) < turned.y.at(1));
    CHECK(first.y.back() == Approx(turned.y.back()));  // all of them in 8 bits
    CHECK(o.tables.at(1).rows.size() == 28);
}

}  // namespace nibble::perplexity_test
