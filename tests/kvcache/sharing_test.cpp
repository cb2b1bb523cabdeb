// Blocks saved by sharing, by hand, and what the vLLM paper prints of it.
#include "sim/kvcache/sharing.hpp"

#include "sim/core/error.hpp"
#include "sim/kvcache/published_vllm.hpp"

#include "tests/catch.hpp"

namespace nibble {
namespace {

BlocksSaved saved(std::int32_t prompt, std::int32_t output, int sequences, double dropped = 0) {
    return blocks_saved({{0, 0, prompt, output}}, {sequences, 4, dropped}, Rng(1));
}

}  // namespace

TEST_CASE("parallel sampling shares the full blocks of the prompt", "[sharing]") {
    // Eight tokens fill two blocks of four; the ninth opens a third for each.
    CHECK(saved(8, 1, 2).without == 6);
    CHECK(saved(8, 1, 2).with == 4);
    CHECK(saved(8, 1, 3).without == 9);
    CHECK(saved(8, 1, 3).with == 5);
    // Two tokens fill no block: the first written token copies it.
    CHECK(saved(2, 1, 2).share() == 0);
    CHECK(saved(6, 1, 2).with == 3);
    // Over two steps, five and six tokens after four shared ones: 2 + 2 blocks, 1 + 2 with sharing.
    CHECK(saved(4, 2, 2).without == 8);
    CHECK(saved(4, 2, 2).with == 6);
    CHECK(saved(8, 5, 1).share() == 0);
}

TEST_CASE("beams that replace each other share what lies before they parted", "[sharing]") {
    const double never = saved(8, 100, 4, 0).share(), seldom = saved(8, 100, 4, 0.02).share(),
                 often = saved(8, 100, 4, 0.5).share();
    CHECK(never < seldom);
    CHECK(seldom < often);
    CHECK(often < 0.75);  // one of four must be kept
}

TEST_CASE("the figures of the vLLM paper are read as printed", "[sharing][data]") {
    const PublishedVllm& p = published_vllm();
    REQUIRE(p.memory.size() == 4);
    CHECK(p.memory[0].name == "Orca (Max)");
    CHECK(p.memory[0].token_states == Approx(0.204));
    CHECK_FALSE(p.memory[3].internal);
    CHECK(p.batch_of(Placement::paged).sharegpt == 30.42);
    CHECK(p.batch_of(Placement::pow2_buddy).alpaca == 43.24);
    CHECK(p.savings.size() == 10);
    CHECK(p.chosen_block_size == 16);
    for (const PrintedMemory& m : p.memory) {
        const double sum = m.token_states + m.reservation.value_or(0) + m.internal.value_or(0) +
                           m.external.value_or(0);
        CHECK(sum == Approx(1).margin(0.04));  // vLLM's other 3.7 % are not drawn
    }
    CHECK_FALSE(p.source.empty());
    CHECK_FALSE(p.licence.empty());
    CHECK_THROWS_AS(p.batch_of(Placement::pow2), BrokenInvariant);
}

}  // namespace nibble
