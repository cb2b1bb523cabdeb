// The machine labs: what their tables and metrics promise to programs, and that what they say
// follows from what they computed.
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/roofline/catalogue.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"
#include "tests/experiments/lab.hpp"
#include "tests/places.hpp"

namespace nibble {
namespace {

using namespace test;

using Json = nlohmann::json;

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
        "cp -r '" + test::source_dir() + "/data' '" + (folder / "data") + "' && cd '" +
        (folder / "data/hardware") +
        "' && sed 's/^name = .*/name = \"Mine\"/' l40s.toml > mine.toml && NIBBLE_DATA='" +
        (folder / "data") +
        "' $NIBBLE run roofline --device mine && echo 'oops' > bad.toml && NIBBLE_DATA='" +
        (folder / "data") + "' $NIBBLE devices --ids");
    CHECK(contains(run.out, "Mine"));
    CHECK(contains(run.out, "\nmine\n"));
    CHECK(contains(run.err, "bad.toml, line 1, column "));
    CHECK(run.status == 1);
    const test::Finished none = test::shell("NIBBLE_DATA=/nowhere $NIBBLE run roofline");
    CHECK(none.status == 1);
    CHECK(contains(none.err, "/nowhere/hardware"));
}

TEST_CASE("the roofline says what bounds a step", "[roofline]") {
    const Outcome decode = run_lab_with("roofline", {{"batch", std::int64_t{1}}});
    CHECK(contains(decode.finding, "every operator waits for memory"));
    const Outcome prefill =
        run_lab_with("roofline", {{"phase", std::string("prefill")}, {"batch", std::int64_t{1}}});
    CHECK(contains(prefill.finding, "of the time goes into arithmetic"));
    CHECK(prefill.metric("peak_share").value > 90);
    CHECK(prefill.metric("peak_share").value <= 100);
    const Outcome apple = run_lab_with("roofline", {{"device", std::string("m2-ultra")}});
    CHECK(contains(apple.finding, "no peak"));
    // The ridge batch is where the projection turns: one request fewer still waits for memory.
    const Outcome at = run_lab_with("roofline", {{"batch", std::int64_t{162}}});
    const Outcome below = run_lab_with("roofline", {{"batch", std::int64_t{161}}});
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
    CHECK(contains(below.explanation, "with 162 requests"));
}

