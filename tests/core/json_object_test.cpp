#include "sim/core/json_object.hpp"

#include <nlohmann/json.hpp>

#include "sim/core/error.hpp"

#include "tests/catch.hpp"

namespace nibble::json_object_test {

namespace {

template <class Action>
std::string refusal(const Action& action) {
    try {
        action();
    } catch (const Error& e) {
        CHECK(e.code() == Error::Code::bad_file);
        return e.line();
    }
    return "accepted";
}

std::string of_text(const std::string& text) {
    return refusal([&] { JsonObject(text, "f.json", "way out"); });
}

}  // namespace

TEST_CASE("what is no JSON is refused with line and column", "[json]") {
    CHECK(of_text("// c\n{}").starts_with("f.json, line 1, column 1: not JSON: "));
    CHECK(of_text("{\n  \"a\": 1,}").starts_with("f.json, line 2, column 10: not JSON: "));
    CHECK(of_text("{\"é\": Infinity}").starts_with("f.json, line 1, column 7: not JSON: "));
    CHECK(of_text("{\"a\": 1e999}").starts_with("f.json, line 1, column 7: not JSON: 1e999 is"));
    CHECK(of_text("{\"a\":\n\"b").starts_with("f.json, line 2, column 3: not JSON: "));
    CHECK(of_text("").starts_with("f.json, line 1, column 1: not JSON: "));
    CHECK(of_text("[1]") == "f.json: [...] is not a JSON object; way out");
    // Nothing of the file reaches a terminal as it is.
    for (const std::string foul : {"{\x1b[31m", "{\"\xff\": 1}", "{\"a\": \"\x1b\"}"}) {
        const std::string message = of_text(foul);
        CHECK(message.find('\x1b') == std::string::npos);
        CHECK(message.find('\xff') == std::string::npos);
    }
}

TEST_CASE("a name twice and deep nesting are refused", "[json]") {
    CHECK(of_text(R"({"a": {"b": 1, "c": 2, "b": 3}})") ==
          "f.json: \"b\" stands twice in one object; keep one of the two");
    CHECK(of_text(R"({"a": {"b": 1}, "c": {"b": 3}})") == "accepted");
    const std::string deep(63, '['), ends(63, ']');
    CHECK(of_text("{\"a\": " + deep + ends + "}") == "accepted");
    CHECK(of_text("{\"a\": [" + deep + ends + "]}").find("64 levels") != std::string::npos);
    CHECK(of_text("{\"a\": " + std::string(1000000, '[')).find("64 levels") != std::string::npos);
}

TEST_CASE("members that nobody wants may hold objects alike", "[json]") {
    const auto wanted = [](const std::string& name) { return name == "kept"; };
    const std::string text =
        R"({"data": [{"x": 1, "y": {"x": 2}}, {"x": 3}], "more": {"x": 4}, "kept": {"x": 5}})";
    CHECK(parse_json(text, "f.json", {}, wanted) ==
          nlohmann::json::parse(R"({"kept": {"x": 5}})"));
    CHECK_THROWS_AS(parse_json(R"({"data": {"x": 1, "x": 2}})", "f.json", {}, wanted), Error);
}

TEST_CASE("fields are asked for by name and type", "[json]") {
    const JsonObject o(R"({"t": "x", "f": true, "n": 1.5, "w": 4096.0, "u": 18446744073709551615,
                           "z": null, "o": {"p": [1]}, "l": [{"q": 2}, 3]})",
                       "f.json");
    CHECK(o.text("t") == "x");
    CHECK(o.flag("f"));
    CHECK(o.number("n") == 1.5);
    CHECK(o.whole("w") == 4096);
    CHECK(o.bits("u") == 18446744073709551615U);
    CHECK_FALSE(o.has("z"));
    CHECK(o.is_null("z"));
    CHECK(o.text_or("z", "absent") == "absent");
    CHECK(o.whole_or("y", 7) == 7);
    CHECK(refusal([&] { o.text("z"); }) == "f.json: \"z\" is missing; it is a text");
    CHECK(refusal([&] { o.text_or("f", ""); }) == "f.json: \"f\" = true is not a text");
    CHECK(refusal([&] { o.flag_or("t", true); }) == "f.json: \"t\" = \"x\" is not true or false");
    CHECK(refusal([&] { o.whole("n"); }) == "f.json: \"n\" = 1.5 is not a whole number from 0");
    CHECK(refusal([&] { o.whole("w", 0, 9); }).find("from 0 to 9") != std::string::npos);
    CHECK(refusal([&] { o.bits("n"); }).find("\"n\" = 1.5") != std::string::npos);
    CHECK(refusal([&] { o.positive("t"); }).find("not a number above 0") != std::string::npos);
    CHECK(refusal([&] { o.value("u"); }).find("\"u\" = 1844") != std::string::npos);
    CHECK(refusal([&] { o.list("o"); }) == "f.json: \"o\" = {...} is not a list");
    CHECK(refusal([&] { o.object("o").text("p"); }) == "f.json, o: \"p\" = [...] is not a text");
    CHECK(refusal([&] { o.objects("l"); }) == "f.json, l 1: 3 is not a JSON object");
}

TEST_CASE("a field that nobody asked for is refused with the nearest", "[json]") {
    const JsonObject o(R"({"seed": 1, "widht": 2})", "f.json");
    CHECK(o.whole("seed") == 1);
    CHECK(o.whole_or("width", 0) == 0);
    CHECK(refusal([&] { o.finish(); }) == "f.json: unknown key \"widht\"; did you mean \"width\"?");
}

}  // namespace nibble::json_object_test
