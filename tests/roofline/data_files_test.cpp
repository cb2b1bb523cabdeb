// Every file in data/ says what it must, and says from where; a wrong one names line and key.
#include <fstream>

#include "sim/core/data_folder.hpp"
#include "sim/core/error.hpp"
#include "sim/roofline/catalogue.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble {
namespace {

using test::TempFolder;

std::string refusal(const std::function<void()>& act) {
    try {
        act();
    } catch (const Error& e) { return e.line(); }
    return "";
}

const std::string good_device = R"(name = "Toy"
maker = "Nobody"
memory_gb = 1
bandwidth_gb_s = 10
[dense_tops]
fp16 = 2
[sparse_tops]
fp16 = 4
[source]
sheet = "this test"
grade = "B"
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

std::string device_refusal(const std::string& text) {
    const TempFolder folder;
    test::write(folder / "toy.toml", text);
    std::string line = refusal([&] { read_device(folder / "toy.toml"); });
    const std::string path = folder / "";
    return line.starts_with(path) ? line.substr(path.size()) : line;
}

}  // namespace

TEST_CASE("every shipped data file parses and names its source", "[roofline][data]") {
    const Catalogue& c = catalogue();
    for (const auto& file : c.bad) {
        FAIL_CHECK(file.error);
    }
    CHECK(c.devices.size() >= 18);
    CHECK(c.models.size() >= 38);
    CHECK(c.measurements.size() >= 5);
    for (const DeviceSheet& d : c.devices) {
        INFO(d.id);
        CHECK_FALSE(d.sheet.empty());
        CHECK((d.grade == 'A' || d.grade == 'B' || d.grade == 'D'));
    }
    for (const ModelShape& m : c.models) {
        INFO(m.id);
        CHECK_FALSE(m.source.empty());
        CHECK(m.published_parameters.has_value() == !m.counted_in.empty());
    }
    for (const Measurements& m : c.measurements) {
        INFO(m.device);
        CHECK_FALSE(m.source.empty());
        CHECK_FALSE(m.licence.empty());
        CHECK_NOTHROW(c.device(m.device));
    }
    CHECK(c.published.size() >= 6);
    for (const PublishedSteps& p : c.published) {
        INFO(p.id);
        CHECK_FALSE(p.source.empty());
        CHECK_FALSE(p.licence.empty());
        CHECK_NOTHROW(c.device(p.device));
        CHECK_NOTHROW(c.model(p.model));
        CHECK(p.rows.size() >= 10);
    }
}

TEST_CASE("weights counted from a shape are those that were published", "[roofline][data]") {
    int counted = 0;
    for (const ModelShape& m : catalogue().models) {
        INFO(m.id);
        if (m.published_parameters) {
            CHECK(m.parameters() == *m.published_parameters);
            ++counted;
        }
    }
    CHECK(counted >= 35);
    // Rounded in their papers: DeepSeek-V3 671 B with 37 B active, OPT-175B 175 B, Mixtral 12.9 B
    // of 46.7 B (Jiang et al. 2024).
    const ModelShape& deepseek = catalogue().model("deepseek-v3");
    CHECK(std::round(static_cast<double>(deepseek.parameters()) / 1e9) == 671);
    CHECK(static_cast<double>(deepseek.active_parameters()) / 1e9 == Approx(37).margin(0.6));
    CHECK(static_cast<double>(catalogue().model("opt-175b").parameters()) / 1e9 ==
          Approx(175).margin(0.5));
    CHECK(static_cast<double>(catalogue().model("mixtral-8x7b").active_parameters()) / 1e9 ==
          Approx(12.9).margin(0.05));
}

TEST_CASE("a wrong device file names file, line and key", "[roofline][data]") {
    CHECK(device_refusal(good_device).empty());
    CHECK(device_refusal(replaced(good_device, "memory_gb = 1", "memory_gb = -1")) ==
          "toy.toml:3: memory_gb: is not a number above 0");
    CHECK(device_refusal(replaced(good_device, "memory_gb = 1", "memory_gb = \"1\"")) ==
          "toy.toml:3: memory_gb: is not a number above 0");
    CHECK(device_refusal(replaced(good_device, "memory_gb = 1", "memory_gb = nan")) ==
          "toy.toml:3: memory_gb: is not a number above 0");
    CHECK(device_refusal(replaced(good_device, "bandwidth_gb_s = 10\n", "")) ==
          "toy.toml:1: bandwidth_gb_s: is missing; it is a number above 0");
    CHECK(device_refusal(replaced(good_device, "bandwidth", "bandwith")) ==
          "toy.toml:1: bandwidth_gb_s: is missing; it is a number above 0");
    CHECK(device_refusal(replaced(good_device, "fp16 = 2", "fp61 = 2")) ==
          "toy.toml:6: dense_tops.fp61: is not a key of such a file; did you mean fp16?");
    CHECK(device_refusal(replaced(good_device, "fp16 = 4", "fp16 = 1")) ==
          "toy.toml:8: sparse_tops.fp16: is below the dense figure; sheets print the sparse "
          "figure, twice the dense one, first");
    CHECK(device_refusal(replaced(good_device, "\"B\"", "\"Z\"")) ==
          "toy.toml:11: source.grade: \"Z\" is not A, B or D");
    CHECK(device_refusal(replaced(good_device, "sheet = \"this test\"\n", "")) ==
          "toy.toml:9: source.sheet: is missing; it is a text in quotes");
    CHECK(device_refusal(replaced(good_device, "maker = \"Nobody\"", "maker = "))
              .starts_with("toy.toml, line 2, column "));
}

