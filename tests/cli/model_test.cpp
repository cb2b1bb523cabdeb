// The commands on models, as a process: a model is trained, stopped, gone on with and used.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sim/tensor/tensor_file.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble::model_test {

using namespace nibble::test;
using Json = nlohmann::json;

namespace {

/// A model that trains in a second or two.
std::vector<std::string> train_words(const std::string& folder, const std::string& steps) {
    return {"train", "--out",   folder, "--preset",    "draft", "--hidden",  "32",  "--layers",
            "1",     "--inner", "64",   "--vocab",     "300",   "--steps",   steps, "--batch",
            "4",     "--rate",  "0.01", "--documents", "2",     "--warm_up", "2",   "--json"};
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a model is trained, evaluated, listened to and captured", "[cli][train]") {
    const TempFolder folder;
    const std::string model = folder / "m";
    const Finished trained = nibble::test::nibble(train_words(model, "6"));
    INFO(trained.err);
    REQUIRE(trained.status == 0);
    const Json result = Json::parse(trained.out);
    CHECK(result["steps"] == 6);
    CHECK(result["validation"].size() == 4);
    CHECK(result["validation"][0]["perplexity"] > result["validation"][0]["floor_perplexity"]);

    const Finished again = nibble::test::nibble(train_words(model, "6"));
    CHECK(again.status == 2);
    CHECK(has(again.err, "--resume"));

    const Finished domain = nibble::test::nibble(
        {"perplexity", "--model", model, "--domain", "code", "--documents", "3", "--json"});
    REQUIRE(domain.status == 0);
    const Json scored = Json::parse(domain.out);
    CHECK(scored["perplexity"] > scored["floor_perplexity"]);
    CHECK(scored["tokens"] > 50);

    write(folder / "t.json", "{\"seqs\": [[0, 5, 6, 7], [0, 9]]}");
    const Finished tokens = nibble::test::nibble(
        {"perplexity", "--model", model, "--tokens", folder / "t.json", "--per_token", "--json"});
    REQUIRE(tokens.status == 0);
    CHECK(Json::parse(tokens.out)["losses"].size() == 4);
    const Finished lines = nibble::test::nibble(
        {"perplexity", "--model", model, "--tokens", folder / "t.json", "--per_token"});
    CHECK(std::count(lines.out.begin(), lines.out.end(), '\n') == 3 + 4);

    write(folder / "a.txt", "One morning, Tom met Ada.");
    CHECK(
        nibble::test::nibble({"perplexity", "--model", model, "--text", folder / "a.txt"}).status ==
        0);

    const std::vector<std::string> generate = {
        "generate", "--model", model, "--prompt", "One morning", "--count", "5", "--seed", "3"};
    const Finished text = nibble::test::nibble(generate);
    REQUIRE(text.status == 0);
    CHECK(text.out.starts_with("One morning"));
    CHECK(nibble::test::nibble(generate).out == text.out);

    const std::string out = folder / "x.safetensors";
    const Finished captured =
        nibble::test::nibble({"capture", "--model", model, "--layer", "model.layers.0.mlp.up_proj",
                              "--rows", "100", "--out", out, "--json"});
    INFO(captured.err);
    REQUIRE(captured.status == 0);
    const auto file = TensorFile::open(out);
    CHECK(file->find("activations").shape == std::vector<std::int64_t>{100, 32});
    CHECK(file->find("weights").shape == std::vector<std::int64_t>{64, 32});
}

TEST_CASE("Ctrl+C saves a training run, and --resume finishes it with the same model",
          "[cli][train]") {
    const TempFolder folder;
    const std::string whole = folder / "whole", part = folder / "part";
    REQUIRE(nibble::test::nibble(train_words(whole, "200")).status == 0);
    // As soon as the first checkpoint is complete, the run gets the signal of Ctrl+C.
    std::string line = "(while [ ! -e " + part +
                       "/losses.csv ]; do sleep 0.01; done; sleep 0.05; kill -INT $$) & "
                       "exec \"$NIBBLE\"";
    for (const std::string& word : train_words(part, "200")) {
        line += " " + word;
    }
    const Finished stopped = shell(line);
    CHECK(stopped.status == 130);
    CHECK(has(stopped.err, "--resume"));
    CHECK(contents(part + "/model.safetensors") != contents(whole + "/model.safetensors"));
    const Finished resumed = nibble::test::nibble({"train", "--out", part, "--resume"});
    INFO(resumed.err);
    CHECK(resumed.status == 0);
    for (const char* file : {"/model.safetensors", "/checkpoint.safetensors", "/losses.csv"}) {
        CHECK(contents(part + file) == contents(whole + file));
    }
}

TEST_CASE("shipped models are found by name, or missed with a way out", "[cli][model]") {
    const TempFolder folder;
    const Finished none =
        shell("NIBBLE_DATA=" + folder / "data" + " \"$NIBBLE\" generate --model draft --prompt x");
    CHECK(none.status == 1);
    CHECK(has(none.err, "the model \"draft\" is not in " + folder / "data/tinylm"));
    CHECK(has(none.err, "nibble train --preset draft --out"));
    REQUIRE(nibble::test::nibble(train_words(folder / "data/tinylm/draft", "1")).status == 0);
    const Finished found = shell("NIBBLE_DATA=" + folder / "data" +
                                 " \"$NIBBLE\" generate --model draft --prompt One --count 3 "
                                 "--top_p 0.9 --json");
    REQUIRE(found.status == 0);
    const Json result = Json::parse(found.out);
    CHECK(result["prompt"] == "One");
    for (const Json& token : result["tokens"]) {
        CHECK(token["likeliest"][0]["probability"] >= token["probability"]);
    }
}

TEST_CASE("commands on models refuse what makes no sense", "[cli][model]") {
    const TempFolder folder;
    const auto refused = [](const std::vector<std::string>& words) {
        const Finished f = nibble::test::nibble(words);
        CHECK(f.status != 0);
        CHECK(f.status != 3);
        CHECK(f.out.empty());
        return f.err;
    };
    CHECK(has(refused({"generate", "--prompt", "x"}), "no model is named"));
    CHECK(has(refused({"generate", "--model", folder / "none"}), "there is no model"));
    CHECK(has(refused({"train"}), "no folder is named"));
    CHECK(has(refused({"train", "--out", folder / "r", "--resume"}), "no checkpoint"));
    CHECK(has(refused({"train", "--out", folder / "r", "--steps", "0"}), "steps"));
    CHECK(has(refused({"capture", "--model", "x", "--out", folder / "x.safetensors"}), "layer"));

    const std::string model = folder / "m";
    auto words = train_words(model, "1");
    REQUIRE(nibble::test::nibble(words).status == 0);
    CHECK(has(refused({"perplexity", "--model", model}), "no tokens are named"));
    CHECK(has(refused({"generate", "--model", model, "--top_p", "0"}), "top_p"));
    CHECK(has(refused({"perplexity", "--model", model, "--domain", "cod"}), "code"));
    write(folder / "empty.txt", "");
    CHECK(has(refused({"perplexity", "--model", model, "--text", folder / "empty.txt"}), "empty"));
    write(folder / "bad.json", "{\"seqs\": [[0, 5000]]}");
    CHECK(has(refused({"perplexity", "--model", model, "--tokens", folder / "bad.json"}),
              "token id 5000"));
    write(folder / "bad.json", "{\"seqs\": [[0, -1]]}");
    CHECK(has(refused({"perplexity", "--model", model, "--tokens", folder / "bad.json"}), "-1"));
    write(folder / "bad.json", "[]");
    CHECK(has(refused({"perplexity", "--model", model, "--tokens", folder / "bad.json"}), "seqs"));
    CHECK(has(refused({"capture", "--model", model, "--layer", "model.layers.0.mlp.up_pro", "--out",
                       folder / "x.safetensors"}),
              "did you mean model.layers.0.mlp.up_proj?"));
}

}  // namespace nibble::model_test
