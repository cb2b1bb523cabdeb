// `nibble speculate` as a process: what it prints, and what it refuses.
#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble::speculate_test {

using namespace nibble::test;
using Json = nlohmann::json;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

Finished speculate(std::vector<std::string> words) {
    words.insert(words.begin(), {"speculate", "--repeats", "1"});
    return nibble::test::nibble(words);
}

}  // namespace

TEST_CASE("speculate writes the target's text and counts its drafts", "[cli][speculate]") {
    const Finished f = speculate({"--target", "target", "--draft", "draft", "--prompt",
                                  "One morning,", "--k", "4", "--count", "20", "--json"});
    INFO(f.err);
    REQUIRE(f.status == 0);
    const Json json = Json::parse(f.out);
    CHECK(json["same_as_plain"] == true);
    const std::size_t tokens = json["tokens"].size(), steps = json["target_steps"];
    CHECK(tokens <= 20);
    CHECK(json["tokens_per_target_step"] == Approx((double(tokens) - 1) / double(steps)));
    CHECK(tokens == 1 + steps + json["accepted"].get<std::size_t>());
    CHECK(json["tokens"][0]["written"] == "first");
    CHECK(json["acceptance_by_position"].size() == 4);
    CHECK(json["acceptance_by_position"][0]["drafted"] == steps);
    CHECK(json["time"]["plain_seconds"] > 0);
    CHECK(json["time"].contains("speedup"));
    const Finished greedy =
        nibble::test::nibble({"generate", "--model", "target", "--prompt", "One morning,",
                              "--count", "20", "--temperature", "0", "--json"});
    CHECK(Json::parse(greedy.out)["text"] == json["text"]);
}

TEST_CASE("speculate drafts from a tree, from the text, adaptively and with a temperature",
          "[cli][speculate]") {
    const std::vector<std::string> base{"--prompt", "One morning,", "--count", "12"};
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{"--tree", "2,2,1"},
          {"--draft", "ngram"},
          {"--adaptive"},
          {"--temperature", "0.8", "--top_p", "0.9", "--seed", "3"}}) {
        std::vector<std::string> words = base;
        words.insert(words.end(), more.begin(), more.end());
        const Finished f = speculate(words);
        INFO(f.err);
        CHECK(f.status == 0);
        CHECK(f.out.starts_with("One morning,"));
        CHECK(has(f.out, "steps of the target"));
    }
}

TEST_CASE("speculate refuses by name", "[cli][speculate]") {
    const auto refused = [](std::vector<std::string> words) {
        words.insert(words.end(), {"--prompt", "One"});
        const Finished f = speculate(words);
        CHECK((f.status == 1 || f.status == 2));
        CHECK(f.out.empty());
        return f.err;
    };
    CHECK(has(refused({"--k", "600"}), "k = 600 drafts do not fit the model's 512 positions"));
    CHECK(has(refused({"--tree", "2,0"}), "\"0\" is no number of children"));
    CHECK(has(refused({"--tree", "2,2", "--k", "3"}), "2 levels, and k = 3"));
    CHECK(has(refused({"--tree", "2,2", "--adaptive"}), "adaptive tree"));
    CHECK(has(refused({"--tree", "2,2", "--draft", "ngram"}), "single chain"));
    CHECK(has(refused({"--draft", "nowhere"}), "nowhere"));
    const TempFolder folder;
    const std::string other = folder / "other";
    REQUIRE(nibble::test::nibble({"train", "--out", other, "--preset", "draft", "--hidden", "32",
                                  "--layers", "1", "--inner", "64", "--vocab", "300", "--steps",
                                  "1", "--batch", "2", "--documents", "2"})
                .status == 0);
    CHECK(has(refused({"--draft", other}), "do not share a tokenizer"));
}

}  // namespace nibble::speculate_test
