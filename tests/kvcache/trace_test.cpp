#include "sim/kvcache/trace.hpp"

#include "sim/core/error.hpp"
#include "sim/kvcache/placement.hpp"

#include "tests/catch.hpp"

namespace nibble::trace_test {

using Catch::Matchers::Contains;

namespace {

std::string refused(const std::string& text) {
    try {
        parse_trace(text, "t.csv");
    } catch (const Error& e) {
        CHECK(e.code() == Error::Code::bad_file);
        CHECK_FALSE(e.hint().empty());
        return e.what();
    }
    return "";
}

}  // namespace

TEST_CASE("columns are found by name, wherever they stand", "[kvcache]") {
    const auto t =
        parse_trace("\xEF\xBB\xBF id, output ,\"prompt\"\r\na,7,3\r\n\r\nb,\"1\",2", "t");
    REQUIRE(t.requests.size() == 2);
    CHECK(t.requests[0].prompt == 3);
    CHECK(t.requests[0].output == 7);
    CHECK(t.requests[1].line == 4);
    CHECK(t.requests[1].tokens() == 3);
    CHECK(t.prompt_column == 3);
}

TEST_CASE("a bad trace is refused with line and column", "[kvcache]") {
    CHECK(refused("") == "t.csv: no requests");
    CHECK(refused("prompt,output\n") == "t.csv: no requests");
    CHECK(refused("prompt,length\n1,2\n") == "t.csv, line 1, column 3: no column is named output");
    CHECK(refused("prompt,output,prompt\n1,2,3\n") ==
          "t.csv, line 1, column 3: prompt is there twice");
    CHECK(refused("prompt,output\n1,2\n3\n") ==
          "t.csv, line 3, column 2: 1 cells where the header has 2");
    CHECK(refused("prompt,output\n1,2,3\n") ==
          "t.csv, line 2, column 3: 3 cells where the header has 2");
    CHECK(refused("prompt,output\n5,x\n") ==
          "t.csv, line 2, column 2 (output): \"x\" is no whole number");
    CHECK(refused("prompt,output\n,4\n") ==
          "t.csv, line 2, column 1 (prompt): \"\" is no whole number");
    CHECK(refused("prompt,output\n1.5,4\n") ==
          "t.csv, line 2, column 1 (prompt): \"1.5\" is no whole number");
    CHECK(refused("prompt,output\n3,4\n-3,4\n") ==
          "t.csv, line 3, column 1 (prompt): -3 tokens, and a request has 1 to 10000000");
    CHECK_THAT(refused("prompt,output\n3,0\n"), Contains("line 2, column 2 (output): 0 tokens"));
    CHECK_THAT(refused("prompt,output\n3,10000001\n"), Contains("10000001 tokens"));
    CHECK_THAT(refused("prompt,output\n3,99999999999999999999999\n"), Contains("column 2"));
    CHECK_THROWS_AS(read_trace("no-such-file.csv"), Error);
    CHECK_THROWS_AS(read_trace("."), Error);
}

TEST_CASE("a request that no cache of this size can hold is named", "[kvcache]") {
    const auto t = parse_trace("output,prompt\n10,6\n100,60\n", "t.csv");
    const auto message = [&](Placement placement, const CacheSize& size) -> std::string {
        try {
            check_requests(placement, t, size);
        } catch (const Error& e) { return e.what(); }
        return "";
    };
    CHECK(message(Placement::paged, {160, 2048, 16, 0}).empty());
    CHECK_THAT(message(Placement::paged, {159, 2048, 16, 0}),
               Contains("t.csv, line 3, column 1 (output): 60 + 100 = 160 tokens"));
    CHECK_THAT(message(Placement::paged, {160, 2048, 16, 1}), Contains("line 3"));
    CHECK(message(Placement::oracle, {160, 20, 16, 0}).empty());
    CHECK_THAT(message(Placement::max, {4096, 159, 16, 0}), Contains("max_len = 159"));
    CHECK_THAT(message(Placement::max, {160, 2048, 16, 0}), Contains("line 2"));
    // 160 becomes 256 in a buddy pool, and 511 = 256 + ... has a piece of 256, 255 has not.
    CHECK(message(Placement::oracle_buddy, {511, 2048, 16, 0}).empty());
    CHECK_THAT(message(Placement::oracle_buddy, {255, 2048, 16, 0}), Contains("line 3"));
}

TEST_CASE("the traces that come with the program can be read", "[kvcache]") {
    const auto chat = trace_of(LengthMix::chat);
    CHECK(chat.requests.size() == 200);
    CHECK(trace_of(LengthMix::conversation).requests.size() == 200);
    CHECK(trace_of(LengthMix::code).requests.size() == 64);
    for (const auto mix : {LengthMix::chat, LengthMix::conversation, LengthMix::code}) {
        CHECK_FALSE(source_of(mix).empty());
    }
}

}  // namespace nibble::trace_test
