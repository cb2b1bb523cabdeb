#include "sim/measured/kernel_speed.hpp"

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "sim/core/error.hpp"

#include "tests/catch.hpp"

namespace nibble::kernel_speed_test {

namespace {

const std::string good = R"({
    "machine": "A GPU", "date": "2026-01-31", "command": "nibble measure", "driver": "passed over",
    "kernels": [
        {"ladder": "quantize-int4-group", "rung": "naive", "rows": 4096, "columns": 8192,
         "group_size": 128, "input": "f16", "gb_per_s": 812.5, "copy_gb_per_s": 4210}]})";

/// `good` with one text in place of another.
std::string with(const std::string& old, const std::string& now) {
    std::string text = good;
    REQUIRE(text.find(old) != std::string::npos);
    return text.replace(text.find(old), old.size(), now);
}

}  // namespace

TEST_CASE("a recording of kernel speeds is read", "[measured]") {
    const KernelRecording r = parse_kernel_recording(good, "gpu.json");
    CHECK(r.machine == "A GPU");
    CHECK(r.date == "2026-01-31");
    CHECK(r.command == "nibble measure");
    REQUIRE(r.kernels.size() == 1);
    const KernelSpeed& k = r.kernels[0];
    CHECK(k.ladder == "quantize-int4-group");
    CHECK(k.rung == "naive");
    CHECK(k.input == "f16");
    CHECK(k.rows == 4096);
    CHECK(k.columns == 8192);
    CHECK(k.group_size == 128);
    CHECK(k.gb_per_s == 812.5);
    CHECK(k.copy_gb_per_s == 4210);
}

TEST_CASE("a broken recording is refused by the name of the member", "[measured]") {
    const auto message = [](const std::string& text) -> std::string {
        try {
            parse_kernel_recording(text, "gpu.json");
        } catch (const Error& error) {
            CHECK(error.code() == Error::Code::bad_file);
            return error.what();
        }
        return "no error";
    };
    CHECK(message("[").starts_with("gpu.json, line 1, column 2: not JSON: "));
    CHECK(message("[]") == "gpu.json: [...] is not a JSON object");
    CHECK(message(with("\"machine\"", "\"m\"")) == "gpu.json: \"machine\" is missing");
    CHECK(message(with("\"A GPU\"", "7")) == "gpu.json: \"machine\" = 7 is not a text");
    CHECK(message(with("[\n", "[3, ")) == "gpu.json, kernels 0: 3 is not a JSON object");
    CHECK(message(with("4096", "-1")) ==
          "gpu.json, kernels 0: \"rows\" = -1 is not a whole number from 0");
    CHECK(message(with("4096", "1e30")).find("\"rows\" = 1e+30 is not") != std::string::npos);
    CHECK(message(with("4096", "9007199254740992")).find("\"rows\" = 9") != std::string::npos);
    CHECK(message(with("812.5", "0")) ==
          "gpu.json, kernels 0: \"gb_per_s\" = 0 is not a number above 0");
    CHECK(message(with("812.5", "\"fast\"")) ==
          "gpu.json, kernels 0: \"gb_per_s\" = \"fast\" is not a number above 0");
    CHECK(message(with("\"copy_gb_per_s\"", "\"c\"")) ==
          "gpu.json, kernels 0: \"copy_gb_per_s\" is missing");
    CHECK(message(std::string(100, '[')).find("gpu.json") == 0);
}

TEST_CASE("recordings are found in a folder, in the order of their names", "[measured]") {
    namespace fs = std::filesystem;
    const fs::path folder =
        fs::temp_directory_path() / ("nibble-measured-" + std::to_string(getpid()));
    CHECK(read_kernel_recordings(folder).empty());
    fs::create_directories(folder);
    std::ofstream(folder / "b.json") << good;
    std::ofstream(folder / "a.json") << with("A GPU", "Another");
    std::ofstream(folder / "notes.txt") << "no recording";
    const auto found = read_kernel_recordings(folder);
    fs::remove_all(folder);
    REQUIRE(found.size() == 2);
    CHECK(found[0].machine == "Another");
    CHECK(found[1].machine == "A GPU");
}

}  // namespace nibble::kernel_speed_test
