#include "sim/quant/model_judge.hpp"

#include <cmath>
#include <set>

#include "tests/catch.hpp"

namespace nibble::model_judge_test {

namespace {

/// keys: (positions, channels); one channel is large all along.
Matrix<float> keys_with_outlier() {
    Matrix<float> keys(40, 8);
    for (Index t = 0; t < keys.rows(); ++t) {
        for (Index c = 0; c < keys.cols(); ++c) {
            keys(t, c) = static_cast<float>(std::sin(0.7 * static_cast<double>(t + 3 * c)));
        }
        keys(t, 5) += 50;
    }
    return keys;
}

double error_of(CacheAxis axis) {
    Matrix<float> keys = keys_with_outlier(), values(40, 8);
    const Matrix<float> exact = keys_with_outlier();
    cache_hooks({2, 16, axis, axis}).on_cache(0, 0, keys.view(), values.view());
    double sum = 0;
    for (Index t = 0; t < keys.rows(); ++t) {
        for (Index c = 0; c < keys.cols(); ++c) {
            sum += std::pow(static_cast<double>(keys(t, c) - exact(t, c)), 2);
        }
    }
    return sum;
}

}  // namespace

TEST_CASE("a large channel spoils groups across channels, not its own", "[model-judge]") {
    CHECK(error_of(CacheAxis::channel) < error_of(CacheAxis::token) / 10);
}

TEST_CASE("rounding the cache keeps the ends of every group and reaches 2^b values",
          "[model-judge]") {
    Matrix<float> keys(3, 32), values(3, 32);
    for (Index c = 0; c < 32; ++c) {
        values(1, c) = static_cast<float>(c);
    }
    cache_hooks({16, 2}).on_cache(0, 0, keys.view(), values.view());
    std::set<float> levels(values.row(1), values.row(1) + 32);
    CHECK(levels == std::set<float>{0, 31.0F / 3, 62.0F / 3, 31});
    CHECK(values(0, 7) == 0);  // all alike: nothing to round
}

TEST_CASE("a model judged as it is loses nothing, and 2-bit matrices lose something",
          "[model-judge]") {
    const RunContext context;
    const ModelJudge judge("draft", 48, context);
    const DomainLosses exact = judge.losses(judge.model(), {}, context);
    CHECK(exact.perplexity() == Approx(std::exp(exact.mean())));
    CHECK(judge.losses(judge.model(), cache_hooks({}), context).by_domain == exact.by_domain);
    const RoundedMatrices rounded = rounded_matrices(judge.model(), 2, 32, context);
    CHECK(rounded.ids.size() == 7U * static_cast<std::size_t>(judge.model().config.layers));
    Model<float> model = judge.model();
    for (std::size_t i = 0; i < rounded.ids.size(); ++i) {
        model = with_weights(std::move(model), rounded.ids[i], rounded.weights[i]);
    }
    CHECK(judge.losses(model, {}, context).mean() > exact.mean() + 0.1);
}

}  // namespace nibble::model_judge_test
