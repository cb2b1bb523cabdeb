// `nibble quantize` and `perplexity --method`, as a process.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sim/tensor/tensor_file.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"
#include "tests/quant/layers.hpp"

namespace nibble::quantize_test {

using namespace nibble::test;
using Json = nlohmann::json;

namespace {

/// layer.safetensors with W (48, 128), X and X_eval.
struct LayerFolder {
    TempFolder folder;
    nibble::testing::TestLayer layer = nibble::testing::make_layer(48, 128, 600, 31, true);

    LayerFolder() {
        const auto x = layer.x.view();
        const std::span all(layer.x.values());
        write_safetensors(folder / "layer.safetensors",
                          {{"W", {48, 128}, layer.weights.values()},
                           {"X", {300, 128}, all.first(300 * 128)},
                           {"X_eval", {300, 128}, all.last(300 * 128)}});
        REQUIRE(x.rows == 600);
    }
    Finished run(const std::string& words) const {
        return shell("cd " + folder.path().string() + " && \"$NIBBLE\" quantize " + words);
    }
    Json json(const std::string& words) const {
        const Finished f = run(words + " --json");
        INFO(f.err);
        REQUIRE(f.status == 0);
        return Json::parse(f.out);
    }
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::vector<std::string> tiny_model_words(const std::string& folder) {
    return {"train", "--out",   folder, "--preset",    "draft", "--hidden",  "32", "--layers",
            "2",     "--inner", "64",   "--vocab",     "300",   "--steps",   "4",  "--batch",
            "4",     "--rate",  "0.01", "--documents", "2",     "--warm_up", "2",  "--json"};
}

}  // namespace

TEST_CASE("a layer is quantized by every method, and what is written is what was measured",
          "[cli][quantize]") {
    const LayerFolder f;
    const std::string common =
        "layer.safetensors --tensor W --bits 4 --group_size 64 --act_order true --symmetric false "
        "--damping 0.01 --calib layer.safetensors:X --eval layer.safetensors:X_eval --out "
        "q.safetensors --method ";
    double rtn = 0;
    for (const char* method : {"rtn", "gptq", "awq --clip true", "nf4", "fp4 --double_quant"}) {
        INFO(method);
        const Json result = f.json(common + method);
        for (const char* key : {"output_error", "eval_error", "weight_mse", "sqnr_db",
                                "bits_per_weight", "seconds"}) {
            CHECK(result[key].get<double>() > 0);
            CHECK(result["tensors"][0][key] == result[key]);
        }
        const auto file = TensorFile::open(f.folder / "q.safetensors");
        REQUIRE(file->tensors().size() == 1);
        CHECK(file->find("W").shape == std::vector<std::int64_t>{48, 128});
        Matrix<float> q(48, 128), x(300, 128), nothing(48, 128);
        q.values() = file->read_all(file->find("W"));
        std::copy_n(f.layer.x.row(0), 300 * 128, x.row(0));
        using nibble::testing::plain_output_error;
        const double expected = plain_output_error(f.layer.weights, q, x) /
                                plain_output_error(f.layer.weights, nothing, x);
        CHECK(result["output_error"].get<double>() == Approx(expected).epsilon(1e-4));  // floats
        if (std::string(method) == "rtn") {
            rtn = expected;
        } else if (std::string(method) == "gptq" || std::string(method) == "awq --clip true") {
            CHECK(expected < 0.8 * rtn);
        }
    }
    for (const char* method : {"smoothquant", "llm_int8", "fp8"}) {
        CHECK(f.json(common + method)["output_error"] < 0.01);
    }
}

TEST_CASE("packed checkpoints are written", "[cli][quantize]") {
    const LayerFolder f;
    const Json result = f.json(
        "layer.safetensors --tensor W --method gptq --act_order --group_size 32 --calib "
        "layer.safetensors:X --packed --out p.safetensors");
    const auto file = TensorFile::open(f.folder / "p.safetensors");
    std::uint64_t bytes = 0;
    for (const TensorInfo& t : file->tensors()) {
        bytes += t.bytes;
    }
    CHECK(result["bits_per_weight"].get<double>() ==
          Approx(static_cast<double>(bytes) * 8 / (48 * 128)));
    CHECK(file->find("W.qweight").shape == std::vector<std::int64_t>{16, 48});
    CHECK(file->find("W.g_idx").shape == std::vector<std::int64_t>{128});
    CHECK(has(f.run("layer.safetensors --tensor W --method nf4 --packed --out p.safetensors").err,
              "no packed checkpoint layout"));
}

TEST_CASE("the models that come with the program are quantized by name", "[cli][quantize]") {
    const Finished done =
        nibble::test::nibble({"quantize", "draft", "--method", "rtn", "--bits", "4", "--json"});
    INFO(done.err);
    REQUIRE(done.status == 0);
    CHECK(Json::parse(done.out)["tensors"].size() == 3 * 7);  // linear layers of three layers
}

TEST_CASE("quantize refuses what makes no sense", "[cli][quantize]") {
    const LayerFolder f;
    const auto refused = [&](const std::string& words) {
        const Finished finished = f.run(words);
        CHECK(finished.status != 0);
        CHECK(finished.status != 3);
        CHECK(finished.out.empty());
        return finished.err;
    };
    CHECK(has(refused("layer.safetensors"), "no tensor is named"));
    CHECK(has(refused("layer.safetensors --tensor V"), "V"));
    CHECK(has(refused("layer.safetensors --tensor W --method gptq"), "--calib"));
    CHECK(has(refused("layer.safetensors --tensor W --method gptq --calib layer.safetensors:Y"),
              "Y"));
    CHECK(has(refused("layer.safetensors --tensor X --method gptq --calib layer.safetensors:W "
                      "--domain code"),
              "--calib FILE:TENSOR"));
    CHECK(has(refused("layer.safetensors --tensor W --method gptk"), "gptq"));
    CHECK(has(refused("layer.safetensors --tensor W --bits 1"), "bits"));
    CHECK(has(refused("layer.safetensors --tensor W --method rtn --packed"), "--out"));
    CHECK(has(refused("nothing.safetensors --tensor W"), "nothing.safetensors"));
    std::vector<float> bad(f.layer.weights.values());
    bad[5] = std::nanf("");
    write_safetensors(f.folder / "bad.safetensors",
                      {{"W", {48, 128}, bad}, {"narrow", {2, 3}, std::span(bad).last(6)}});
    CHECK(has(refused("bad.safetensors --tensor W --method rtn"), "nan at row 0, column 5"));
    CHECK(has(refused("layer.safetensors --tensor W --calib bad.safetensors:narrow"),
              "has 3 channels"));
}

TEST_CASE("a model is quantized into a file, and on the fly for its perplexity",
          "[cli][quantize][train]") {
    const TempFolder folder;
    const std::string model = folder / "m", out = folder / "q.safetensors";
    REQUIRE(nibble::test::nibble(tiny_model_words(model)).status == 0);
    const std::vector<std::string> words = {
        "quantize", model,  "--method",    "gptq", "--bits", "4", "--group_size", "16",
        "--domain", "code", "--documents", "4",    "--out",  out, "--json"};
    const Finished done = nibble::test::nibble(words);
    INFO(done.err);
    REQUIRE(done.status == 0);
    const Json result = Json::parse(done.out);
    CHECK(result["tensors"].size() == 14);
    CHECK(result["bits_per_weight"].get<double>() == Approx(4 + 20.0 / 16));
    CHECK_FALSE(std::filesystem::exists(out + ".parts"));
    const auto file = TensorFile::open(out);
    const auto before = TensorFile::open(model + "/model.safetensors");
    CHECK(file->tensors().size() == before->tensors().size());

    // A part that was left by a stopped run is taken when its settings agree.
    const std::string first = contents(out);
    CHECK(nibble::test::nibble(words).status == 0);
    CHECK(contents(out) == first);

    const std::vector<std::string> base = {"perplexity", "--model",     model, "--domain",
                                           "code",       "--documents", "3",   "--json"};
    const auto perplexity = [&](const std::vector<std::string>& more) {
        std::vector<std::string> all = base;
        all.insert(all.end(), more.begin(), more.end());
        const Finished f = nibble::test::nibble(all);
        INFO(f.err);
        REQUIRE(f.status == 0);
        return Json::parse(f.out);
    };
    const double exact = perplexity({})["perplexity"];
    const Json rtn =
        perplexity({"--method", "rtn", "--bits", "4", "--group_size", "32", "--symmetric", "true"});
    CHECK(rtn["quantization"]["bits_per_weight"].get<double>() == Approx(4.5));
    CHECK(rtn["perplexity"] != exact);
    CHECK(rtn["perplexity"].get<double>() == Approx(exact).epsilon(0.2));
    for (const char* method : {"gptq", "awq", "smoothquant", "llm_int8", "nf4", "fp8"}) {
        const Json one = perplexity(
            {"--method", method, "--calib-domain", "code", "--calib-documents", "2", "--all"});
        CHECK(one["perplexity"].get<double>() == Approx(exact).epsilon(0.2));
    }
    const Finished lost =
        nibble::test::nibble({"perplexity", "--model", model, "--domain", "code", "--bits", "4"});
    CHECK(lost.status == 2);
    CHECK(has(lost.err, "--method"));
}

}  // namespace nibble::quantize_test
