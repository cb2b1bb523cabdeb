// Reading flags: every spelling of a flag gives one value, every mistake one helpful line.
#include "viz/cli/flags.hpp"

#include "sim/core/error.hpp"
#include "viz/cli/text.hpp"

#include "tests/catch.hpp"

namespace nibble {
namespace {

/// A command with one flag of each kind.
struct Sample {
    CommandLine line{"try [FILE] [--flags]", "A command to try."};
    Sample() {
        line.positional("FILE", "A file.", /*required=*/false);
        line.add(whole_flag("bits", 4, {2, 8}, "Bits"), "Parameters");
        line.add(whole_flag("group_size", 128, {1, 4096}, "Group size"), "Parameters");
        line.add(real_flag("value", 0.3, {-1, 1}, "Value"), "Parameters");
        line.add(switch_flag("double_quant", "Twice."), "Parameters");
        line.add(text_flag("prompt", "Words."), "Parameters");
        line.add(text_flag("out", "A file."), "Output", "FILE", Takes::many);
    }
    std::string refusal(const Words& words) {
        try {
            line.parse(words);
            for (const char* name : {"bits", "group_size", "value", "double_quant"}) {
                line.value(name);
            }
        } catch (const Error& e) {
            CHECK(e.code() == Error::Code::bad_param);
            return e.line();
        }
        return "accepted";
    }
};

std::int64_t whole(const CommandLine& line, const char* name) {
    return std::get<std::int64_t>(line.value(name));
}

TEST_CASE("A flag and its value may be two words or one, in either spelling", "[cli]") {
    for (const Words& words :
         {Words{"--group_size", "64"}, Words{"--group-size", "64"}, Words{"--group_size=64"},
          Words{"--group-size=64"}, Words{"--group_size", "32", "--group-size=64"}}) {
        Sample s;
        REQUIRE(s.line.parse(words));
        CHECK(whole(s.line, "group_size") == 64);
        CHECK(whole(s.line, "bits") == 4);
        CHECK_FALSE(s.line.given("bits"));
    }
}

TEST_CASE("Negative numbers and values that look like flags are values", "[cli]") {
    Sample s;
    REQUIRE(s.line.parse({"--value", "-0.3", "--prompt", "-h is no flag"}));
    CHECK(std::get<double>(s.line.value("value")) == -0.3);
    CHECK(s.line.text("prompt") == "-h is no flag");
    Sample t;
    REQUIRE(t.line.parse({"--value=-1e-3", "--prompt=--bits", "--bits", "3"}));
    CHECK(std::get<double>(t.line.value("value")) == -0.001);
    CHECK(t.line.text("prompt") == "--bits");
    CHECK(whole(t.line, "bits") == 3);
}

TEST_CASE("A boolean flag alone is true and does not take the next word", "[cli]") {
    const auto on = [](const Words& words) {
        Sample s;
        REQUIRE(s.line.parse(words));
        CHECK(s.line.text("FILE") == "data.npy");
        return s.line.is_on("double_quant");
    };
    CHECK_FALSE(on({"data.npy"}));
    CHECK(on({"--double_quant", "data.npy"}));
    CHECK(on({"data.npy", "--double-quant"}));
    CHECK(on({"--double_quant", "true", "data.npy"}));
    CHECK_FALSE(on({"--double_quant", "off", "data.npy"}));
    CHECK_FALSE(on({"--double_quant=false", "data.npy"}));
}

TEST_CASE("An empty value is a value", "[cli]") {
    Sample s;
    REQUIRE(s.line.parse({"--prompt=", "data.npy", "--out", ""}));
    CHECK(s.line.given("prompt"));
    CHECK(s.line.text("prompt").empty());
    CHECK(s.line.text("FILE") == "data.npy");
    CHECK(s.line.texts("out") == Words{""});
}

TEST_CASE("A flag that may be repeated keeps every value, in order", "[cli]") {
    Sample s;
    REQUIRE(s.line.parse({"--out", "a.svg", "--bits", "3", "--out=b.csv"}));
    CHECK(s.line.texts("out") == Words{"a.svg", "b.csv"});
    CHECK(s.line.order() == Words{"out", "bits"});
}

TEST_CASE("Every mistake is one line that says what to do", "[cli]") {
    const auto refusal = [](const Words& words) { return Sample().refusal(words); };
    CHECK(refusal({"--bit", "4"}) == "no parameter --bit; did you mean --bits?");
    CHECK(refusal({"--groupsize=4"}) == "no parameter --groupsize; did you mean --group_size?");
    CHECK(refusal({"--Bits", "4"}) == "no parameter --Bits; did you mean --bits?");
    CHECK(refusal({"--xyzzyplugh"}) == "no parameter --xyzzyplugh; `nibble try --help` lists them");
    CHECK(refusal({"-b", "4"}).starts_with("no parameter -b; "));
    CHECK(refusal({"--bits"}) == "--bits needs a value; it takes 2 to 8");
    CHECK(refusal({"--bits", "--group-size", "32"}) == "--bits needs a value; it takes 2 to 8");
    CHECK(refusal({"--bits", "9"}) == "bits = 9 is out of range; --bits takes 2 to 8");
    CHECK(refusal({"--bits", "four"}) ==
          "bits = \"four\" is not a whole number; --bits takes 2 to 8");
    CHECK(refusal({"--value", "nan"}).starts_with("value = nan is out of range"));
    CHECK(refusal({"--double_quant=maybe"}).starts_with("double_quant = \"maybe\" is not true"));
    CHECK(refusal({"a", "b"}) == "unexpected word \"b\"; the usage is nibble try [FILE] [--flags]");
}

TEST_CASE("A missing word is named", "[cli]") {
    CommandLine line("show ID [--json]", "Shows.");
    line.positional("ID", "An experiment.");
    CHECK_THROWS_WITH(line.parse({}), "show needs ID");
}

TEST_CASE("Help can be asked for anywhere, whatever else is wrong", "[cli]") {
    CHECK_FALSE(Sample().line.parse({"--bit", "--help"}));
    CHECK_FALSE(Sample().line.parse({"-h"}));
    const std::string help = Sample().line.help();
    CHECK(help.find("A command to try.\n") == 0);
    CHECK(help.find("Usage: nibble try [FILE] [--flags]\n") != std::string::npos);
    CHECK(help.find("--group_size N") != std::string::npos);
    CHECK(help.find("Group size: 1 to 4096 (default 128).") != std::string::npos);
    CHECK(help.find("--group-size") == std::string::npos);  // one spelling is enough
}

TEST_CASE("The experiment is found wherever its id stands", "[cli]") {
    const Words ids = {"quantizer", "number-formats"};
    CHECK(experiment_word({"quantizer", "--bits", "4"}, ids) == "quantizer");
    CHECK(experiment_word({"--bits", "4", "quantizer"}, ids) == "quantizer");
    CHECK(experiment_word({"foo", "quantizer"}, ids) == "foo");
    CHECK(experiment_word({"quantiser"}, ids) == "quantiser");  // for the error to name
    CHECK(experiment_word({"--bits", "4"}, ids).empty());
    CHECK(experiment_word({}, ids).empty());
}

TEST_CASE("Text is wrapped and aligned by characters", "[cli]") {
    CHECK(wrapped("one two three", 7) == "one two\nthree\n");
    CHECK(wrapped("one two", 7, 2) == "  one\n  two\n");
    CHECK(wrapped("unbreakable", 4) == "unbreakable\n");
    CHECK(wrapped("a\n\nb", 10) == "a\n\nb\n");
    CHECK(wrapped("", 10) == "\n");
    CHECK(wrapped("µµµ µµµ", 7) == "µµµ µµµ\n");
    Columns columns({Align::left, Align::right, Align::left, Align::left}, 1);
    columns.add({"µs", "1", "", "x"});
    columns.add({"ms", "10", "", ""});
    CHECK(columns.text() == " µs   1  x\n ms  10\n");
    CHECK(one_line("a\nb\tc\x1b[1m") == "a b c [1m");
}

}  // namespace
}  // namespace nibble
