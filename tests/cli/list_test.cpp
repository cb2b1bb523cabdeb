// `nibble list`, `show` and the helps: all that the registry declares can be read from outside.
#include <nlohmann/json.hpp>

#include "sim/core/version.hpp"
#include "sim/experiments/all.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble {
namespace {

using test::Finished;
using Json = nlohmann::json;

/// Words without the line breaks that wrapping put between them.
std::string unwrapped(const std::string& text) {
    std::string flat;
    for (const char c : text) {
        const char plain = c == '\n' ? ' ' : c;
        if (plain != ' ' || flat.empty() || flat.back() != ' ') {
            flat += plain;
        }
    }
    return flat;
}

TEST_CASE("nibble list names every experiment, for people and for programs", "[cli]") {
    const Finished text = test::nibble({"list"});
    const Finished ids = test::nibble({"list", "--ids"});
    const Json all = Json::parse(test::nibble({"list", "--json"}).out);
    REQUIRE(text.status == 0);
    CHECK(text.err.empty());
    REQUIRE(all.size() == all_experiments().size());
    std::string expected_ids;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Experiment& e = all_experiments()[i];
        expected_ids += e.id + "\n";
        CHECK(contains(text.out, "  " + e.id + " "));
        CHECK(contains(unwrapped(text.out), e.title + ": " + e.question));
        CHECK(all[i] ==
              Json{{"id", e.id}, {"group", e.group}, {"title", e.title}, {"question", e.question}});
    }
    CHECK(ids.out == expected_ids);
}

TEST_CASE("nibble show describes every parameter of every experiment", "[cli]") {
    for (const Experiment& e : all_experiments()) {
        CAPTURE(e.id);
        const Finished text = test::nibble({"show", e.id});
        REQUIRE(text.status == 0);
        CHECK(contains(unwrapped(text.out), e.question));
        const Json j = Json::parse(test::nibble({"show", e.id, "--json"}).out);
        CHECK(j["id"] == e.id);
        REQUIRE(j["parameters"].size() == e.params.size());
        for (std::size_t i = 0; i < e.params.size(); ++i) {
            const ParamInfo& p = e.params[i];
            const Json& shown = j["parameters"][i];
            CAPTURE(p.name);
            CHECK(contains(text.out, "--" + p.name + "  " + p.title));
            CHECK(contains(unwrapped(text.out), p.accepts()));
            CHECK(contains(unwrapped(text.out), p.sentence));
            CHECK(shown["name"] == p.name);
            CHECK(shown["unit"] == p.unit_name);
            CHECK(shown["help"] == p.sentence);
            CHECK(shown["advanced"] == p.is_advanced);
            CHECK(shown["role"] == (p.role == ParamRole::view ? "view" : "data"));
            CHECK(
                std::visit([&](const auto& v) { return shown["default"] == v; }, p.default_value));
            if (p.type == ParamType::integer || p.type == ParamType::real) {
                CHECK(shown["min"] == p.range.min);
                CHECK(shown["max"] == p.range.max);
            }
            REQUIRE(shown.contains("choices") == !p.choices.empty());
            for (std::size_t k = 0; k < p.choices.size(); ++k) {
                CHECK(shown["choices"][k]["name"] == p.choices[k].name);
            }
        }
    }
}

TEST_CASE("The help of run and sweep is made from the schema", "[cli]") {
    for (const Experiment& e : all_experiments()) {
        for (const char* word : {"run", "sweep"}) {
            const Finished help = test::nibble({word, e.id, "--help"});
            CAPTURE(e.id, word);
            REQUIRE(help.status == 0);
            CHECK(help.err.empty());
            const std::string flat = unwrapped(help.out);
            for (const ParamInfo& p : e.params) {
                CAPTURE(p.name);
                CHECK(contains(help.out, "\n  --" + p.name));
                CHECK(contains(flat, p.title + ": " + p.accepts()));
                CHECK(contains(flat, p.sentence));
            }
        }
    }
}

TEST_CASE("Every command explains itself", "[cli]") {
    const std::string overview = test::nibble({"--help"}).out;
    CHECK(test::nibble({"help"}).out == overview);
    for (const char* word :
         {"list", "show", "run", "sweep", "open", "inspect", "kernels", "devices", "models"}) {
        CAPTURE(word);
        CHECK(contains(overview, std::string("\n  ") + word));
        const Finished help = test::nibble({word, "--help"});
        CHECK(help.status == 0);
        CHECK(contains(help.out, std::string("Usage: nibble ") + word));
        CHECK(contains(help.out, "Examples\n  nibble "));
        CHECK(test::nibble({"help", word}).out == help.out);
    }
    CHECK(test::nibble({"--version"}).out == "nibble " + std::string(version) + "\n");
}

TEST_CASE("A slip in a word is met with the right one", "[cli]") {
    const std::string id = all_experiments().back().id;
    const auto refusal = [](const std::vector<std::string>& words) {
        const Finished f = test::nibble(words);
        CHECK(f.status == 2);
        CHECK(f.out.empty());
        return f.err;
    };
    CHECK(refusal({"rum"}) == "nibble: no command \"rum\"; did you mean run?\n");
    CHECK(refusal({"insepct", "x"}) == "nibble: no command \"insepct\"; did you mean inspect?\n");
    CHECK(refusal({"--verison"}) == "nibble: no command \"--verison\"; did you mean version?\n");
    CHECK(refusal({"-"}) == "nibble: no command \"-\"; `nibble --help` lists them\n");
    CHECK(refusal({"xyzzyplugh"}) ==
          "nibble: no command \"xyzzyplugh\"; `nibble --help` lists them\n");
    CHECK(refusal({id}) == "nibble: no command \"" + id + "\"; did you mean run " + id + "?\n");
    CHECK(refusal({"show", id + "x"}) ==
          "nibble: no experiment is called \"" + id + "x\"; did you mean " + id + "?\n");
    CHECK(refusal({"show"}) == "nibble: show needs ID; the usage is nibble show ID [--json]\n");
    CHECK(refusal({"list", "--jso"}) == "nibble: no parameter --jso; did you mean --json?\n");
}

TEST_CASE("A reader that goes away is no error; a full disk is", "[cli]") {
    for (const char* closed : {"$NIBBLE list | head -n 0", "trap '' PIPE; $NIBBLE list | head -n 0",
                               "$NIBBLE show quantizer --json | head -n 1"}) {
        CAPTURE(closed);
        CHECK(test::shell(closed).err.empty());
    }
    if (std::filesystem::exists("/dev/full")) {
        const Finished full = test::shell("$NIBBLE list >/dev/full");
        CHECK(full.status == 1);
        CHECK(full.err == "nibble: standard output cannot be written: No space left on device\n");
    }
}

}  // namespace
}  // namespace nibble
