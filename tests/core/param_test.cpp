#include "sim/core/param.hpp"

#include "sim/core/error.hpp"

#include "tests/catch.hpp"
#include "tests/core/toy.hpp"

namespace nibble::param_test {

namespace {

const Schema<toy::Params> schema = toy::schema();

const ParamInfo& info(std::string_view name) {
    for (const auto& p : schema) {
        if (p.name == name) {
            return p;
        }
    }
    throw std::out_of_range(std::string(name));
}

/// What a refusal says, as the command line prints it.
std::string refusal(const ParamInfo& p, const Value& v) {
    try {
        p.checked(v);
    } catch (const Error& e) {
        CHECK(e.code() == Error::Code::bad_param);
        return e.line();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("a schema takes its defaults from the struct", "[param]") {
    CHECK(info("count").default_value == Value(std::int64_t{3}));
    CHECK(info("gain").default_value == Value(0.5));
    CHECK(info("flip").default_value == Value(false));
    CHECK(info("mode").default_value == Value(std::string("fast")));
    CHECK(info("note").default_value == Value(std::string("hello")));
    CHECK(info("shown").role == ParamRole::view);
    CHECK(info("flip").is_advanced);
    CHECK(info("count").title == "Count");
}

TEST_CASE("get and set reach the field that a parameter stands for", "[param]") {
    toy::Params p;
    schema[0].set(p, std::int64_t{8});
    schema[1].set(p, -1.5);
    schema[3].set(p, std::string("slow"));
    CHECK(p.count == 8);
    CHECK(p.gain == -1.5);
    CHECK(p.mode == toy::Mode::slow);
    CHECK(schema[3].get(p) == Value(std::string("slow")));
    CHECK_FALSE(schema[6].is_relevant(p));
    p.flip = true;
    CHECK(schema[6].is_relevant(p));
}

TEST_CASE("a refusal names the value, the range and the flag", "[param]") {
    CHECK(refusal(info("count"), std::int64_t{0}) ==
          "count = 0 is out of range; --count takes 1 to 1000 draws");
    CHECK(refusal(info("gain"), 2.5) ==
          "gain = 2.5 is out of range; --gain takes a number from -2 to 2");
    CHECK(refusal(info("gain"), std::nan("")) ==
          "gain = nan is out of range; --gain takes a number from -2 to 2");
    CHECK(refusal(info("mode"), std::string("fats")) ==
          "mode = \"fats\" is not a choice; --mode takes one of fast, slow; did you mean fast?");
    CHECK(refusal(info("count"), 2.5) ==
          "count = 2.5 has the wrong type; --count takes 1 to 1000 draws");
    CHECK(refusal(info("flip"), std::int64_t{1}) ==
          "flip = 1 has the wrong type; --flip takes true or false");
    CHECK(refusal(info("note"), std::string("\xff")) ==
          "note = (bytes) is not UTF-8 text; --note takes text");
    CHECK(refusal(info("gain"), std::int64_t{2}) == "accepted");
}

TEST_CASE("what is written is read back", "[param]") {
    for (const double v : {0.1, -1.0 / 3, 2.0, 1e-300, -2.0}) {
        CHECK(info("gain").parsed(to_text(Value(v))) == Value(v));
    }
    CHECK(info("count").parsed("17") == Value(std::int64_t{17}));
    CHECK(info("flip").parsed("on") == Value(true));
    CHECK(info("flip").parsed("false") == Value(false));
    CHECK(info("note").parsed("--bits 4") == Value(std::string("--bits 4")));
    for (const char* bad : {"", "4x", "0x10", "1e3", " 4", "4.0", "99999999999999999999"}) {
        CHECK_THROWS_AS(info("count").parsed(bad), Error);
    }
    for (const char* bad : {"", "inf", "1..2", "nan", "1,5"}) {
        CHECK_THROWS_AS(info("gain").parsed(bad), Error);
    }
}

}  // namespace nibble::param_test
