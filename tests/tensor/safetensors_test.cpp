#include <cstdint>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/tensor/files.hpp"

namespace nibble::safetensors_test {

using namespace nibble::test;
using namespace std::string_literals;

namespace {

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  int begin, int end) {
    return fmt::format(R"("{}":{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})", name, dtype,
                       shape, begin, end);
}

std::string object(const std::string& members) {
    return fmt::format("{{{}}}", members);
}

void refused(const std::string& bytes, const std::vector<std::string>& words,
             Error::Code code = Error::Code::bad_file) {
    check_refused("w.safetensors", bytes, code, words);
}

}  // namespace

TEST_CASE("a safetensors file lists its tensors in the order of their data", "[tensor]") {
    const std::string bytes = safetensors(
        object(entry("b", "F32", "[2]", 4, 12) + R"(,"__metadata__":{"format":"pt"},)" +
               entry("a", "F32", "[]", 0, 4) + "," + entry("none", "F16", "[0,7]", 4, 4)) +
            "  ",
        floats({7, 1, 2}));
    const TempFolder folder;
    const auto file = open_bytes(folder, "model.safetensors", bytes);
    CHECK(file->format() == "safetensors");
    REQUIRE(file->metadata().size() == 1);
    CHECK(file->metadata()[0].key == "format");
    CHECK(file->metadata()[0].value == "pt");
    REQUIRE(file->tensors().size() == 3);
    CHECK(file->tensors()[0].name == "a");
    CHECK(file->tensors()[1].name == "none");
    CHECK(file->tensors()[2].name == "b");
    CHECK(file->tensors()[0].shape.empty());
    CHECK(file->tensors()[0].elements() == 1);
    CHECK(file->tensors()[1].elements() == 0);
    CHECK(file->read_all(file->find("a")) == std::vector<float>{7});
    CHECK(file->read_all(file->find("none")).empty());
    CHECK(file->read_all(file->find("b")) == std::vector<float>{1, 2});
    // Recognised by its first brace, whatever its name.
    CHECK(open_bytes(folder, "model", bytes)->format() == "safetensors");
}

TEST_CASE("every safetensors type of the product is read", "[tensor]") {
    struct Row {
        const char* name;
        DType dtype;
        std::string bytes;
        float value;
    };
    const std::vector<Row> rows = {
        {"F64", DType::f64, le(-2.5), -2.5f},
        {"F32", DType::f32, "\x00\x00\x20\xc0"s, -2.5f},
        {"F16", DType::f16, "\x00\xc1"s, -2.5f},
        {"BF16", DType::bf16, "\x20\xc0", -2.5f},
        {"F8_E4M3", DType::f8_e4m3, "\xc2", -2.5f},
        {"F8_E5M2", DType::f8_e5m2, "\xc1", -2.5f},
        {"I8", DType::i8, "\xfe", -2},
        {"U8", DType::u8, "\xfe", 254},
        {"I16", DType::i16, "\xfe\xff", -2},
        {"U16", DType::u16, "\xfe\xff", 65534},
        {"I32", DType::i32, "\xfe\xff\xff\xff", -2},
        {"U32", DType::u32, "\x02\x01\x00\x00"s, 258},
        {"I64", DType::i64, "\xfe\xff\xff\xff\xff\xff\xff\xff", -2},
        {"U64", DType::u64, "\x02\x01\x00\x00\x00\x00\x00\x00"s, 258},
        {"BOOL", DType::boolean, "\x01", 1},
    };
    const TempFolder folder;
    for (const Row& row : rows) {
        INFO(row.name);
        const auto file = open_bytes(
            folder, "w.safetensors",
            safetensors(object(entry("x", row.name, "[1]", 0, static_cast<int>(row.bytes.size()))),
                        row.bytes));
        const TensorInfo& tensor = file->tensors().at(0);
        CHECK(tensor.dtype == row.dtype);
        CHECK(tensor.type_name == row.name);
        CHECK(file->read_all(tensor) == std::vector<float>{row.value});
    }
}

TEST_CASE("a safetensors type without a conversion is listed, and refused when read", "[tensor]") {
    const TempFolder folder;
    const auto file = open_bytes(folder, "w.safetensors",
                                 safetensors(object(entry("x", "F4", "[6]", 0, 3)), "abc"));
    const TensorInfo& tensor = file->find("x");
    CHECK(tensor.dtype == DType::other);
    CHECK(tensor.type_name == "F4");
    CHECK(file->raw(tensor).size() == 3);
    try {
        file->read_all(tensor);
        FAIL("read");
    } catch (const Error& error) {
        CHECK(error.code() == Error::Code::unsupported);
        CHECK(error.line().find("\"x\" is stored as F4") != std::string::npos);
    }
    refused(safetensors(object(entry("x", "F4", "[5]", 0, 3)), "abc"), {"shape", "byte"});
}

