#include "sim/core/scenario.hpp"

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/core/toy.hpp"

namespace nibble::scenario_test {

namespace {

const Experiments all = {toy::experiment()};

/// "what; hint" of the refusal.
std::string refusal(const std::string& text) {
    try {
        scenario_from_json(text, all);
    } catch (const Error& e) {
        CHECK(e.code() == Error::Code::bad_file);
        return e.line();
    }
    return "accepted";
}

std::string with(const std::string& members) {
    return R"({"format": 1, "experiment": "toy")" + (members.empty() ? "" : ", " + members) + "}";
}

}  // namespace

TEST_CASE("a scenario survives the trip through JSON", "[scenario]") {
    Scenario s{"toy", all[0].defaults(), 42, kernels::Machine::emulated, {}};
    s.values[0] = std::int64_t{17};
    s.values[1] = -1.0 / 3;
    s.values[4] = std::string("it's \"quoted\" — σ\n");
    for (const int indent : {-1, 2}) {
        const std::string text = to_json_text(s, all, indent);
        CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c > 0; }));  // ASCII
        Scenario back = scenario_from_json(text, all);
        CHECK(back.written_by == NIBBLE_VERSION);
        back.written_by.clear();
        CHECK(back == s);
    }
    CHECK(to_json_text(s, all, -1).find('\n') == std::string::npos);
}

TEST_CASE("parameters that a scenario leaves out keep their defaults", "[scenario]") {
    CHECK(scenario_from_json(with(""), all).values == all[0].defaults());
    const Scenario s = scenario_from_json(with(R"("parameters": {"gain": 1})"), all);
    CHECK(s.values[1] == Value(1.0));
    CHECK(s.values[0] == all[0].defaults()[0]);
}

TEST_CASE("a bad scenario is refused by name", "[scenario]") {
    CHECK(refusal("hello").starts_with("scenario, line 1, column 1: not JSON: "));
    CHECK(refusal("[1]").starts_with("scenario: [...] is not a JSON object; save"));
    CHECK(refusal("{}") == "scenario: \"format\" is missing; it is a whole number from 1");
    CHECK(refusal(R"({"format": 1})") == "scenario: \"experiment\" is missing; it is a text");
    CHECK(refusal(R"({"format": 1, "experiment": "toi"})") ==
          "scenario: no experiment is called \"toi\"; did you mean toy?");
    CHECK(refusal(R"({"format": 7, "experiment": "toy"})")
              .starts_with("scenario: \"format\" = 7 is newer than this program"));
    CHECK(refusal(R"({"format": "x", "experiment": "toy"})") ==
          "scenario: \"format\" = \"x\" is not a whole number from 1");
    CHECK(refusal(with(R"("sede": 4)")) ==
          "scenario: unknown key \"sede\"; did you mean \"seed\"?");
    CHECK(refusal(with(R"("seed": -4)")) == "scenario: \"seed\" = -4 is not a whole number from 0");
    CHECK(refusal(with(R"("seed": 1.5)")).find("\"seed\" = 1.5") != std::string::npos);
    CHECK(refusal(with(R"("parameters": 3)")) == "scenario: \"parameters\" = 3 is not an object");
    CHECK(refusal(with(R"("parameters": {"counts": 3})")) ==
          "scenario: toy has no parameter \"counts\"; did you mean --count?");
    CHECK(refusal(with(R"("parameters": {"count": "3"})")) ==
          "scenario: count = 3 has the wrong type; --count takes 1 to 1000 draws");
    CHECK(refusal(with(R"("parameters": {"count": 5000})")) ==
          "scenario: count = 5000 is out of range; --count takes 1 to 1000 draws");
    CHECK(refusal(with(R"("parameters": {"count": [3]})")) ==
          "scenario, parameters: \"count\" = [...] is not a number of 64 bits, a text, true or "
          "false");
    CHECK(refusal(with(R"("parameters": {"count": 18446744073709551615})"))
              .find("not a number of 64 bits") != std::string::npos);
}

TEST_CASE("no prefix of a scenario is accepted or crashes", "[scenario]") {
    const std::string whole =
        to_json_text({"toy", all[0].defaults(), 1, kernels::Machine::cpu, {}}, all);
    for (std::size_t n = 0; n < whole.size(); ++n) {
        CHECK_THROWS_AS(scenario_from_json(whole.substr(0, n), all), Error);
    }
}

TEST_CASE("the command names only what differs from the defaults", "[scenario]") {
    Scenario s{"toy", all[0].defaults(), 1, kernels::Machine::cpu, {}};
    CHECK(to_command(s, all) == "nibble run toy");
    s.seed = 3;
    s.values[1] = -0.25;
    s.values[4] = std::string("it's here");
    CHECK(to_command(s, all) == R"(nibble run toy --seed 3 --gain -0.25 --note 'it'\''s here')");
}

TEST_CASE("JSON nested without end is refused before anything recurses over it", "[scenario]") {
    const std::string deep(2'000'000, '[');
    CHECK(refusal(deep).find("nests deeper than 64 levels") != std::string::npos);
    CHECK(refusal(R"({"format": 1, "experiment": ")" + std::string(100, '[') + R"("})")
              .find("no experiment") != std::string::npos);  // brackets in a string do not nest
}

}  // namespace nibble::scenario_test
