#include <cstdint>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/tensor/files.hpp"

namespace nibble::npy_test {

using namespace nibble::test;
using namespace std::string_literals;

namespace {

using Code = Error::Code;

std::vector<float> read_one(const std::string& bytes) {
    const TempFolder folder;
    const auto file = open_bytes(folder, "w.npy", bytes);
    REQUIRE(file->tensors().size() == 1);
    return file->read_all(file->tensors()[0]);
}

void refused(const std::string& bytes, const std::vector<std::string>& words,
             Code code = Code::bad_file) {
    check_refused("w.npy", bytes, code, words);
}

}  // namespace

TEST_CASE("an npy file is read as NumPy writes it", "[tensor]") {
    // numpy.save of [[1, 2, 3], [4, 5, 6]] as float32: the header ends at a multiple of 64.
    const std::string bytes = std::string("\x93NUMPY\x01\x00\x76\x00", 10) +
                              "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" +
                              std::string(58, ' ') + "\n" + floats({1, 2, 3, 4, 5, 6});
    const TempFolder folder;
    const auto file = open_bytes(folder, "weights.npy", bytes);
    CHECK(file->format() == "npy 1.0");
    CHECK(file->bytes() == bytes.size());
    CHECK(file->gguf() == nullptr);
    const TensorInfo& tensor = file->find("weights");
    CHECK(tensor.dtype == DType::f32);
    CHECK(tensor.type_name == "<f4");
    CHECK(tensor.shape == std::vector<std::int64_t>{2, 3});
    CHECK(tensor.elements() == 6);
    CHECK(tensor.offset == 128);
    CHECK(tensor.bytes == 24);
    CHECK(file->read_all(tensor) == std::vector<float>{1, 2, 3, 4, 5, 6});
    CHECK(file->raw(tensor).size() == 24);
    std::vector<float> two(2);
    file->read(tensor, 3, std::span(two));
    CHECK(two == std::vector<float>{4, 5});
}

TEST_CASE("every plain NumPy type is read", "[tensor]") {
    const auto read = [](const std::string& descr, const std::string& data, const char* shape) {
        return read_one(npy(npy_header(descr, shape), data));
    };
    CHECK(read("<f8", le(1.5) + le(-2.0), "(2,)") == std::vector<float>{1.5f, -2});
    CHECK(read("=f4", le(1.5f), "(1,)") == std::vector<float>{1.5f});
    CHECK(read("<f2", "\x00\x3c\x00\xc0"s, "(2,)") == std::vector<float>{1, -2});
    CHECK(read("|i1", "\xff\x7f", "(2,)") == std::vector<float>{-1, 127});
    CHECK(read("|u1", "\xff\x7f", "(2,)") == std::vector<float>{255, 127});
    CHECK(read("|b1", "\x01\x00"s, "(2,)") == std::vector<float>{1, 0});
    CHECK(read("<i2", "\xfe\xff", "(1,)") == std::vector<float>{-2});
    CHECK(read("<u2", "\xfe\xff", "(1,)") == std::vector<float>{65534});
    CHECK(read("<i4", le(-70000), "(1,)") == std::vector<float>{-70000});
    CHECK(read("<u4", le(4000000000u), "(1,)") == std::vector<float>{4e9f});
    CHECK(read("<i8", le(std::int64_t{-3}), "(1,)") == std::vector<float>{-3});
    CHECK(read("<u8", le(~std::uint64_t{0}), "(1,)") == std::vector<float>{0x1p64f});
    CHECK(read("<f4", le(7.0f), "()") == std::vector<float>{7});
    CHECK(read("<f4", "", "(3, 0, 2)").empty());
    CHECK(read(">i1", "\xff", "(1,)") == std::vector<float>{-1});  // one byte has no order
}

TEST_CASE("npy versions 2 and 3 have a longer length field", "[tensor]") {
    for (const char version : {'\x02', '\x03'}) {
        const std::string header = npy_header("<f4", "(1,)");
        CHECK(read_one("\x93NUMPY" + std::string{version, '\0'} +
                       le(static_cast<std::uint32_t>(header.size())) + header + le(2.0f)) ==
              std::vector<float>{2});
    }
}

TEST_CASE("the keys of an npy header may come in any order and either quotation mark", "[tensor]") {
    CHECK(read_one(npy(R"({"shape":(1,),"fortran_order":False,"descr":"<f4"})", le(3.0f))) ==
          std::vector<float>{3});
}

TEST_CASE("a Fortran-ordered npy array is handed out row by row", "[tensor]") {
    // Value 100 a + 10 b + c at (a, b, c), stored with a fastest; more elements than one gathering.
    const int na = 7, nb = 31, nc = 13;
    std::vector<float> stored, wanted;
    for (int c = 0; c < nc; ++c) {
        for (int b = 0; b < nb; ++b) {
            for (int a = 0; a < na; ++a) {
                stored.push_back(static_cast<float>(10000 * a + 100 * b + c));
            }
        }
    }
    for (int a = 0; a < na; ++a) {
        for (int b = 0; b < nb; ++b) {
            for (int c = 0; c < nc; ++c) {
                wanted.push_back(static_cast<float>(10000 * a + 100 * b + c));
            }
        }
    }
    const TempFolder folder;
    const auto file =
        open_bytes(folder, "w.npy", npy(npy_header("<f4", "(7, 31, 13)", true), floats(stored)));
    const TensorInfo& tensor = file->find("w");
    CHECK(tensor.fortran_order);
    CHECK(file->read_all(tensor) == wanted);
    std::vector<float> middle(500);
    file->read(tensor, 321, std::span(middle));
    CHECK(std::equal(middle.begin(), middle.end(), wanted.begin() + 321));
    CHECK(read_one(npy(npy_header("<f4", "(0, 3)", true), "")).empty());
}

TEST_CASE("a malformed npy file is refused by the name of its field", "[tensor]") {
    const std::string good = npy(npy_header("<f4", "(2, 2)"), floats({1, 2, 3, 4}));
    CHECK(read_one(good) == std::vector<float>{1, 2, 3, 4});

    refused("NUMPY, but not quite", {"npy magic"});
    refused(good.substr(0, 7), {"npy version", "byte 7"});
    refused(good.substr(0, 9), {"npy header length", "byte 9"});
    refused(good.substr(0, 30), {"npy header length", "beyond the end"});
    refused("\x93NUMPY\x04\x00\x10\x00"s + good, {"npy version 4.0"});
    refused(good.substr(0, good.size() - 1), {"npy shape (2, 2)", "takes 16 bytes", "15"});
    refused(good + "x", {"npy shape (2, 2)", "17"});

    const auto with = [](const std::string& header) { return npy(header, floats({1})); };
    refused(with(""), {"'{' expected"});
    refused(with("{'descr': '<f4', 'shape': (1,)}"), {"fortran_order", "missing"});
    refused(with("{'descr': '<f4', 'fortran_order': False}"), {"shape", "missing"});
    refused(with("{'fortran_order': False, 'shape': (1,)}"), {"descr", "missing"});
    refused(with("{'descr': '<f4', 'descr': '<f4'}"), {"descr", "twice"});
    refused(with("{'colour': 'red'}"), {"unknown key", "colour"});
    refused(with("{'descr': '<f4"), {"descr", "no end"});
    refused(with("{'descr': 4}"), {"descr", "string expected"});
    refused(with("{'descr': '<f4' 'shape'"), {"'}' expected"});
    refused(with("{'fortran_order': Maybe}"), {"fortran_order", "True or False"});
    refused(with(npy_header("<f4", "(-1,)")), {"shape", "whole number"});
    refused(with(npy_header("<f4", "(1.5,)")), {"shape"});
    refused(with(npy_header("<f4", "(1)")), {"shape", "','"});
    refused(with(npy_header("<f4", "4")), {"shape", "'(' expected"});
    refused(with(npy_header("<f4", "(1, 1")), {"shape"});
    refused(with(npy_header("<f4", "(99999999999999999999,)")), {"shape", "2^63"});
    refused(with(npy_header("<f4", "(4294967296, 4294967296)")), {"shape", "exceeds"});
    refused(with(npy_header("<f4", "(0, 4294967296, 4294967296)")), {"shape", "exceeds"});
    refused(with(npy_header("<f4", "(2305843009213693952,)")), {"shape", "exceeds"});
    refused(with(npy_header("<f4", "(1000000000000,)")), {"shape", "4000000000000 bytes"});
    std::string many = "(";
    for (int i = 0; i < 100; ++i) {
        many += "1, ";
    }
    refused(with(npy_header("<f4", many + ")")), {"shape", "more than 64 axes"});
    refused(with(npy_header("<f4", "(1,)") + "import os"), {"follows the dictionary"});
    refused(with(npy_header("<f3", "(1,)")), {"descr", "<f3"});
    refused(with(npy_header("", "(1,)")), {"descr"});
    refused(with(npy_header("<\x01\xff", "(1,)")), {"descr", "<\\x01\\xff"});
}

TEST_CASE("well-formed arrays that Nibble does not read are refused by name", "[tensor]") {
    const auto with = [](const std::string& header) { return npy(header, floats({1})); };
    refused(with(npy_header(">f4", "(1,)")), {"big-endian", ">f4"}, Code::unsupported);
    refused(with(npy_header("|O", "(1,)")), {"object"}, Code::unsupported);
    refused(with(npy_header("<c8", "(1,)")), {"complex"}, Code::unsupported);
    refused(with(npy_header("<U1", "(1,)")), {"text"}, Code::unsupported);
    refused(with(npy_header("<M8[ns]", "(1,)")), {"date"}, Code::unsupported);
    refused(with("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }"),
            {"structured"}, Code::unsupported);
    const Error zip = refusal("w.npz", "PK\x03\x04 and so on");
    CHECK(zip.code() == Code::unsupported);
    CHECK(zip.line().find("npz") != std::string::npos);
    CHECK(zip.hint().find("unzip") != std::string::npos);
}

}  // namespace nibble::npy_test