TEST_CASE("a malformed safetensors file is refused by the name of its field", "[tensor]") {
    const std::string two = entry("a", "F32", "[1]", 0, 4) + "," + entry("b", "F32", "[1]", 4, 8);
    const std::string data(8, '\0');
    const auto with = [&](const std::string& json) { return safetensors(json, data); };
    const auto one = [&](const std::string& fields) { return with(R"({"a":{)" + fields + "}}"); };
    const std::string good = with(object(two));
    {
        const TempFolder folder;
        CHECK(open_bytes(folder, "w.safetensors", good)->tensors().size() == 2);
    }

    refused(good.substr(0, 5), {"header length", "5"});
    refused(good.substr(0, 40), {"header length", "byte 40"});
    refused(good.substr(0, good.size() - 1), {"tensor \"b\"", "data_offsets"});
    refused(good + "x", {"data_offsets", "the last tensor ends"});
    refused(le(~std::uint64_t{0}) + "{}", {"header length"});
    refused(le(std::uint64_t{0}) + "{}", {"'{' expected at byte 8"});
    refused(with("[]"), {"'{' expected at byte 8"});
    refused(with("{}"), {"no tensors"});
    refused(with(R"({"__metadata__":{}})"), {"no tensors"});
    refused(with(object(two).substr(0, two.size() + 1)), {"no JSON", "byte"});
    refused(with(object(two) + " x"), {"no JSON"});
    refused(with(object(two + ",")), {"no JSON"});
    refused(with("{\"\xff\":1}"), {"no JSON", "UTF-8"});
    refused(with(R"({"a":1})"), {"tensor \"a\"", "a number", "object"});
    refused(with(R"({"a":[]})"), {"tensor \"a\"", "a list", "object"});
    refused(with(R"({"__metadata__":{"k":1}})"), {"__metadata__", "text"});
    refused(with(R"({"__metadata__":{"k":{}}})"), {"__metadata__", "text"});
    refused(with(R"({"__metadata__":{"k":"","k":""}})"), {"\"k\" appears twice"});
    refused(with(object(entry("a", "F32", "[1]", 0, 4) + "," + entry("a", "F32", "[1]", 4, 8))),
            {"tensor \"a\"", "appears twice"});
    refused(with(object(two + R"(,"__metadata__":{},"__metadata__":{})")), {"appears twice"});
    refused(one(R"("shape":[1],"data_offsets":[0,8])"), {"dtype is missing"});
    refused(one(R"("dtype":"F64","data_offsets":[0,8])"), {"shape is missing"});
    refused(one(R"("dtype":"F64","shape":[1])"), {"data_offsets is missing"});
    refused(one(R"("dtype":"F64","dtype":"F64")"), {"dtype", "twice"});
    refused(one(R"("strides":[1])"), {"strides", "unknown field"});
    refused(one(R"("dtype":"F7")"
                ",\"shape\":[1],\"data_offsets\":[0,8]"),
            {"dtype \"F7\""});
    refused(one(R"("dtype":1)"), {"dtype", "a number"});
    refused(one(R"("dtype":null)"), {"dtype", "null"});
    refused(one(R"("shape":true)"), {"shape", "true or false"});
    refused(one(R"("shape":"1")"), {"shape", "a string"});
    refused(one(R"("shape":[-1])"), {"shape", "negative"});
    refused(one(R"("shape":[1.5])"), {"shape", "whole"});
    refused(one(R"("shape":[99999999999999999999])"), {"shape", "whole"});
    refused(one(R"("shape":[9223372036854775808])"), {"shape", "2^63"});
    refused(one(R"("shape":[[1]])"), {"shape", "a list"});
    refused(one(R"("dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,8])"),
            {"shape", "exceeds"});
    refused(one(R"("dtype":"F64","shape":[0,4294967296,4294967296],"data_offsets":[0,0])"),
            {"shape", "exceeds"});
    refused(one(R"("dtype":"F64","shape":[2],"data_offsets":[0,8])"),
            {"tensor \"a\"", "shape (2) of F64 takes 16 bytes", "hold 8"});
    refused(one(R"("dtype":"F64","shape":[1],"data_offsets":[8,0])"), {"data_offsets [8, 0]"});
    refused(one(R"("dtype":"F64","shape":[1],"data_offsets":[0])"), {"data_offsets [0]"});
    refused(one(R"("dtype":"F64","shape":[1],"data_offsets":[0,4,8])"), {"data_offsets", "two"});
    refused(one(R"("dtype":"F64","shape":[1],"data_offsets":[8,16])"), {"data_offsets [8, 16]"});
    refused(one(R"("dtype":"F64","shape":[1],"data_offsets":[18446744073709551608,0])"),
            {"data_offsets"});
    refused(with(object(entry("a", "F32", "[1]", 0, 4) + "," + entry("b", "F32", "[1]", 2, 6))),
            {"tensor \"b\"", "overlap"});
    refused(with(object(entry("a", "F32", "[1]", 4, 8))), {"tensor \"a\"", "gap"});
    refused(with(object(entry("a", "F32", "[1]", 0, 4))), {"the last tensor ends"});
}

TEST_CASE("absurd JSON costs neither stack nor memory", "[tensor]") {
    const int deep = 1'000'000;
    refused(safetensors(std::string(R"({"a":)") + std::string(deep, '['), ""), {"tensor \"a\""});
    std::string nested;
    for (int i = 0; i < deep / 10; ++i) {
        nested += R"({"a":)";
    }
    refused(safetensors(nested, ""), {"tensor \"a\""});
    std::string axes = R"({"a":{"shape":[1)";
    for (int i = 0; i < deep; ++i) {
        axes += ",1";
    }
    refused(safetensors(axes + "]}}", ""), {"shape", "more than 64 axes"});
    // A message never repeats a long name in full.
    const Error error =
        refusal("w.safetensors", safetensors("{\"" + std::string(deep, 'x') + "\":1}", ""));
    CHECK(error.line().size() < 500);
}

}  // namespace nibble::safetensors_test
