// The machine labs: what their tables and metrics promise to programs, and that what they say
// follows from what they computed.
#include <nlohmann/json.hpp>

#include "sim/experiments/all.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble {
namespace {

using Json = nlohmann::json;

Outcome outcome_of(const std::string& id, const std::map<std::string, Value>& set) {
    const Experiment& e = find_experiment(all_experiments(), id);
    ParamValues values = e.defaults();
    for (const auto& [name, value] : set) {
        values[e.index_of(name)] = value;
    }
    return evaluate(e, values);
}

const Table& table(const Outcome& o, const std::string& name) {
    for (const Table& t : o.tables) {
        if (t.name == name) {
            return t;
        }
    }
    FAIL("no table " << name);
    return o.tables.front();
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the roofline's operators as a program reads them", "[roofline][cli]") {
    const test::Finished run = test::nibble({"run",
                                             "roofline",
                                             "--model",
                                             "llama-2-7b",
                                             "--device",
                                             "a100-80gb-sxm",
                                             "--phase",
                                             "decode",
                                             "--batch",
                                             "1",
                                             "--context",
                                             "4096",
                                             "--weight_bits",
                                             "4",
                                             "--activation_bits",
                                             "16",
                                             "--kv_bits",
                                             "16",
                                             "--tensor_parallel",
                                             "1",
                                             "--json"});
    REQUIRE(run.status == 0);
    CHECK(run.err.empty());
    const Json j = Json::parse(run.out);
    std::map<std::string, Json> rows;
    for (const Json& row : j["tables"]["operators"]["rows"]) {
        rows[row["op"]] = row;
    }
    REQUIRE(rows.size() == 9);
    const Json& up = rows.at("up_proj");
    CHECK(up["count"] == 32);
    CHECK(up["flops"] == 90177536);
    CHECK(up["weight_bytes"] == 22544384);
    CHECK(up["activation_bytes"] == 30208);
    CHECK(up["kv_read_bytes"] == 0);
    CHECK(up["bound"] == "memory");
    CHECK(up["intensity"].get<double>() == Approx(90177536.0 / 22574592));
    CHECK(up["seconds"].get<double>() == Approx(22574592 / 2039e9));
    CHECK(rows.at("k_proj")["kv_write_bytes"] == 8192);
    CHECK(rows.at("k_proj")["activation_bytes"] == 8192);
    CHECK(rows.at("attention")["kv_read_bytes"] == 67108864);
    CHECK(rows.at("attention")["flops"] == 67108864);
    CHECK(rows.at("lm_head")["count"] == 1);
    double flops = 0, bytes = 0, seconds = 0;
    for (const auto& [op, row] : rows) {
        const double count = row["count"];
        flops += count * row["flops"].get<double>();
        seconds += count * row["seconds"].get<double>();
        for (const char* part : {"weight_bytes", "activation_bytes", "kv_read_bytes",
                                 "kv_write_bytes", "scale_bytes"}) {
            bytes += count * row[part].get<double>();
        }
    }
    std::map<std::string, double> metrics;
    for (const Json& m : j["metrics"]) {
        metrics[m["name"]] = m["value"].is_null() ? std::nan("") : m["value"].get<double>();
    }
    CHECK(metrics.at("total_flops") == flops);
    CHECK(metrics.at("total_bytes") == bytes);
    CHECK(metrics.at("total_seconds") == Approx(seconds));  // another order of additions
}

TEST_CASE("an unknown device is met with the nearest, at the command line too", "[roofline][cli]") {
    const test::Finished run = test::nibble({"run", "roofline", "--device", "a100"});
    CHECK(run.status == 2);
    CHECK(contains(run.err, "device = \"a100\" is not one of the "));
    CHECK(contains(run.err, "the nearest are a100-"));
}

TEST_CASE("nibble devices and nibble models list data with sources", "[roofline][cli]") {
    for (const char* word : {"devices", "models"}) {
        const Json all = Json::parse(test::nibble({word, "--json"}).out);
        CHECK(all.size() > 15);
        for (const Json& one : all) {
            CHECK_FALSE(one["source"].get<std::string>().empty());
        }
        CHECK(test::nibble({word}).status == 0);
    }
    CHECK(contains(test::nibble({"devices", "--ids"}).out, "h200-sxm\n"));
    CHECK(contains(test::nibble({"models", "--ids"}).out, "mixtral-8x7b\n"));
}

TEST_CASE("a device file that a reader drops in joins the labs", "[roofline][cli]") {
    const test::TempFolder folder;
    const test::Finished run = test::shell(
        "cp -r '" NIBBLE_SOURCE_DIR "/data' '" + (folder / "data") + "' && cd '" +
        (folder / "data/hardware") +
        "' && sed 's/^name = .*/name = \"Mine\"/' l40s.toml > mine.toml && NIBBLE_DATA='" +
        (folder / "data") +
        "' $NIBBLE run roofline --device mine && echo 'oops' > bad.toml && NIBBLE_DATA='" +
        (folder / "data") + "' $NIBBLE devices --ids");
    CHECK(contains(run.out, "Mine"));
    CHECK(contains(run.out, "\nmine\n"));
    CHECK(contains(run.err, "bad.toml:1"));
    CHECK(run.status == 1);
    const test::Finished none = test::shell("NIBBLE_DATA=/nowhere $NIBBLE run roofline");
    CHECK(none.status == 1);
    CHECK(contains(none.err, "/nowhere/hardware"));
}

TEST_CASE("the roofline says what bounds a step", "[roofline]") {
    const Outcome decode = outcome_of("roofline", {{"batch", std::int64_t{1}}});
    CHECK(contains(decode.finding, "every operator waits for memory"));
    const Outcome prefill =
        outcome_of("roofline", {{"phase", std::string("prefill")}, {"batch", std::int64_t{1}}});
    CHECK(contains(prefill.finding, "of the time goes into arithmetic"));
    CHECK(prefill.metric("peak_share").value > 90);
    CHECK(prefill.metric("peak_share").value <= 100);
    const Outcome apple = outcome_of("roofline", {{"device", std::string("m2-ultra")}});
    CHECK(contains(apple.finding, "no peak"));
    // The ridge batch is where the projection turns: one request fewer still waits for memory.
    const Outcome at = outcome_of("roofline", {{"batch", std::int64_t{162}}});
    const Outcome below = outcome_of("roofline", {{"batch", std::int64_t{161}}});
    const auto bound = [](const Outcome& o) {
        for (const auto& row : table(o, "operators").rows) {
            if (std::get<std::string>(row[0]) == "up_proj") {
                return std::get<std::string>(row[8]);
            }
        }
        return std::string();
    };
    CHECK(bound(at) == "compute");
    CHECK(bound(below) == "memory");
    CHECK(contains(below.explanation, "gets there with 162 requests"));
}

TEST_CASE("memory-fit counts what the rules say", "[roofline]") {
    const Outcome o = outcome_of(
        "memory-fit",
        {{"utilisation", 1.0}, {"runtime_gb", 0.0}, {"device", std::string("a100-80gb-sxm")}});
    CHECK(o.metric("kv_bytes_per_token").value == 524288);
    CHECK(o.metric("kv_bytes_per_request").value == 2147483648.0);
    CHECK(o.metric("weight_bytes").value == 2.0 * 6738415616);
    const double free = 80e9 - 2.0 * 6738415616 - o.metric("activation_bytes").value;
    CHECK(o.metric("free_bytes").value == Approx(free));
    CHECK(o.metric("max_requests").value == std::floor(free / 2147483648.0));
    CHECK(o.metric("max_context").value == std::floor(free / (16 * 524288.0)));
    CHECK(o.metric("blocks").value == std::floor(free / (16 * 524288.0)));
    const Outcome binary = outcome_of("memory-fit", {{"gigabyte", std::string("binary")}});
    CHECK(binary.metric("capacity").value == 40.0 * (1 << 30));
    const Outcome grouped = outcome_of("memory-fit", {{"kv_heads", std::int64_t{8}}});
    CHECK(grouped.metric("kv_bytes_per_token").value == 131072);
    CHECK_THROWS_AS(outcome_of("memory-fit", {{"kv_heads", std::int64_t{7}}}), Error);
    const Outcome huge = outcome_of("memory-fit", {{"model", std::string("llama-3.1-405b")}});
    CHECK(contains(huge.finding, "weights alone do not fit"));
    CHECK(huge.metric("max_requests").value == 0);
}

TEST_CASE("decode-latency crosses where it says", "[roofline]") {
    const double at = outcome_of("decode-latency", {}).metric("crossing_batch").value;
    REQUIRE(at > 1);
    const auto gap = [](double batch) {
        const Outcome o =
            outcome_of("decode-latency", {{"batch", static_cast<std::int64_t>(batch)}});
        return o.metric("seconds_w8a8").value - o.metric("seconds_w4a16").value;
    };
    CHECK(gap(at) < 0);
    CHECK(gap(at - 1) >= 0);
    // Without scales and cache, a quarter of the bits is a quarter of the time; the activations
    // and the 16-bit cache are what is missing to 4.
    const double gain = outcome_of("decode-latency",
                                   {{"context", std::int64_t{16}}, {"group_size", std::int64_t{0}}})
                            .metric("speed_up_w4a16")
                            .value;
    CHECK(gain < 4);
    CHECK(gain > 3.95);
}

}  // namespace nibble