TEST_CASE("memory-fit counts what the rules say", "[roofline]") {
    const Outcome o = run_lab_with(
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
    const Outcome binary = run_lab_with("memory-fit", {{"gigabyte", std::string("binary")}});
    CHECK(binary.metric("capacity").value == 40.0 * (1 << 30));
    const Outcome grouped = run_lab_with("memory-fit", {{"kv_heads", std::int64_t{8}}});
    CHECK(grouped.metric("kv_bytes_per_token").value == 131072);
    CHECK_THROWS_AS(run_lab_with("memory-fit", {{"kv_heads", std::int64_t{7}}}), Error);
    const Outcome huge = run_lab_with("memory-fit", {{"model", std::string("llama-3.1-405b")}});
    CHECK(contains(huge.finding, "weights alone do not fit"));
    CHECK(huge.metric("max_requests").value == 0);
}

TEST_CASE("decode-latency crosses where it says", "[roofline]") {
    const double at = run_lab_with("decode-latency", {}).metric("crossing_batch").value;
    REQUIRE(at > 1);
    const auto gap = [](double batch) {
        const Outcome o =
            run_lab_with("decode-latency", {{"batch", static_cast<std::int64_t>(batch)}});
        return o.metric("seconds_w8a8").value - o.metric("seconds_w4a16").value;
    };
    CHECK(gap(at) < 0);
    CHECK(gap(at - 1) >= 0);
    // Without scales and cache, a quarter of the bits is a quarter of the time; the activations
    // and the 16-bit cache are what is missing to 4.
    const double gain = run_lab_with("decode-latency", {{"context", std::int64_t{16}},
                                                        {"group_size", std::int64_t{0}}})
                            .metric("speed_up_w4a16")
                            .value;
    CHECK(gain < 4);
    CHECK(gain > 3.95);
}

TEST_CASE("ways that never cross are told in words, not in a number", "[roofline]") {
    const Outcome o = run_lab_with("decode-latency", {{"device", std::string("m3-ultra")}});
    CHECK(contains(o.finding, "up to 1024 requests W8A8 is never faster"));
    for (const Metric& m : o.metrics) {
        INFO(m.name);
        CHECK(m.name != "crossing_batch");
        CHECK(std::isfinite(m.value));
    }
}

TEST_CASE("a million queries a day at a cent are 3.65 million a year", "[roofline]") {
    const std::map<std::string, Value> set = {
        {"queries", 1e6}, {"query_price", 0.01}, {"speed_up", 2.0}, {"work_price", 365000.0}};
    const Outcome o = run_lab_with("cost", set);
    CHECK(o.metric("serving_per_year").value == Approx(3.65e6));
    CHECK(o.metric("saved_per_year").value == Approx(3.65e6 / 2));
    CHECK(o.metric("break_even_days").value == Approx(365000 / 1.825e6 * 365));
    // Llama 2 7B took 184 320 A100-hours (Touvron et al. 2023, table 2): 6 N D at 40 % of the peak,
    // the default, comes within 5 % of it.
    CHECK(o.metric("training_hours").value == Approx(184320).epsilon(0.05));
    CHECK(o.metric("training_flops").value == 6.0 * 6738415616 * 2e12);
}

TEST_CASE("the parts of a request make the whole, and the queue grows with load", "[roofline]") {
    const Outcome o = run_lab_with("request-latency", {});
    const auto value = [&](const char* name) { return o.metric(name).value; };
    CHECK(value("latency") ==
          Approx(value("network") + value("queue") + value("prefill") + value("decode")));
    CHECK(value("time_to_first_token") ==
          Approx(value("network") + value("queue") + value("prefill")));
    CHECK(run_lab_with("request-latency", {{"load", 0.0}}).metric("queue").value == 0);
    CHECK(run_lab_with("request-latency", {{"load", 0.9}}).metric("queue").value ==
          Approx(9 * value("queue")));  // rho / (1 - rho) of 0.9 over that of 0.5
    CHECK(run_lab_with("request-latency", {{"answer", std::int64_t{1}}}).metric("decode").value ==
          0);
}

TEST_CASE("a misread sheet is off by the ratio of its figures where arithmetic binds",
          "[roofline]") {
    const Outcome o = run_lab_with("datasheet-traps", {});
    CHECK(o.metric("right_peak").value == 165.2e12);
    CHECK(o.metric("wrong_peak").value == 2642.4e12);
    CHECK(o.metric("error").value > 4);
    CHECK(o.metric("error").value < 2642.4 / 165.2);  // what waits for memory stays right
    CHECK(o.metric("requests_binary").value > o.metric("requests_decimal").value);
    // Decoding waits for memory, so the wrong peak does no harm there.
    CHECK(run_lab_with("datasheet-traps",
                       {{"phase", std::string("decode")}, {"batch", std::int64_t{1}}})
              .metric("error")
              .value == 1);
    CHECK_THROWS_AS(run_lab_with("datasheet-traps", {{"device", std::string("m2-ultra")}}), Error);
}

TEST_CASE("an answer takes longer than the prompt from the length named on", "[roofline]") {
    for (const int prompt : {100, 1000, 10000}) {
        INFO(prompt);
        const auto with_answer = [&](std::int64_t answer) {
            return run_lab_with("request-latency",
                                {{"prompt", std::int64_t{prompt}}, {"answer", answer}});
        };
        const std::string before = "From answers of ", text = with_answer(200).explanation;
        REQUIRE(contains(text, before));
        const std::int64_t named = std::stoll(text.substr(text.find(before) + before.size()));
        REQUIRE(named >= 2);
        const Outcome at = with_answer(named), below = with_answer(named - 1);
        CHECK(at.metric("decode").value > at.metric("prefill").value);
        CHECK(below.metric("decode").value <= below.metric("prefill").value);
    }
}

TEST_CASE("the largest figure of a sheet is the largest in its file, in its unit", "[roofline]") {
    for (const DeviceSheet& device : catalogue().devices) {
        if (!device.dense.fp16) {
            continue;
        }
        INFO(device.id);
        double largest = 0;
        for (const MatrixRates& r : {device.dense, device.sparse}) {
            for (const auto& rate : {r.fp16, r.fp16_accumulate_fp16, r.int8, r.fp8,
                                     r.fp8_accumulate_fp16, r.int4, r.fp4}) {
                largest = std::max(largest, rate ? rate->value : 0);
            }
        }
        const Outcome o = run_lab_with("datasheet-traps", {{"device", device.id}});
        CHECK(o.metric("wrong_peak").value == largest);
    }
    const Outcome floats = run_lab_with("datasheet-traps", {{"device", std::string("h200-sxm")}});
    CHECK(floats.metric("wrong_peak").value == 3957.8e12);
    CHECK(floats.metric("wrong_peak").unit == "FLOP/s");
    CHECK(contains(floats.finding, "3958 TFLOP/s"));
    for (const char* id : {"rtx-4090", "a100-40gb-sxm"}) {  // INT4
        const Outcome o = run_lab_with("datasheet-traps", {{"device", std::string(id)}});
        CHECK(o.metric("wrong_peak").unit == "OP/s");
        CHECK(o.metric("right_peak").unit == "FLOP/s");
        CHECK(contains(o.finding, " TOPS for the peak"));
    }
}

TEST_CASE("where a step waits for memory no peak is said to harm", "[roofline]") {
    const Outcome o = run_lab_with("datasheet-traps", {{"phase", std::string("decode")}});
    CHECK(o.metric("error").value == 1);
    CHECK(contains(o.finding, "waits for memory: no peak on the sheet changes its "));
    CHECK_FALSE(contains(o.finding, "off"));
    CHECK_FALSE(contains(o.explanation, "Misread"));
}

TEST_CASE("the planner's ways out work, cheapest first", "[roofline]") {
    const Outcome o = run_lab_with("planner", {});
    CHECK(o.metric("feasible").value == 0);
    CHECK(contains(o.finding, "the cache does not fit"));
    const Table& ways = table(o, "ways_out");
    REQUIRE(ways.rows.size() >= 2);
    double before = 0;
    for (const auto& row : ways.rows) {
        CHECK(std::get<double>(row[1]) <= 0.050);  // the slowest token allowed
        CHECK(std::get<double>(row[2]) >= before);
        before = std::get<double>(row[2]);
    }
    CHECK(contains(o.finding, std::get<std::string>(ways.rows.front()[0])));
    // What it proposes is feasible when it is tried.
    const Outcome tried =
        run_lab_with("planner", {{"weight_bits", std::int64_t{4}}, {"kv_bits", std::int64_t{4}}});
    CHECK(tried.metric("feasible").value == 1);
    CHECK(tried.metric("perplexity").origin.kind == Origin::Kind::published);
}

TEST_CASE("the inputs that an equation shows give the result that it shows", "[roofline]") {
    std::vector<Outcome> outcomes = {run_lab_with("decode-latency", {}),
                                     run_lab_with("datasheet-traps", {})};
    for (const PublishedSteps& steps : catalogue().published) {
        outcomes.push_back(run_lab_with("published-figures", {{"set", steps.id}}));
    }
    const auto number = [](std::istream& in, double& value) {
        std::string unit;
        in >> value >> unit;  // "10.17 ms"
        value *= unit == "s" ? 1 : unit == "ms" ? 1e-3 : unit == "µs" ? 1e-6 : std::nan("");
    };
    for (const Outcome& o : outcomes) {
        const std::string& shown = o.equations.front().values;  // "5.94 = 10.17 ms / 1.712 ms"
        INFO(shown);
        std::istringstream in(shown);
        double result = 0, above = 0, below = 0;
        std::string sign;
        in >> result >> sign;
        number(in, above);
        in >> sign;
        number(in, below);
        // A unit of the third digit: half for the result's rounding, the rest for the inputs'.
        CHECK(std::abs(result - above / below) <
              std::pow(10.0, std::floor(std::log10(result)) - 2));
    }
}

TEST_CASE("nothing printed is faster than the ideal roof", "[roofline]") {
    for (const PublishedSteps& steps : catalogue().published) {
        INFO(steps.id);
        const Outcome o = run_lab_with("published-figures", {{"set", steps.id}});
        CHECK(o.metric("least").value > 1);
        CHECK(o.metric("over_ideal").value >= o.metric("least").value);
        CHECK(o.metric("over_ideal").value <= o.metric("most").value);
        CHECK(table(o, "steps").rows.size() == steps.rows.size());
        for (const Mark& mark : o.rows.at(0).figures.at(0).marks) {  // no line joins settings
            CHECK(std::holds_alternative<Points>(mark));
        }
    }
}

}  // namespace nibble
