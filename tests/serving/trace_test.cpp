#include "sim/serving/trace.hpp"

#include <sstream>

#include "sim/core/error.hpp"

#include "tests/catch.hpp"

namespace nibble::serving {
namespace {

Trace read(const std::string& text) {
    std::istringstream in(text);
    return read_requests(in, "t.csv");
}

std::string error_of(const std::string& text) {
    try {
        read(text);
    } catch (const Error& e) {
        CHECK(e.code() == Error::Code::bad_file);
        CHECK_FALSE(e.hint().empty());
        return e.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("a trace in any order of columns", "[serving][trace]") {
    const Trace t = read(
        "\xEF\xBB\xBF# a comment\r\noutput, who,arrival,prompt,prefix_id,prefix_len\r\n"
        "3,ann,0,10,4,8\r\n\r\n1,bob,0.5,\"7\",,\r\n");
    REQUIRE(t.requests.size() == 2);
    CHECK(t.requests[0].prompt == 10);
    CHECK(t.requests[0].output == 3);
    CHECK(t.requests[0].prefix_id == 4);
    CHECK(t.requests[0].prefix_len == 8);
    CHECK(t.requests[1].id == 1);
    CHECK(t.requests[1].arrival == 0.5);
    CHECK(t.requests[1].prompt == 7);
    CHECK(t.requests[1].prefix_id == -1);
    CHECK(t.lines == std::vector<std::size_t>{3, 5});
}

TEST_CASE("a bad trace names line and column", "[serving][trace]") {
    CHECK(error_of("arrival,prompt\n0,1\n") ==
          "t.csv, line 1, column output: is missing from the header");
    CHECK(error_of("arrival,prompt,output\n0,5,5\n2,5,5\n1,5,5\n") ==
          "t.csv, line 4, column arrival: 1 comes after 2");
    CHECK(error_of("arrival,prompt,output\n0,5,5\n0,-3,5\n") ==
          "t.csv, line 3, column prompt: \"-3\" is not a number of tokens");
    CHECK(error_of("arrival,prompt,output\n0,5,0\n") ==
          "t.csv, line 2, column output: \"0\" is not a number of tokens");
    CHECK(error_of("arrival,prompt,output\n0,5,99999999999999999999\n") ==
          "t.csv, line 2, column output: \"99999999999999999999\" is not a number of tokens");
    CHECK(error_of("arrival,prompt,output\nnan,5,1\n") ==
          "t.csv, line 2, column arrival: \"nan\" is not a time in seconds");
    CHECK(error_of("arrival,prompt,output\n-1,5,1\n") ==
          "t.csv, line 2, column arrival: \"-1\" is not a time in seconds");
    CHECK(error_of("arrival,prompt,output\n0,5.5,1\n") ==
          "t.csv, line 2, column prompt: \"5.5\" is not a number of tokens");
    CHECK(error_of("arrival,prompt,output\n0,5\n") ==
          "t.csv, line 2: 2 fields where the header has 3");
    CHECK(error_of("arrival,prompt,output,prompt\n") ==
          "t.csv, line 1, column prompt: stands twice in the header");
    CHECK(error_of("arrival,prompt,output,prefix_id\n0,5,5,1\n") ==
          "t.csv, line 1, column prefix_len: is missing from the header");
    CHECK(error_of("arrival,prompt,output,prefix_id,prefix_len\n0,5,5,1,6\n") ==
          "t.csv, line 2, column prefix_len: 6 tokens of a prompt of 5");
    CHECK(error_of("") == "t.csv holds no requests");
    CHECK(error_of("arrival,prompt,output\n") == "t.csv holds no requests");
    CHECK(error_of(std::string(10000, 'x')) == "t.csv, line 1: 10000 characters");
    CHECK_THROWS_WITH(read_requests("/no/such/file.csv"), Catch::Contains("/no/such/file.csv"));
}

TEST_CASE("a request that can never fit names its line", "[serving][trace]") {
    const Trace t = read("arrival,prompt,output\n0,5,5\n0,500,5\n");
    Rules r;
    r.blocks = 10;
    CHECK_THROWS_WITH(check_fits(t, r), Catch::Contains("t.csv, line 3, column prompt") &&
                                            Catch::Contains("32 blocks of 16, and there are 10"));
    r.blocks = 32;
    check_fits(t, r);
    r.policy = Policy::continuous;
    r.token_budget = 499;
    CHECK_THROWS_WITH(check_fits(t, r), Catch::Contains("never fits a budget of 499"));
}

}  // namespace nibble::serving
