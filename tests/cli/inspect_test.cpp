// `nibble inspect FILE` on files written here.
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "sim/tensor/tensor_file.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble {
namespace {

using test::Finished;
using Json = nlohmann::json;

template <class T>
void append(std::string& bytes, T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    bytes.append(raw, sizeof(T));
}

void append(std::string& bytes, const std::string& text) {
    append<std::uint64_t>(bytes, text.size());
    bytes += text;
}

/// A GGUF v3 file with one tensor of 256 values of a type (by ggml's number) that takes `size`
/// bytes.
std::string gguf(std::uint32_t type, std::size_t size) {
    std::string bytes = "GGUF";
    append<std::uint32_t>(bytes, 3);
    append<std::uint64_t>(bytes, 1);  // tensors
    append<std::uint64_t>(bytes, 1);  // metadata
    append(bytes, std::string("general.name"));
    append<std::uint32_t>(bytes, 8);  // a string
    append(bytes, std::string("tiny"));
    append(bytes, std::string("blk.weight"));
    append<std::uint32_t>(bytes, 1);  // dimensions
    append<std::uint64_t>(bytes, 256);
    append<std::uint32_t>(bytes, type);
    append<std::uint64_t>(bytes, 0);  // offset
    bytes.resize((bytes.size() + 31) / 32 * 32);
    return bytes + std::string(size, '\0');
}

TEST_CASE("inspect lists tensors with the statistics of their finite values", "[cli]") {
    const test::TempFolder folder;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> values = {-1, 0, 1, 2, nan, 2}, more = {0.5F};
    const std::string path = folder / "two.safetensors";
    write_safetensors(path, {{"first", {2, 3}, values}, {"second", {}, more}}, {{"maker", "test"}});

    const Finished f = test::nibble({"inspect", path, "--json"});
    REQUIRE(f.status == 0);
    CHECK(f.err.empty());
    const Json j = Json::parse(f.out);
    CHECK(j["format"] == "safetensors");
    CHECK(j["bytes"] == std::filesystem::file_size(path));
    CHECK(j["metadata"] == Json{{"maker", "test"}});
    REQUIRE(j["tensors"].size() == 2);
    const Json& first = j["tensors"][0];
    CHECK(first["name"] == "first");
    CHECK(first["type"] == "F32");
    CHECK(first["shape"] == Json{2, 3});
    CHECK(first["elements"] == 6);
    CHECK(first["bytes"] == 24);
    CHECK(first["min"] == -1);
    CHECK(first["max"] == 2);
    CHECK(first["mean"].get<double>() == Approx(0.8));
    CHECK(first["std"].get<double>() == Approx(std::sqrt(6.8 / 5)));
    CHECK(first["nan_count"] == 1);
    CHECK(first["inf_count"] == 0);
    CHECK(j["tensors"][1]["shape"] == Json::array());

    const std::string text = test::nibble({"inspect", path}).out;
    CHECK(text.find("safetensors, ") != std::string::npos);
    CHECK(text.find("2 tensors, 7 values\n") != std::string::npos);
    CHECK(text.find("\n  maker  test\n") != std::string::npos);
    CHECK(text.find("first   F32    2 x 3   24 B   -1    2   0.8  1.17    1    0\n") !=
          std::string::npos);
    CHECK(text.find("second  F32   scalar") != std::string::npos);
}

TEST_CASE("inspect can look at one tensor, or at the headers alone", "[cli]") {
    const test::TempFolder folder;
    const std::vector<float> values = {1, 2};
    const std::string path = folder / "two.safetensors";
    write_safetensors(path, {{"alpha", {2}, values}, {"beta", {2}, values}});
    const Json one = Json::parse(test::nibble({"inspect", path, "--tensor", "beta", "--json"}).out);
    REQUIRE(one["tensors"].size() == 1);
    CHECK(one["tensors"][0]["name"] == "beta");
    const Json headers = Json::parse(test::nibble({"inspect", path, "--headers", "--json"}).out);
    CHECK(headers["tensors"].size() == 2);
    CHECK_FALSE(headers["tensors"][0].contains("mean"));
    const Finished wrong = test::nibble({"inspect", path, "--tensor", "bet"});
    CHECK(wrong.status == 2);
    CHECK(wrong.err.find("\"bet\"") != std::string::npos);
    CHECK(wrong.err.find("beta") != std::string::npos);
}

TEST_CASE("A tensor that cannot be read yet is listed with its type and the reason", "[cli]") {
    const test::TempFolder folder;
    test::write(folder / "k.gguf", gguf(12, 144));  // Q4_K: 256 values in 144 bytes
    const Finished f = test::nibble({"inspect", folder / "k.gguf"});
    REQUIRE(f.status == 0);
    CHECK(f.out.find("general.name  tiny") != std::string::npos);
    CHECK(f.out.find("blk.weight  Q4_K") != std::string::npos);
    const Json j = Json::parse(test::nibble({"inspect", folder / "k.gguf", "--json"}).out);
    CHECK(j["tensors"][0]["type"] == "Q4_K");
    CHECK_FALSE(j["tensors"][0].contains("mean"));
    CHECK(j["tensors"][0]["unread"].get<std::string>().find("Q4_K") != std::string::npos);
}

TEST_CASE("inspect refuses what it cannot read in one line", "[cli]") {
    const test::TempFolder folder;
    test::write(folder / "prose.npy", "not a tensor at all");
    test::write(folder / "cut.gguf", gguf(0, 100));  // f32 needs 1024 bytes
    for (const std::string& path : {folder / "absent.npy", folder / "prose.npy",
                                    folder / "cut.gguf", folder.path().string()}) {
        CAPTURE(path);
        const Finished f = test::nibble({"inspect", path});
        CHECK(f.status == 1);
        CHECK(f.out.empty());
        CHECK(f.err.starts_with("nibble: "));
        CHECK(f.err.find(path) != std::string::npos);
        CHECK(std::count(f.err.begin(), f.err.end(), '\n') == 1);
    }
}

}  // namespace
}  // namespace nibble
