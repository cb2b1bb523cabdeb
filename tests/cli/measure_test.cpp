// `nibble measure --quick`: what the file holds. How fast the machine is, no test may say.
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "kernels/device.hpp"
#include "kernels/ladder.hpp"
#include "sim/measured/kernel_speed.hpp"
#include "sim/measured/processor_speed.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble {
namespace {

using Json = nlohmann::json;

void check_speed(const LoopSpeed& s) {
    CAPTURE(s.operation, s.threads, s.bytes);
    CHECK(s.low > 0);
    CHECK(s.low <= s.median);
    CHECK(s.median <= s.high);
    CHECK(std::isfinite(s.high));
}

TEST_CASE("nibble measure saves what the readers read", "[cli]") {
    const test::TempFolder folder;
    const test::Finished done =
        test::nibble({"measure", "--quick", "--json", "--out", folder / "machine.json"});
    REQUIRE(done.status == 0);
    const std::string text = test::contents(folder / "machine.json");
    CHECK(done.out == text);

    const auto processor = parse_processor_recording(text, "machine.json");
    REQUIRE(processor.has_value());
    CHECK(processor->threads >= 1);
    std::set<std::string> operations;
    for (const LoopSpeed& s : processor->memory) {
        check_speed(s);
        operations.insert(s.operation);
        CHECK(s.bytes * s.threads <= processor->largest_bytes);
    }
    CHECK(operations == std::set<std::string>{"copy", "read", "write"});
    REQUIRE(processor->arithmetic.size() == (processor->threads == 1 ? 2 : 4));
    for (const LoopSpeed& s : processor->arithmetic) {
        check_speed(s);
    }

    const Json j = Json::parse(text);
    CHECK(j["command"] == "nibble measure --quick");
    REQUIRE(j["processor"]["ladders"].size() == kernels::ladders().size());
    for (std::size_t i = 0; i < kernels::ladders().size(); ++i) {
        const Json& ladder = j["processor"]["ladders"][i];
        CHECK(ladder["ladder"] == kernels::ladders()[i].id);
        CHECK(ladder["rung"] == "cpu");
        CHECK(ladder["gb_per_s"].get<double>() > 0);
        CHECK(std::isfinite(ladder["gb_per_s"].get<double>()));
    }
    const kernels::DeviceInfo gpu = kernels::device(kernels::Machine::cuda).probe();
    const KernelRecording recording = parse_kernel_recording(text, "machine.json");
    CHECK(recording.kernels.empty() == !gpu.ready());
    CHECK(j["gpu"]["ready"] == gpu.ready());
    CHECK(j["gpu"]["reason"].get<std::string>().empty() == gpu.ready());
}

TEST_CASE("nibble measure refuses an output before it measures", "[cli]") {
    const test::TempFolder folder;
    const test::Finished nowhere =
        test::nibble({"measure", "--quick", "--out", folder / "missing/machine.json"});
    CHECK(nowhere.status == 1);
    CHECK(nowhere.out.empty());
    CHECK(nowhere.err.find("there is no folder") != std::string::npos);
    CHECK(test::nibble({"measure", "--quick", "--out", folder / "machine.csv"}).status == 2);
    CHECK(folder.files().empty());
}

}  // namespace
}  // namespace nibble
