// The little language of a sweep's values.
#include "viz/cli/grid.hpp"

#include "sim/core/error.hpp"
#include "viz/cli/flags.hpp"

#include "tests/catch.hpp"

namespace nibble {
namespace {

ParamInfo bits() {
    return whole_flag("bits", 4, {2, 8}, "Bits");
}

ParamInfo alpha() {
    return real_flag("alpha", 0.5, {-1, 1}, "Alpha");
}

ParamInfo group_size() {
    return whole_flag("group_size", 128, {1, 4096, Scale::log2}, "Group size");
}

std::vector<Value> whole(std::initializer_list<std::int64_t> values) {
    return {values.begin(), values.end()};
}

std::vector<Value> real(std::initializer_list<double> values) {
    return {values.begin(), values.end()};
}

std::string refusal(const ParamInfo& p, std::string_view text) {
    try {
        parse_axis(p, text);
    } catch (const Error& e) {
        CHECK(e.code() == Error::Code::bad_param);
        return e.line();
    }
    return "accepted";
}

TEST_CASE("Whole numbers are listed, ranged and stepped", "[cli]") {
    CHECK(parse_axis(bits(), "3") == whole({3}));
    CHECK(parse_axis(bits(), "2..5") == whole({2, 3, 4, 5}));
    CHECK(parse_axis(bits(), "5..2") == whole({5, 4, 3, 2}));
    CHECK(parse_axis(bits(), "2..8:3") == whole({2, 5, 8}));
    CHECK(parse_axis(bits(), "2..7:3") == whole({2, 5}));
    CHECK(parse_axis(bits(), "8,2..4,3") == whole({8, 2, 3, 4}));  // each once
    CHECK(parse_axis(bits(), "all") == whole({2, 3, 4, 5, 6, 7, 8}));
    CHECK(parse_axis(group_size(), "32..256:x2") == whole({32, 64, 128, 256}));
    CHECK(parse_axis(group_size(), "256..32:x2") == whole({256, 128, 64, 32}));
    CHECK(parse_axis(group_size(), "1..100:x10") == whole({1, 10, 100}));
}

TEST_CASE("Reals come out as a person would write them", "[cli]") {
    CHECK(parse_axis(alpha(), "0..1:0.25") == real({0, 0.25, 0.5, 0.75, 1}));
    CHECK(parse_axis(alpha(), "-0.3..0.3:0.1") == real({-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3}));
    CHECK(parse_axis(alpha(), "0..1") == real({0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1}));
    CHECK(parse_axis(alpha(), "0.5..0.5") == real({0.5}));
    CHECK(parse_axis(alpha(), "1e-3,-1") == real({0.001, -1}));
    CHECK(parse_axis(alpha(), "0.1..0.9:x3") == real({0.1, 0.3, 0.9}));
}

TEST_CASE("Choices, booleans and texts are listed; all of a choice is all", "[cli]") {
    const ParamInfo theme = choice_flag("theme", {"dark", "light"}, "Theme");
    CHECK(parse_axis(theme, "all") == std::vector<Value>{"dark", "light"});
    CHECK(parse_axis(theme, "light") == std::vector<Value>{"light"});
    CHECK(parse_axis(switch_flag("on", ""), "all") == std::vector<Value>{false, true});
    CHECK(parse_axis(switch_flag("on", ""), "yes,0") == std::vector<Value>{true, false});
    const ParamInfo text = text_flag("prompt", "");
    CHECK(parse_axis(text, "all") == std::vector<Value>{"all"});
    CHECK(parse_axis(text, "a..b,c") == std::vector<Value>{"a..b", "c"});
    CHECK(parse_axis(text, "a\\,b,c") == std::vector<Value>{"a,b", "c"});
    CHECK(parse_axis(text, "") == std::vector<Value>{""});
}

TEST_CASE("A refused value is named, with what the flag takes", "[cli]") {
    CHECK(refusal(bits(), "2..9") == "bits = 9 is out of range; --bits takes 2 to 8");
    CHECK(refusal(bits(), "2,,4") == "bits = \"\" is not a whole number; --bits takes 2 to 8");
    CHECK(refusal(bits(), "2..") == "bits = \"\" is not a whole number; --bits takes 2 to 8");
    CHECK(refusal(bits(), "2..3..4") ==
          "bits = \"3..4\" is not a whole number; --bits takes 2 to 8");
    CHECK(refusal(bits(), "2-8") ==
          "bits = \"2-8\" is not a whole number; --bits takes 2 to 8; a range "
          "is written from..to");
    CHECK(refusal(bits(), "2..8:0").find("step that is not above 0") != std::string::npos);
    CHECK(refusal(bits(), "2..8:0.5").find("step that is not whole") != std::string::npos);
    CHECK(refusal(bits(), "2..8:two").find("has no step \"two\"") != std::string::npos);
    CHECK(refusal(bits(), "2..8:x1").find("factor above 1") != std::string::npos);
    CHECK(refusal(alpha(), "0..1:nan").find("has no step") != std::string::npos);
    CHECK(refusal(alpha(), "0..1:x2").find("above 0") != std::string::npos);
    CHECK(refusal(alpha(), "all").find("write the values with commas") != std::string::npos);
}

TEST_CASE("A grid too large is refused before it takes memory", "[cli]") {
    CHECK(refusal(alpha(), "0..1:1e-12").find("1000000000001 values") != std::string::npos);
    const ParamInfo many = whole_flag("many", 1, {0, whole_limit}, "Many");
    CHECK(refusal(many, "all").find("choose a larger step") != std::string::npos);
    CHECK(refusal(many, "1..60000,70001..130000").find("120000 values") != std::string::npos);
    const std::vector<Value> thousand = parse_axis(many, "1..1000");
    CHECK_THROWS_WITH(Grid({{many, thousand}, {bits(), whole({2, 3})}, {many, thousand}}),
                      "the grid has 2000000 points, more than 100000");
    CHECK(Grid({{many, thousand}, {many, parse_axis(many, "1..100")}}).points() == 100'000);
}

TEST_CASE("The last axis of a grid varies fastest", "[cli]") {
    const Grid grid({{bits(), whole({2, 3})}, {alpha(), real({0, 0.5, 1})}});
    REQUIRE(grid.points() == 6);
    CHECK(grid.at(0) == std::vector<Value>{std::int64_t{2}, 0.0});
    CHECK(grid.at(1) == std::vector<Value>{std::int64_t{2}, 0.5});
    CHECK(grid.at(3) == std::vector<Value>{std::int64_t{3}, 0.0});
    CHECK(grid.at(5) == std::vector<Value>{std::int64_t{3}, 1.0});
    CHECK(Grid({}).points() == 1);
    CHECK(Grid({}).at(0).empty());
}

}  // namespace
}  // namespace nibble
