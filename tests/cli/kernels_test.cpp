// `nibble kernels`: the registry of kernels as a reader and a program see it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "kernels/ladder.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble {
namespace {

using kernels::Ladder;
using kernels::Rung;
using test::Finished;
using Json = nlohmann::json;

TEST_CASE("nibble kernels names every ladder and rung, and where they run", "[cli]") {
    const Finished text = test::nibble({"kernels"});
    REQUIRE(text.status == 0);
    CHECK(text.err.empty());
    const Json all = Json::parse(test::nibble({"kernels", "--json"}).out);
    REQUIRE(all["ladders"].size() == kernels::ladders().size());
    for (std::size_t i = 0; i < kernels::ladders().size(); ++i) {
        const Ladder& ladder = kernels::ladders()[i];
        const Json& j = all["ladders"][i];
        CAPTURE(ladder.id);
        CHECK(contains(text.out, ladder.id + "  " + ladder.title));
        CHECK(j["id"] == ladder.id);
        CHECK(j["bytes"] == ladder.bytes(ladder.example));
        CHECK(j["flops"] == ladder.flops(ladder.example));
        REQUIRE(j["rungs"].size() == ladder.rungs.size());
        for (std::size_t k = 0; k < ladder.rungs.size(); ++k) {
            CHECK(contains(text.out, "\n    " + ladder.rungs[k].name + " "));
            CHECK(j["rungs"][k]["teaches"] == ladder.rungs[k].teaches);
            CHECK(j["rungs"][k]["status"]["emulated"] == "ready");
            CHECK_FALSE(j["rungs"][k]["status"]["cuda"].get<std::string>().empty());
        }
    }
    const kernels::DeviceInfo gpu = kernels::device(kernels::Machine::cuda).probe();
    CHECK(all["devices"]["cuda"] == (gpu.ready() ? "ready" : gpu.reason));
    CHECK(contains(text.out, gpu.ready() ? "cuda      ready" : gpu.reason));
}

TEST_CASE("a job changes what must move and be computed", "[cli]") {
    const Json all = Json::parse(test::nibble({"kernels", "--rows", "2", "--columns", "256",
                                               "--group_size", "64", "--input", "f16", "--json"})
                                     .out);
    // 512 halves, 256 bytes of codes, 8 scales of 4 bytes; 3 operations a value, 1 a group
    CHECK(all["ladders"][0]["id"] == "quantize-int4-group");
    CHECK(all["ladders"][0]["bytes"] == 512 * 2 + 256 + 8 * 4);
    CHECK(all["ladders"][0]["flops"] == 3 * 512 + 8);
    const auto histogram =
        std::find_if(all["ladders"].begin(), all["ladders"].end(),
                     [](const Json& ladder) { return ladder["id"] == "histogram"; });
    REQUIRE(histogram != all["ladders"].end());
    CHECK((*histogram)["refused"] == "input f16 is not taken here; give f32");
}

TEST_CASE("with an ID the X-ray is counted", "[cli]") {
    const Finished text = test::nibble({"kernels", "quantize-int4-group"});
    REQUIRE(text.status == 0);
    CHECK(contains(text.out, "moved/used"));
    const Json j = Json::parse(test::nibble({"kernels", "quantize-int4-group", "--json"}).out);
    const Json& naive = j["rungs"].front()["xray"];
    const Json& best = j["rungs"].back()["xray"];
    CHECK(naive["loads"]["sectors_per_request"] == 32);
    CHECK(naive["loads"]["moved_over_used"] == 8);
    CHECK(best["loads"]["moved_over_used"] == 1);
    CHECK(best["stores"]["moved_over_used"].get<double>() < 2);
    CHECK_FALSE(contains(text.out, "second"));  // emulated time is not shown
    CHECK_FALSE(contains(text.out, " ms"));
}

TEST_CASE("what nibble kernels refuses, it names", "[cli]") {
    const auto refusal = [](const std::vector<std::string>& words) {
        const Finished f = test::nibble(words);
        CHECK(f.status == 2);
        CHECK(f.out.empty());
        return f.err;
    };
    CHECK(refusal({"kernels", "quantize-int4-grup"}) ==
          "nibble: no ladder is called \"quantize-int4-grup\"; did you mean "
          "quantize-int4-group?\n");
    CHECK(refusal({"kernels", "quantize-int4-group", "--group_size", "33"}) ==
          "nibble: group_size 33 is odd: two groups would share a byte; give an even one, or 0 for "
          "a whole row\n");
    CHECK(refusal({"kernels", "--input", "f8"}).find("f8") != std::string::npos);
    CHECK(refusal({"kernels", "absmax", "--rows", "65536", "--columns", "65536"}) ==
          "nibble: rows 65536 by columns 65536 are more values than one launch takes, which is "
          "2147483647\n");
    CHECK(refusal({"kernels", "absmax", "--rows", "4096", "--columns", "4096"}) ==
          "nibble: rows 4096 by columns 4096 are too many values for the emulator; give at most "
          "1048576 in all\n");
}

}  // namespace
}  // namespace nibble
