#include "sim/quant/clip_study.hpp"

#include <cmath>

#include "tests/catch.hpp"

namespace nibble::clip_study_test {

namespace {

const LayerChoice small = {.source = LayerSource::synthetic, .tokens = 64, .rows = 16, .cols = 32};

}  // namespace

TEST_CASE("a cost between two thresholds lies on the line over their logarithms", "[clip-study]") {
    const CostCurve curve{"text", 1, {1, 4}, {5, 3}};
    CHECK(curve.at(2) == Approx(4));  // half way from 1 to 4 in logarithms
    CHECK(curve.at(0.1) == 5);
    CHECK(curve.at(100) == 3);
    CHECK(curve.increase(4) == 2);
}

TEST_CASE("with many bits, less is lost the less is cut", "[clip-study]") {
    const ClipStudy s = study_clipping(small, 8, 0.99, {});
    REQUIRE(s.has_losses());
    CHECK_FALSE(s.is_model());
    CHECK(s.calibration.exact == 0);
    CHECK(std::is_sorted(s.calibration.costs.rbegin(), s.calibration.costs.rend()));
    CHECK(*s.threshold(ClipRule::loss) == Approx(s.seen->largest()));
    CHECK(*s.threshold(ClipRule::min_max) == s.seen->largest());
}

TEST_CASE("with two bits it pays to cut", "[clip-study]") {
    const ClipStudy s = study_clipping(small, 2, 0.99, {});
    CHECK(*s.threshold(ClipRule::mse) < 0.8 * s.seen->largest());
    CHECK(*s.threshold(ClipRule::loss) < 0.8 * s.seen->largest());
    const double largest = s.seen->largest();
    CHECK(s.unseen.at(0).at(*s.threshold(ClipRule::mse)) < s.unseen.at(0).at(largest));
}

TEST_CASE("a preview leaves out the losses, and a stop is heard", "[clip-study]") {
    RunContext preview;
    preview.preview = true;
    const ClipStudy s = study_clipping(small, 4, 0.99, preview);
    CHECK_FALSE(s.has_losses());
    CHECK_FALSE(s.threshold(ClipRule::loss));
    RunContext stopped;
    std::stop_source source;
    source.request_stop();
    stopped.stop = source.get_token();
    CHECK_THROWS_AS(study_clipping(small, 4, 0.99, stopped), Error);
}

TEST_CASE("the model's loss is that of the model when the threshold rounds nothing away",
          "[clip-study]") {
    LayerChoice choice;
    choice.tokens = 32;
    choice.linear = Linear::down;
    const ClipStudy s = study_clipping(choice, 8, 0.9999, {});
    REQUIRE(s.is_model());
    REQUIRE(s.unseen.size() == 5);
    REQUIRE(s.by_domain.size() == 4);
    // Eight bits, nothing cut: the loss moves by far less than a tenth of a nat.
    CHECK(std::abs(s.calibration.costs.back() - s.calibration.exact) < 0.1);
    CHECK(s.calibration.costs.front() > s.calibration.exact + 0.1);  // all but 1 % of the range cut
    double mean = 0;
    for (std::size_t d = 1; d < 5; ++d) {
        mean += s.unseen[d].costs.front() / 4;
    }
    CHECK(s.unseen[0].costs.front() == Approx(mean));
}

}  // namespace nibble::clip_study_test
