// The reader of traces: files as spreadsheets, servers and scripts write them are understood, and
// what is not names its line, its column and the way out.
#include "sim/requests/trace.hpp"

#include <sstream>

#include "sim/core/error.hpp"

#include "tests/catch.hpp"

using namespace nibble;
using Catch::Matchers::Contains;

namespace {

RequestTrace read(const std::string& text, const TraceNeeds& needs = {}) {
    std::istringstream in(text);
    return read_trace(in, "t.csv", needs);
}

std::string error_of(const std::string& text, const TraceNeeds& needs = {.arrivals = true}) {
    try {
        read(text, needs);
    } catch (const Error& e) {
        CHECK(e.code() == Error::Code::bad_file);
        CHECK_FALSE(e.hint().empty());
        return std::string(e.what()) + " -> " + e.hint();
    }
    return "no error";
}

/// "arrival prompt output prefix_id prefix_len", a line a request.
std::string shown(const RequestTrace& trace) {
    std::ostringstream out;
    for (const Request& r : trace.requests) {
        out << r.arrival << ' ' << r.prompt << ' ' << r.output << ' ' << r.prefix_id << ' '
            << r.prefix_len << '\n';
    }
    return out.str();
}

const std::string plain = "arrival,prompt,output\n0.0,100,20\n0.5,200,10\n2.0,64,64\n";
const std::string plain_shown = "0 100 20 -1 0\n0.5 200 10 -1 0\n2 64 64 -1 0\n";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

}  // namespace

TEST_CASE("a trace is the same however it is written", "[requests][trace]") {
    const std::string variants[] = {
        plain,
        replaced(plain, "\n", "\r\n"),
        "\xEF\xBB\xBF" + replaced(plain, "\n", "\r\n") + "\r\n\r\n",
        "# my trace\n\n" + replaced(plain, "0.5,", "  # a remark, with a comma\n0.5 , "),
        replaced(plain, ",", "\t"),
        replaced(plain, ",", ";"),
        replaced(replaced(plain, ",", ";"), ".", ","),  // decimal commas
        replaced(plain, "arrival,prompt,output", "Arrival,Prompt,\"OUTPUT\""),
        replaced(replaced(plain, "100,20", "100.0,\"20.0\""), "200", "2e2"),
        "output,who,prompt,arrival\n20,\"Ann, \"\"A\"\"\",100,0\n10,,200,.5\n64,Bob,64,2.0",
        "arrival\tprompt\toutput\tprefix_id\tprefix_len\n0\t100\t20\t\t\n0.5\t200\t10\t-1\t-1\n"
        "2\t64\t64\t3\t0\n",
    };
    for (const std::string& text : variants) {
        INFO(text);
        CHECK(shown(read(text)) == plain_shown);
        CHECK(shown(read(text, {.arrivals = true})) == plain_shown);
    }
}

TEST_CASE("lines and ids of requests", "[requests][trace]") {
    const auto t = read("# a comment\r\nprompt,output\r\n3,7\r\n\r\n1,2\r\n");
    CHECK(shown(t) == "0 3 7 -1 0\n0 1 2 -1 0\n");  // without the column all come at 0
    CHECK(t.lines == std::vector<std::size_t>{3, 5});
    CHECK(t.requests[1].id == 1);
    CHECK(t.requests[0].tokens() == 10);
    CHECK(t.requests[0].most_stored() == 9);
    CHECK(t.where(t.requests[1], "output") == "t.csv, line 5, column output");
    CHECK(RequestTrace{"made up", {{}}, {}}.line_of({}) == 0);
}

TEST_CASE("blank and negative prefixes are none", "[requests][trace]") {
    const std::string header = "arrival,prompt,output,prefix_id,prefix_len\n";
    CHECK(shown(read(header + "0,100,20,1,64\n0.1,100,20,,\n0.2,100,20,-1,0\n0.3,100,20,0,100\n"
                              "0.4,100,20,2,\n")) ==
          "0 100 20 1 64\n0.1 100 20 -1 0\n0.2 100 20 -1 0\n0.3 100 20 0 100\n0.4 100 20 -1 0\n");
    CHECK(error_of(header + "0,5,5,1,6\n") ==
          "t.csv, line 2, column prefix_len: 6 tokens of a prompt of 5 -> a prefix is a part of "
          "the prompt");
    CHECK_THAT(error_of(header + "0,5,5,0,-3\n"), Contains("line 2, column prefix_len: \"-3\""));
    CHECK_THAT(error_of(header + "0,5,5,x,3\n"), Contains("line 2, column prefix_id: \"x\""));
    CHECK_THAT(error_of("arrival,prompt,output,prefix_id\n0,5,5,1\n"),
               Contains("line 1, column prefix_len: is missing"));
    CHECK_THAT(error_of("arrival,prompt,output,prefix_len\n0,5,5,1\n"),
               Contains("line 1, column prefix_id: is missing"));
}

