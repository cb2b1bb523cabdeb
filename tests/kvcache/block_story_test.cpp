#include "sim/kvcache/block_story.hpp"

#include <set>

#include "sim/core/error.hpp"

#include "tests/catch.hpp"

namespace nibble::block_story_test {

namespace {

/// Counts follow from the tables, and each table spells its sequence's words.
void check_step(const StoryStep& step, int block_size) {
    std::vector<int> users(step.blocks.size(), 0);
    for (const StoryStep::Sequence& s : step.sequences) {
        if (s.on_host) {
            continue;
        }
        std::vector<std::string> read;
        for (const int block : s.block_table) {
            ++users.at(static_cast<std::size_t>(block));
            const auto& words = step.blocks[static_cast<std::size_t>(block)].words;
            REQUIRE(static_cast<int>(words.size()) <= block_size);
            read.insert(read.end(), words.begin(), words.end());
        }
        REQUIRE(s.waits == s.block_table.empty());
        if (!s.waits) {
            REQUIRE(read == s.words);
        }
    }
    for (std::size_t b = 0; b < users.size(); ++b) {
        REQUIRE(step.blocks[b].ref_count == users[b]);
    }
    REQUIRE_FALSE(step.what.empty());
    REQUIRE_FALSE(step.events.empty());
}

}  // namespace

TEST_CASE("every story keeps tables, counts and words together", "[kvcache]") {
    const auto kind = static_cast<StoryKind>(GENERATE(range(0, 4)));
    const auto how = GENERATE(Preemption::recompute, Preemption::swap);
    const int block_size = GENERATE(range(1, 9));
    const int width = GENERATE(range(1, 5));
    std::vector<StoryStep> steps;
    try {
        steps = tell({kind, block_size, 0, width, how});
    } catch (const Error& error) {
        // With so few blocks that not all prompts fit, the story about short memory cannot begin.
        CHECK(kind == StoryKind::memory_short);
        CHECK(error.code() == Error::Code::bad_param);
        return;
    }
    for (const StoryStep& step : steps) {
        check_step(step, block_size);
    }
}

TEST_CASE("samples of one prompt copy its last block once less than there are samples",
          "[kvcache]") {
    // 7 words in blocks of 4: the second block is not full, so all but the last writer copy it.
    const auto steps = tell({StoryKind::parallel_sampling, 4, 0, 3, {}});
    CHECK(steps.back().copies == 2);
    CHECK(steps.back().used_blocks() == 0);
    // After the two forks: 6 entries, 2 blocks.
    CHECK(steps[2].logical_blocks() == 6);
    CHECK(steps[2].used_blocks() == 2);
    CHECK(steps[3].has(CacheEvent::Kind::copied));
    // In blocks of 7 the prompt ends with its block: nothing is ever copied.
    CHECK(tell({StoryKind::parallel_sampling, 7, 0, 3, {}}).back().copies == 0);
}

TEST_CASE("a prompt in common is found again, at most all but its last word", "[kvcache]") {
    // 8 words in common: two blocks of 4, for the second and the third; the late one is the third's
    // prompt again, 10 words, of which two full blocks lie in free blocks.
    const auto steps = tell({StoryKind::shared_prompt, 4, 0, 3, {}});
    CHECK(steps.back().reused_tokens == 3 * 8);
    // With one request the late one is its prompt of 12 words: the third block is full too, and is
    // not used again because its last word must be computed.
    CHECK(tell({StoryKind::shared_prompt, 4, 0, 1, {}}).back().reused_tokens == 8);
}

TEST_CASE("when memory is short the last to come gives way, and everyone finishes", "[kvcache]") {
    for (const auto how : {Preemption::recompute, Preemption::swap}) {
        const auto steps = tell({StoryKind::memory_short, 4, 0, 3, how});
        CHECK(steps.back().preemptions > 0);
        CHECK((steps.back().recomputed_tokens > 0) == (how == Preemption::recompute));
        CHECK((steps.back().swapped_blocks > 0) == (how == Preemption::swap));
        CHECK(steps.back().sequences.empty());
        std::set<std::string> finished;
        for (const StoryStep& step : steps) {
            if (step.what.ends_with("is finished")) {
                finished.insert(step.what);
            }
        }
        CHECK(finished.size() == 3);
    }
    CHECK(tell({StoryKind::memory_short, 4, 9, 3, {}}).back().preemptions == 0);
}

TEST_CASE("a story that needs more blocks says so", "[kvcache]") {
    CHECK_THROWS_AS(tell({StoryKind::parallel_sampling, 1, 3, 2, {}}), Error);
    CHECK_THROWS_AS(tell({StoryKind::memory_short, 4, 2, 3, {}}), Error);
}

}  // namespace nibble::block_story_test
