#include "sim/model/loss_curve.hpp"

#include <fstream>

#include "sim/tensor/tensor_file.hpp"

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::loss_curve_test {

using namespace nibble::testing;
namespace fs = std::filesystem;

namespace {

/// Losses that fall, of steps with different numbers of tokens.
std::vector<LossPoint> falling(Index steps) {
    std::vector<LossPoint> losses;
    Index tokens = 0;
    for (Index i = 1; i <= steps; ++i) {
        tokens += 100 + i % 7;
        losses.push_back({i, tokens, 6.0 / (1 + 0.01 * static_cast<double>(i))});
    }
    return losses;
}

double nats(const std::vector<LossPoint>& losses) {
    double sum = 0;
    Index before = 0;
    for (const LossPoint& p : losses) {
        sum += p.loss * static_cast<double>(p.tokens - before);
        before = p.tokens;
    }
    return sum;
}

void write_text(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("a thinned curve keeps the nats of the run", "[train]") {
    const std::vector<LossPoint> all = falling(1234);
    const std::vector<LossPoint> few = thinned(all, 100);
    CHECK(few.size() <= 100);
    CHECK(few.size() > 50);
    CHECK(few[0].step == 1);
    CHECK(few[1].step == 2);  // dense at first
    CHECK(few.back().step == 1234);
    CHECK(few.back().tokens == all.back().tokens);
    CHECK(nats(few) == Approx(nats(all)).epsilon(1e-12));  // sums of a thousand terms
    const std::vector<LossPoint> same = thinned(falling(7), 100);
    REQUIRE(same.size() == 7);
    CHECK(same[3].loss == Approx(falling(7)[3].loss).epsilon(1e-15));
}

TEST_CASE("losses come back from a table, a checkpoint and their folder", "[train]") {
    const ScratchFolder folder;
    write_text(folder.path / "losses.csv", losses_csv(falling(300)));
    const auto read = read_losses(folder.path / "losses.csv");
    REQUIRE(read.size() == 300);
    CHECK(read[42].step == 43);
    CHECK(read[42].tokens == falling(300)[42].tokens);
    CHECK(read[42].loss == Approx(falling(300)[42].loss).margin(5e-6));  // five decimals
    CHECK(read_losses(folder.path).size() == 300);

    const ScratchFolder run;
    write_safetensors(run.path / "checkpoint.safetensors",
                      {{"weights", {1}, std::vector<float>{1}}},
                      {{"losses", "[[1, 90, 5.5], [2, 190, 5.25]]"}});
    const auto kept = read_losses(run.path);
    REQUIRE(kept.size() == 2);
    CHECK(kept[1].tokens == 190);
    CHECK(kept[1].loss == 5.25);
}

TEST_CASE("a table of losses with something wrong is refused by its line", "[train]") {
    const ScratchFolder folder;
    const fs::path path = folder.path / "losses.csv";
    const auto error = [&](const std::string& text) {
        write_text(path, text);
        return error_of([&] { read_losses(path); });
    };
    const std::string head = "step,tokens,loss\n";
    CHECK(contains(error("a,b\n1,2\n"), "line 1"));
    CHECK(contains(error(head + "1,100,5.5\nx,200,5\n"), "line 3: \"x,200,5\""));
    CHECK(contains(error(head + "1,100,nan\n"), "line 2"));
    CHECK(contains(error(head + "1,100,5.5,7\n"), "line 2"));
    CHECK(contains(error(head + "2,100,5.5\n1,200,5\n"), "line 3"));
    CHECK(contains(error(head + "1,100,5.5\n2,100,5\n"), "line 3"));
    CHECK(contains(error(head), "no losses"));
    CHECK(
        contains(error_of([&] { read_losses(folder.path / "none.csv"); }), "there are no losses"));
    write_safetensors(folder.path / "checkpoint.safetensors",
                      {{"weights", {1}, std::vector<float>{1}}});
    CHECK(contains(error_of([&] { read_losses(folder.path / "checkpoint.safetensors"); }),
                   "has no losses"));
}

}  // namespace nibble::loss_curve_test
