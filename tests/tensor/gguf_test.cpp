#include "sim/tensor/gguf.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/catch.hpp"
#include "tests/tensor/files.hpp"

namespace nibble::gguf_test {

using namespace nibble::test;
using namespace std::string_literals;

namespace {

constexpr std::uint32_t u8 = 0, u32 = 4, f32 = 6, boolean = 7, string = 8, array = 9, u64 = 10;

const std::string half_quarter = "\x00\x34"s;  // 0.25
const std::string half_minus_2 = "\x00\xc0"s;  // -2
const std::string half_one = "\x00\x3c"s;      // 1

std::string gguf_list(std::uint32_t type, std::uint64_t count, const std::string& elements) {
    return le(type) + le(count) + elements;
}

/// One tensor "w" of one type; `elements` long, fastest axis only.
std::vector<float> read_one(std::uint32_t type, std::int64_t elements, const std::string& data) {
    const TempFolder folder;
    const auto file =
        open_bytes(folder, "w.gguf", gguf({}, {gguf_tensor("w", {elements}, type, 0)}, data));
    return file->read_all(file->find("w"));
}

void refused(const std::string& bytes, const std::vector<std::string>& words,
             Error::Code code = Error::Code::bad_file) {
    check_refused("w.gguf", bytes, code, words);
}

/// Sixteen bytes whose low nibbles count up from 0 and whose high nibbles count down from 15.
std::string nibbles() {
    std::string bytes;
    for (int i = 0; i < 16; ++i) {
        bytes += static_cast<char>(i | (15 - i) << 4);
    }
    return bytes;
}

}  // namespace

TEST_CASE("a GGUF file shows its tensors with the slowest axis first", "[tensor]") {
    std::string data = floats({1, 2, 3, 4, 5, 6});
    data.resize(32, '\0');
    data += floats({7});
    for (const std::uint32_t version : {2u, 3u}) {
        const std::string bytes =
            gguf({gguf_pair("general.architecture", string, gguf_string("llama"))},
                 {gguf_tensor("w", {3, 2}, 0, 0), gguf_tensor("scalar", {}, 0, 32)}, data, version);
        const TempFolder folder;
        const auto file = open_bytes(folder, "model.gguf", bytes);
        CHECK(file->format() == "GGUF v" + std::to_string(version));
        const TensorInfo& w = file->find("w");
        CHECK(w.shape == std::vector<std::int64_t>{2, 3});
        CHECK(w.type_name == "F32");
        CHECK(w.bytes == 24);
        CHECK(w.offset == bytes.size() - data.size());
        CHECK(file->read_all(w) == std::vector<float>{1, 2, 3, 4, 5, 6});
        CHECK(file->read_all(file->find("scalar")) == std::vector<float>{7});
    }
}

TEST_CASE("GGUF metadata keeps its types, and has a text form", "[tensor]") {
    std::string many;
    for (std::uint32_t i = 0; i < 20; ++i) {
        many += le(i);
    }
    const TempFolder folder;
    const auto file = open_bytes(
        folder, "w.gguf",
        gguf({gguf_pair("a.u8", u8, "\xff"), gguf_pair("a.i8", 1, "\xff"),
              gguf_pair("a.u16", 2, le(std::uint16_t{65535})),
              gguf_pair("a.i16", 3, le(std::int16_t{-2})), gguf_pair("a.u32", u32, le(4000000000u)),
              gguf_pair("a.i32", 5, le(-7)), gguf_pair("a.f32", f32, le(1e-05f)),
              gguf_pair("a.bool", boolean, "\x01"),
              gguf_pair("a.text", string, gguf_string("line\nnext \xff")),
              gguf_pair("a.u64", u64, le(~std::uint64_t{0})),
              gguf_pair("a.i64", 11, le(std::numeric_limits<std::int64_t>::min())),
              gguf_pair("a.f64", 12, le(0.1)),
              gguf_pair("tokens", array,
                        gguf_list(string, 2, gguf_string("<s>") + gguf_string("\xe2\x96\x81the"))),
              gguf_pair("flags", array, gguf_list(boolean, 3, "\x01\x00\x01"s)),
              gguf_pair("many", array, gguf_list(u32, 20, many)),
              gguf_pair("none", array, gguf_list(f32, 0, "")),
              gguf_pair("long", string, gguf_string(std::string(1000, 'x')))},
             {gguf_tensor("w", {1}, 0, 0)}, floats({1})));
    const GgufMetadata* typed = file->gguf();
    REQUIRE(typed != nullptr);
    CHECK(typed->version == 3);
    CHECK(typed->alignment == 32);
    CHECK(*typed->find("a.u32") == GgufValue(4000000000u));
    CHECK(*typed->find("a.bool") == GgufValue(true));
    CHECK(*typed->find("a.f64") == GgufValue(0.1));
    CHECK(std::get<std::string>(*typed->find("a.text")) == "line\nnext \xff");
    CHECK(*typed->find("tokens") ==
          GgufValue(GgufArray(std::vector<std::string>{"<s>", "\xe2\x96\x81the"})));
    CHECK(*typed->find("flags") == GgufValue(GgufArray(std::vector<bool>{true, false, true})));
    CHECK(typed->find("absent") == nullptr);

    std::map<std::string, std::string> text;
    for (const MetadataEntry& entry : file->metadata()) {
        text[entry.key] = entry.value;
    }
    CHECK(text["a.u8"] == "255");
    CHECK(text["a.i8"] == "-1");
    CHECK(text["a.u16"] == "65535");
    CHECK(text["a.i16"] == "-2");
    CHECK(text["a.i32"] == "-7");
    CHECK(text["a.f32"] == "1e-05");
    CHECK(text["a.bool"] == "true");
    CHECK(text["a.text"] == "line\\nnext \\xff");
    CHECK(text["a.u64"] == "18446744073709551615");
    CHECK(text["a.i64"] == "-9223372036854775808");
    CHECK(text["tokens"] == "[\"<s>\", \"\xe2\x96\x81the\"]");
    CHECK(text["flags"] == "[true, false, true]");
    CHECK(text["many"] == "[0, 1, 2, 3, 4, 5, 6, 7, ...] (20 values)");
    CHECK(text["none"] == "[]");
    CHECK(text["long"].find("(1000 bytes)") != std::string::npos);
    CHECK(text["long"].size() < 300);
}

TEST_CASE("plain GGUF types are read", "[tensor]") {
    CHECK(read_one(0, 1, "\x00\x00\x20\xc0"s) == std::vector<float>{-2.5f});
    CHECK(read_one(1, 2, half_quarter + half_minus_2) == std::vector<float>{0.25f, -2});
    CHECK(read_one(30, 1, "\x20\xc0") == std::vector<float>{-2.5f});
    CHECK(read_one(24, 2, "\xff\x01") == std::vector<float>{-1, 1});
    CHECK(read_one(25, 1, "\xfe\xff") == std::vector<float>{-2});
    CHECK(read_one(26, 1, le(-70000)) == std::vector<float>{-70000});
    CHECK(read_one(27, 1, le(std::int64_t{-3})) == std::vector<float>{-3});
    CHECK(read_one(28, 1, le(-2.5)) == std::vector<float>{-2.5f});
}

// Scale 0.25, minimum -2: every expected value is exact.

TEST_CASE("Q4_0 blocks are scale times code less 8", "[tensor]") {
    const auto values = read_one(2, 32, half_quarter + nibbles());
    for (int i = 0; i < 16; ++i) {
        CHECK(values.at(static_cast<std::size_t>(i)) == 0.25f * static_cast<float>(i - 8));
        CHECK(values.at(static_cast<std::size_t>(i + 16)) == 0.25f * static_cast<float>(7 - i));
    }
}

TEST_CASE("Q4_1 blocks are scale times code plus minimum", "[tensor]") {
    const auto values = read_one(3, 32, half_quarter + half_minus_2 + nibbles());
    for (int i = 0; i < 16; ++i) {
        CHECK(values.at(static_cast<std::size_t>(i)) == 0.25f * static_cast<float>(i) - 2);
        CHECK(values.at(static_cast<std::size_t>(i + 16)) ==
              0.25f * static_cast<float>(15 - i) - 2);
    }
}

TEST_CASE("Q5_0 and Q5_1 blocks keep the fifth bit of value k in bit k", "[tensor]") {
    // Bits 0, 3, 16 and 31 set.
    const std::uint32_t high = 1u << 0 | 1u << 3 | 1u << 16 | 1u << 31;
    const auto q5_0 = read_one(6, 32, half_quarter + le(high) + nibbles());
    const auto q5_1 = read_one(7, 32, half_quarter + half_minus_2 + le(high) + nibbles());
    for (int i = 0; i < 32; ++i) {
        const int low = i < 16 ? i : 31 - i;
        const int code = low + (i == 0 || i == 3 || i == 16 || i == 31 ? 16 : 0);
        INFO("value " << i);
        CHECK(q5_0.at(static_cast<std::size_t>(i)) == 0.25f * static_cast<float>(code - 16));
        CHECK(q5_1.at(static_cast<std::size_t>(i)) == 0.25f * static_cast<float>(code) - 2);
    }
}

TEST_CASE("Q8_0 blocks are scale times signed byte, and any range can be read", "[tensor]") {
    std::string data;
    std::vector<float> wanted;
    for (int block = 0; block < 3; ++block) {
        data += block == 1 ? half_one : half_quarter;
        for (int i = 0; i < 32; ++i) {
            const int code = block * 32 + i - 128;
            data += static_cast<char>(code);
            wanted.push_back((block == 1 ? 1.0f : 0.25f) * static_cast<float>(code));
        }
    }
    CHECK(read_one(8, 96, data) == wanted);
    const TempFolder folder;
    const auto file =
        open_bytes(folder, "w.gguf", gguf({}, {gguf_tensor("w", {32, 3}, 8, 0)}, data));
    const TensorInfo& w = file->find("w");
    for (std::size_t first = 0; first <= 96; first += 5) {
        for (std::size_t count = 0; first + count <= 96; count += 7) {
            std::vector<float> out(count);
            std::vector<double> wide(count);
            file->read(w, static_cast<std::int64_t>(first), std::span(out));
            file->read(w, static_cast<std::int64_t>(first), std::span(wide));
            const auto from = wanted.begin() + static_cast<std::ptrdiff_t>(first);
            CHECK(std::equal(out.begin(), out.end(), from));
            CHECK(std::equal(wide.begin(), wide.end(), from));
        }
    }
}

TEST_CASE("ggml types that are not read are listed by name, and refused when read", "[tensor]") {
    const std::vector<std::tuple<std::uint32_t, std::string, std::int64_t, std::size_t>> rows = {
        {9, "Q8_1", 32, 36},    {10, "Q2_K", 256, 84},    {11, "Q3_K", 256, 110},
        {12, "Q4_K", 256, 144}, {13, "Q5_K", 256, 176},   {14, "Q6_K", 256, 210},
        {15, "Q8_K", 256, 292}, {16, "IQ2_XXS", 256, 66}, {20, "IQ4_NL", 32, 18},
        {29, "IQ1_M", 256, 56}, {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},
    };
    for (const auto& [type, name, elements, bytes] : rows) {
        const std::string file =
            gguf({}, {gguf_tensor("w", {elements, 2}, type, 0)}, std::string(2 * bytes, '\0'));
        const TempFolder folder;
        const auto open = open_bytes(folder, "w.gguf", file);
        CHECK(open->find("w").type_name == name);
        CHECK(open->find("w").dtype == DType::other);
        CHECK(open->find("w").bytes == 2 * bytes);
        refused(file, {"tensor \"w\" is stored as " + name}, Error::Code::unsupported);
        refused(file.substr(0, file.size() - 1), {"tensor \"w\" offset"});
    }
    const TempFolder folder;
    const auto file = open_bytes(folder, "w.gguf",
                                 gguf({}, {gguf_tensor("w", {32}, 9, 0)}, std::string(36, '\0')));
    CHECK_THROWS_AS(summarize(*file, file->find("w")), Error);
}

TEST_CASE("a malformed GGUF file is refused by the name of its field", "[tensor]") {
    const std::string w = gguf_tensor("w", {1}, 0, 0);
    const std::string one = floats({1});
    const auto tensors = [&](const std::vector<std::string>& infos) {
        return gguf({}, infos, std::string(64, '\0'));
    };
    const auto pair = [&](const std::string& bytes) { return gguf({bytes}, {w}, one); };
    const auto counts = [](std::uint64_t t, std::uint64_t kv) {
        return "GGUF" + le(3u) + le(t) + le(kv) + std::string(200, '\0');
    };
    const std::uint64_t huge = ~std::uint64_t{0};

    refused("GGUX and more than eight", {"GGUF magic"});
    refused("GG", {"GGUF magic", "byte 2"});
    refused("GGUF\x03", {"GGUF version", "byte 5"});
    refused("GGUF"s + le(1u) + le(0ull), {"GGUF version", "1 is not read"});
    refused("GGUF\x00\x00\x00\x03"s + le(0ull), {"GGUF version", "big-endian"});
    refused("GGUF"s + le(3u), {"GGUF tensor count", "ends at byte 8"});
    refused(counts(huge, 0), {"GGUF tensor count", "18446744073709551615"});
    refused(counts(1000, 0), {"GGUF tensor count", "1000"});
    refused(counts(1, huge), {"GGUF metadata count"});
    refused(gguf({}, {}, one), {"GGUF tensor count", "no tensors"});

    refused(pair(le(huge)), {"key of metadata pair 0", "string of 18446744073709551615 bytes"});
    refused(pair(gguf_pair("\xff", u8, "\x01")), {"key of metadata pair 0", "not UTF-8"});
    refused(gguf({gguf_pair("k", u8, "1"), gguf_pair("k", u8, "1")}, {w}, one),
            {"metadata \"k\"", "twice"});
    refused(pair(gguf_pair("k", 13, "\x01")), {"metadata \"k\"", "value type 13"});
    refused(pair(gguf_pair("k", boolean, "\x02")), {"metadata \"k\"", "bool"});
    refused(pair(gguf_pair("k", string, le(huge))), {"metadata \"k\"", "string of"});
    refused(pair(gguf_pair("k", array, gguf_list(string, huge, ""))),
            {"metadata \"k\"", "8 bytes"});
    refused(pair(gguf_pair("k", array, gguf_list(u64, huge / 8, ""))), {"metadata \"k\""});
    refused(pair(gguf_pair("k", array, gguf_list(99, 1, ""))), {"metadata \"k\"", "value type 99"});
    refused(pair(gguf_pair("k", array, gguf_list(array, 1, gguf_list(u8, 1, "x")))),
            {"metadata \"k\"", "arrays of arrays"});
    for (const std::string& bad :
         {gguf_pair("general.alignment", u32, le(0u)), gguf_pair("general.alignment", u32, le(24u)),
          gguf_pair("general.alignment", u64, le(32ull)),
          gguf_pair("general.alignment", string, gguf_string("32"))}) {
        refused(pair(bad), {"general.alignment", "power of two"});
    }

    refused(tensors({gguf_tensor("\xc0\x80", {1}, 0, 0)}), {"name of tensor 0", "not UTF-8"});
    refused(tensors({w, gguf_tensor("w", {1}, 0, 32)}), {"tensor \"w\"", "twice"});
    refused(tensors({gguf_tensor("w", {1, 1, 1, 1, 1}, 0, 0)}), {"dimensions", "5 of them"});
    refused(tensors({gguf_tensor("w", {0}, 0, 0)}), {"dimensions", "dimension 0 is 0"});
    refused(tensors({gguf_tensor("w", {1, -4}, 0, 0)}), {"dimensions", "dimension 1 is -4"});
    refused(tensors({gguf_tensor("w", {1ll << 32, 1ll << 32}, 0, 0)}), {"dimensions", "exceeds"});
    refused(tensors({gguf_tensor("w", {1ll << 62}, 0, 0)}), {"dimensions", "exceeds"});
    refused(tensors({gguf_tensor("w", {1}, 4, 0)}), {"tensor \"w\" type", "4 is no ggml type"});
    refused(tensors({gguf_tensor("w", {1}, 999, 0)}), {"tensor \"w\" type", "999"});
    refused(tensors({gguf_tensor("w", {33}, 2, 0)}), {"dimensions", "rows of 33", "Q4_0"});
    refused(tensors({gguf_tensor("w", {16, 2}, 8, 0)}), {"dimensions", "rows of 16"});
    refused(tensors({gguf_tensor("w", {1}, 0, 4)}), {"offset", "alignment 32"});
    refused(tensors({gguf_tensor("w", {1}, 0, 1ull << 63)}), {"tensor \"w\" offset", "beyond"});
    refused(tensors({gguf_tensor("w", {1}, 0, 96)}), {"tensor \"w\" offset", "beyond"});
    refused(tensors({gguf_tensor("w", {17}, 0, 0)}), {"tensor \"w\" offset", "beyond"});
    refused(tensors({gguf_tensor("a", {9}, 0, 0), gguf_tensor("b", {1}, 0, 32)}),
            {"tensor \"b\" offset", "overlap those of \"a\""});
    refused(gguf({}, {w}, ""), {"tensor \"w\" offset", "beyond the 0 bytes"});
}

TEST_CASE("a GGUF file may choose its alignment", "[tensor]") {
    const std::string bytes =
        gguf({gguf_pair("general.alignment", u32, le(8u))},
             {gguf_tensor("a", {1}, 0, 0), gguf_tensor("b", {1}, 0, 8)}, floats({1, 0, 2}), 3, 8);
    const TempFolder folder;
    const auto file = open_bytes(folder, "w.gguf", bytes);
    CHECK(file->gguf()->alignment == 8);
    CHECK(file->read_all(file->find("b")) == std::vector<float>{2});
}

}  // namespace nibble::gguf_test