TEST_CASE("a wrong file is left out and named, the others stay", "[roofline][data]") {
    const TempFolder folder;
    for (const char* below : {"hardware", "models", "measured", "published"}) {
        std::filesystem::create_directory(folder / below);
    }
    test::write(folder / "hardware/good.toml", good_device);
    test::write(folder / "hardware/broken.toml", replaced(good_device, "name", "nmae"));
    const Catalogue c = read_catalogue(folder.path());
    REQUIRE(c.devices.size() == 1);
    CHECK(c.device("good").bandwidth == BytesPerSecond{10e9});
    REQUIRE(c.bad.size() == 1);
    CHECK(c.bad[0].error.find("broken.toml:1: name: is missing") != std::string::npos);
    CHECK(refusal([&] { c.device("broken"); }).find("broken.toml:1: name") != std::string::npos);
    CHECK(refusal([] { read_catalogue("/nowhere"); }).find("NIBBLE_DATA") != std::string::npos);
}

TEST_CASE("an unknown device or model is met with the nearest", "[roofline][data]") {
    const std::string device = refusal([] { catalogue().device("a100"); });
    CHECK(device.starts_with("no device is called \"a100\"; the nearest are a100-"));
    CHECK(device.find("a100-80gb-sxm") != std::string::npos);
    const std::string model = refusal([] { catalogue().model("lama-2-7b"); });
    CHECK(model.find("nearest are llama-2-7b, ") != std::string::npos);
}

TEST_CASE("a config.json gives the shape that the data file has", "[roofline][data]") {
    const TempFolder folder;
    const std::string path = folder / "config.json";
    test::write(path, R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008,
        "num_hidden_layers": 32, "num_attention_heads": 32, "vocab_size": 32000,
        "max_position_embeddings": 4096})");
    CHECK(model_named(path).parameters() == catalogue().model("llama-2-7b").parameters());
    test::write(path, R"({"model_type": "mixtral", "hidden_size": 4096, "intermediate_size": 14336,
        "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
        "num_local_experts": 8, "num_experts_per_tok": 2, "vocab_size": 32000,
        "sliding_window": null})");
    CHECK(model_named(path).parameters() == catalogue().model("mixtral-8x7b").parameters());
    test::write(path, R"({"model_type": "gemma2", "hidden_size": 3584, "intermediate_size": 14336,
        "num_hidden_layers": 42, "num_attention_heads": 16, "num_key_value_heads": 8,
        "head_dim": 256, "vocab_size": 256000, "sliding_window": 4096})");
    CHECK(model_named(path).parameters() == catalogue().model("gemma-2-9b").parameters());
    CHECK(model_named(path).windowed_layers() == 21);
    test::write(path, R"({"model_type": "opt", "hidden_size": 5120, "ffn_dim": 20480,
        "num_hidden_layers": 40, "num_attention_heads": 40, "vocab_size": 50272,
        "max_position_embeddings": 2048})");
    CHECK(model_named(path).parameters() == catalogue().model("opt-13b").parameters());
    test::write(path, R"({"model_type": "deepseek_v3", "hidden_size": 7168,
        "intermediate_size": 18432, "moe_intermediate_size": 2048, "num_hidden_layers": 61,
        "num_attention_heads": 128, "num_key_value_heads": 128, "n_routed_experts": 256,
        "num_experts_per_tok": 8, "n_shared_experts": 1, "first_k_dense_replace": 3,
        "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128,
        "v_head_dim": 128, "vocab_size": 129280})");
    CHECK(model_named(path).parameters() == catalogue().model("deepseek-v3").parameters());

    test::write(path, R"({"model_type": "llama", "hidden_size": 0})");
    CHECK(refusal([&] { model_named(path); }).find("\"hidden_size\" = 0 is not a whole number") !=
          std::string::npos);
    test::write(path, R"({"model_type": "rwkv"})");
    CHECK(refusal([&] { model_named(path); }).find("\"rwkv\"") != std::string::npos);
    test::write(path, "[1]");
    CHECK(refusal([&] { model_named(path); }).find("[...] is not a JSON object") !=
          std::string::npos);
    CHECK(refusal([] { model_named("/nowhere/config.json"); }).find("cannot be read") !=
          std::string::npos);
}

}  // namespace nibble
