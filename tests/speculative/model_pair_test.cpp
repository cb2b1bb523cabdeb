// Pairs from files: trees as text, tokenizers that must agree, and both ways of decoding in turn.
#include "sim/speculative/model_pair.hpp"

#include "sim/model/train.hpp"

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::model_pair_test {

using namespace nibble::testing;

TEST_CASE("a tree is written as its children by level", "[speculative][pair]") {
    CHECK(parse_branching("2,2,1") == Branching{2, 2, 1});
    CHECK(size_of(parse_branching("2,2,1")) == 10);  // 2 + 4 + 4
    CHECK(is_chain(parse_branching("1,1,1")));
    CHECK(parse_branching("1,1,1") == chain_of(3));
    CHECK(size_of(parse_branching("1024")) == 1024);
    for (const char* text : {"", "2,", ",2", "0", "2,-1", "a", "2 2", "1.5"}) {
        CHECK(contains(error_of([&] { parse_branching(text); }), "no number of children"));
    }
    for (const char* text : {"1025", "32,32", "999999999"}) {
        CHECK(contains(error_of([&] { parse_branching(text); }), "more than 1024 tokens"));
    }
}

TEST_CASE("models that do not share a tokenizer are no pair", "[speculative][pair]") {
    const auto target = make_tokenizer(corpus_tokenizer(1, 300, 4));
    const auto other = make_tokenizer(corpus_tokenizer(2, 300, 4));
    const auto larger = make_tokenizer(corpus_tokenizer(1, 310, 4));
    ModelConfig config, short_head;
    config.vocab = 300;
    short_head.vocab = 299;
    const auto refused = [&](const Tokenizer& draft, const ModelConfig& draft_config) {
        return error_of([&] { check_same_tokens(*target, draft, config, draft_config); });
    };
    CHECK(refused(*target, config).empty());
    CHECK(contains(refused(*larger, config), "the target's has 300 pieces, the draft's 310"));
    CHECK(contains(refused(*other, config), "do not share a tokenizer: id 2"));
    CHECK(contains(refused(*target, short_head), "logits for 300 ids, the draft for 299"));
}

TEST_CASE("both ways of decoding are timed over the same tokens", "[speculative][pair]") {
    const ModelPair pair = load_pair("target", "draft", RunContext{});
    SpeculationSettings settings = settings_for(pair);
    settings.sampling.temperature = 0;
    settings.count = 12;
    const TokenIds prompt = pair.prompt_ids("Last summer, Nan and Hugo met Zoe");
    const TimedSpeculation timed = timed_speculation(pair, prompt, settings, 2);
    CHECK(timed.same_tokens);
    REQUIRE(timed.plain.tokens.size() == 12);
    CHECK(timed.plain.token_seconds.size() == 11);
    CHECK(timed.speedup() ==
          Approx(timed.plain.seconds() / timed.speculation.seconds()));  // as many tokens
    settings.stop = [] {
        std::stop_source source;
        source.request_stop();
        return source.get_token();
    }();
    CHECK(contains(error_of([&] { timed_speculation(pair, prompt, settings, 1); }), "stopped"));
}

}  // namespace nibble::model_pair_test