TEST_CASE("a bad trace names line, column, cause and way out", "[requests][trace]") {
    const std::string utf16(
        "\xFF\xFE"
        "a\0r\0r\0",
        8);
    const std::string big_endian("\xFE\xFF\0a\0r", 6);
    const std::string wide("a\0r\0r\0i\0v\0a\0l\0,\0", 16);  // UTF-16 that does not say so
    const std::string nul(
        "arrival,prompt,output\n0,1\0"
        "00,20\n",
        32);
    const std::string h = "arrival,prompt,output\n";
    const struct {
        std::string text;
        const char *where, *why, *hint;
    } cases[] = {
        {"prompt,output\n100,20\n", "1, column arrival", "missing from the header (prompt, output)",
         "names the columns"},
        {"arrival,prompt\n0,1\n", "1, column output", "missing", "names the columns"},
        {"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.97,4808,10\n",
         "1, column arrival", "(TIMESTAMP, ContextTokens, GeneratedTokens)", "arrival (seconds)"},
        {"{\"timestamp\": 0, \"input_length\": 6955}\n", "1, column arrival", "missing", "JSON"},
        {"arrival|prompt|output\n0|1|1\n", "1, column arrival", "(arrival|prompt|output)",
         "commas, semicolons or tabs"},
        {"arrival,prompt,output,prompt\n", "1, column prompt", "twice", "once"},
        {utf16, "1, column 1", "UTF-16", "UTF-8"},
        {big_endian, "1, column 1", "UTF-16", "UTF-8"},
        {wide, "1, column 1", "NUL", "UTF-8"},
        {nul, "2, column prompt", "NUL", "UTF-8"},
        {h + "1700000000.0,100,20\n", "2, column arrival", "time since 1970",
         "subtract the first arrival"},
        {h + "2023-11-16 18:17:03.97,4808,10\n", "2, column arrival", "not a time in seconds",
         "seconds from the beginning"},
        {h + "nan,5,1\n", "2, column arrival", "\"nan\" is not a time", "0 to"},
        {h + "inf,5,1\n", "2, column arrival", "\"inf\" is not a time", "0 to"},
        {h + "-1,5,1\n", "2, column arrival", "\"-1\" is not a time", "0 to"},
        {h + "\"0,5\",100,20\n", "2, column arrival", "\"0,5\" is not a time", "decimal point"},
        {h + "0,5,5\n2,5,5\n1,5,5\n", "4, column arrival", "1 comes after 2", "sort"},
        {h + "0,5,5\n0,-3,5\n", "3, column prompt", "\"-3\" is not", "1 to 10000000"},
        {h + "0,100.5,5\n", "2, column prompt", "\"100.5\" is not", "whole number"},
        {h + "0,,5\n", "2, column prompt", "\"\" is not a number of tokens", "whole number"},
        {h + "0,10000001,5\n", "2, column prompt", "\"10000001\" is not", "10000000"},
        {h + "0,\x1B[31m1\x1B[0m,20\n", "2, column prompt", "\"\\x1b[31m1\\x1b[0m\"", "whole"},
        {h + "0,5,99999999999999999999\n", "2, column output", "\"99999999999999999999\"", "1 to"},
        {h + "0,100,20\n1,200,0\n", "3, column output", "\"0\" is not", "remove those that failed"},
        {h + "0,100,0.0\n", "2, column output", "\"0.0\" is not", "remove those that failed"},
        {h + "0,5\n", "2, column output", "2 cells where the header has 3", "a cell for each"},
        {h + "0,5,5,5\n", "2, column 4", "4 cells where the header has 3", "in quotes"},
        {"arrival;prompt;output\n0,5;1,5;1\n", "2, column prompt", "\"1,5\" is not", ""},
    };
    for (const auto& c : cases) {
        const std::string said = error_of(c.text);
        INFO(said);
        CHECK(said.starts_with(std::string("t.csv, line ") + c.where + ": "));
        CHECK_THAT(said, Contains(c.why) && Contains(std::string(c.hint)));
    }
    CHECK_THAT(error_of(""), Contains("t.csv holds no requests"));
    CHECK_THAT(error_of("\n# nothing\n"), Contains("t.csv holds no requests"));
    CHECK_THAT(error_of(h), Contains("t.csv holds no requests"));
    CHECK_THAT(error_of(","), Contains("line 1, column arrival"));
    CHECK_THAT(error_of("\"\""), Contains("line 1, column arrival"));
    CHECK_THAT(error_of(std::string(10000, 'x')), Contains("t.csv, line 1: 10000 characters"));
    CHECK_THAT(error_of(h + "0,1,1\n0,1,1\n0,1,1\n", {.most_requests = 2}),
               Contains("t.csv, line 4: more than 2 requests"));
    CHECK_THROWS_WITH(read_trace("/no/such/file.csv"), Contains("/no/such/file.csv"));
    CHECK_THROWS_AS(read_trace("."), Error);
}
