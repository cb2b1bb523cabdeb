#include "sim/published/published_file.hpp"

#include "sim/core/data_folder.hpp"
#include "sim/core/error.hpp"
#include "sim/quant/published_perplexity.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

using namespace nibble;
namespace fs = std::filesystem;

TEST_CASE("every published or measured number says where it is from", "[data]") {
    int files = 0;
    for (const char* folder : {"published", "measured"}) {
        for (const auto& entry : fs::recursive_directory_iterator(data_folder() / folder)) {
            if (entry.is_regular_file()) {
                INFO(entry.path().string());
                const Citation c = citation_in(TomlTable::read(entry.path()));
                CHECK_FALSE(c.source.empty());
                CHECK_FALSE(c.licence.empty());
                ++files;
            }
        }
    }
    CHECK(files >= 15);
}

TEST_CASE("a source that is missing or misspelt is refused by its key", "[data]") {
    const auto refusal = [](const std::string& text) -> std::string {
        try {
            const TomlTable file = TomlTable::parse(text, "t.toml");
            citation_in(file);
            file.finish();
        } catch (const Error& e) { return e.line(); }
        return "accepted";
    };
    const std::string good = "[source]\nfrom = \"f\"\nlicence = \"l\"\n";
    CHECK(refusal(good) == "accepted");
    CHECK(refusal(good + "seen = \"the text\"\n") == "accepted");
    CHECK_THAT(refusal(""), Catch::Contains("source"));
    CHECK_THAT(refusal("[source]\nfrom = \"f\"\n"), Catch::Contains("source.licence"));
    CHECK_THAT(refusal(good + "sean = \"the text\"\n"), Catch::Contains("t.toml:4: source.sean"));
    CHECK_THROWS_AS(data_files("no-such-folder"), Error);
}

TEST_CASE("printed perplexities", "[data]") {
    const PublishedPerplexities& p = published_perplexity();
    CHECK(p.of("llama-7b", "fp16", 16).perplexity == 5.68);
    CHECK(p.of("llama-2-7b", "fp16", 16).perplexity == 5.47);
    CHECK(p.of("llama-2-7b", "rtn", 3).perplexity == 6.66);
    CHECK(p.of("llama-2-7b", "awq", 3).perplexity == 6.24);
    CHECK_THROWS_AS(p.of("llama-2-7b", "gptq", 3), BrokenInvariant);
    const test::TempFolder folder;
    const std::string path = folder / "p.toml";
    test::write(path,
                "title = \"t\"\n[[rows]]\nmodel = \"m\"\nmethod = \"rtn\"\nweight_bits = 17\n"
                "perplexity = 5\n[source]\nfrom = \"f\"\nlicence = \"l\"\n");
    CHECK_THROWS_WITH(read_published_perplexity(path), Catch::Contains("17 bits"));
}
