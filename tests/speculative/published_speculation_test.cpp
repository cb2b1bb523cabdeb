#include "sim/speculative/published_speculation.hpp"

#include "sim/core/error.hpp"
#include "sim/speculative/closed_forms.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble::published_speculation_test {

TEST_CASE("printed speed-ups and their sources", "[speculative][data]") {
    const auto& all = published_speculation();
    REQUIRE(all.size() >= 2);
    for (const PublishedSpeculation& p : all) {
        CHECK_FALSE(p.source.empty());
        CHECK_FALSE(p.licence.empty());
        for (const PublishedSpeedUp& r : p.rows) {
            CHECK(r.computed().has_value() == r.alpha.has_value());
            // What a paper measured with K drafts cannot be more than K + 1 tokens a step.
            CHECK(r.speed_up < r.k + 1);
            CHECK(walltime_factor(r.implied_alpha(), r.k, r.cost) == Approx(r.speed_up));
        }
    }
}

TEST_CASE("the closed form on a printed row, by hand", "[speculative]") {
    PublishedSpeedUp r;
    r.k = 7;
    r.alpha = 0.75;
    r.cost = 0.02;
    r.speed_up = 3.4;
    // (1 - .75^8) / .25 = 3.59955, over 1.14
    CHECK(*r.computed() == Approx(3.1575).epsilon(1e-4));
    CHECK(r.most() == Approx(8 / 1.14));
}

TEST_CASE("a wrong file of printed speed-ups is refused by line and key", "[speculative][data]") {
    const test::TempFolder folder;
    const auto refusal = [&](const std::string& rows) {
        const std::string path = folder / "paper.toml";
        test::write(path, "title = \"t\"\nsetup = \"s\"\n" + rows +
                              "[source]\nfrom = \"f\"\nlicence = \"l\"\n");
        try {
            read_published_speculation(path);
        } catch (const Error& e) {
            CHECK(e.code() == Error::Code::bad_file);
            return e.line();
        }
        return std::string("accepted");
    };
    const std::string good = "setting = \"a\"\nk = 4\ncost = 0.1\nspeed_up = 2\n";
    CHECK(refusal("[[rows]]\n" + good) == "accepted");
    CHECK_THAT(refusal(""), Catch::Contains("rows"));
    CHECK_THAT(refusal("[[rows]]\nsetting = \"a\"\nk = 0\ncost = 0.1\nspeed_up = 2\n"),
               Catch::Contains("k"));
    CHECK_THAT(refusal("[[rows]]\nalpha = 1.5\n" + good), Catch::Contains("alpha"));
    CHECK_THAT(refusal("[[rows]]\nspeedup = 3\n" + good), Catch::Contains("speedup"));
}

}  // namespace nibble::published_speculation_test
