// How near the network comes to the rate of its matrix products: the forward pass of a model of the
// size of `target` beside Eigen's products of the same shapes, in one run. Prints GFLOP/s.
#include <Eigen/Dense>
#include <benchmark/benchmark.h>

#include "sim/core/parallel.hpp"
#include "sim/core/rng.hpp"
#include "sim/model/evaluate.hpp"

using namespace nibble;

namespace {

constexpr Index sequences = 64, length = 256;

std::vector<TokenIds> batch_of(Index count, Index vocab) {
    std::vector<TokenIds> batch;
    for (Index s = 0; s < count; ++s) {
        TokenIds ids;
        for (Index i = 0; i < length; ++i) {
            ids.push_back(static_cast<std::int32_t>(
                Rng(static_cast<std::uint64_t>(s))
                    .below(static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(vocab))));
        }
        batch.push_back(ids);
    }
    return batch;
}

/// Multiply-adds of the linear layers for one token, times two.
double linear_flops(const ModelConfig& c) {
    return 2.0 *
           static_cast<double>(c.layers * (2 * c.hidden * c.q_width() +
                                           2 * c.hidden * c.kv_width() + 3 * c.hidden * c.inner) +
                               c.vocab * c.hidden);
}

void rate(benchmark::State& state, double flops) {
    state.counters["GFLOP/s"] = benchmark::Counter(
        flops * 1e-9 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void forward_target(benchmark::State& state) {
    set_threads(static_cast<int>(state.range(0)));
    const ModelConfig c;
    const auto model = model_owning<float>(c, initial_weights(c, 1));
    const auto batch = batch_of(sequences, c.vocab);
    for (auto _ : state) {
        benchmark::DoNotOptimize(score(model, batch));
    }
    rate(state, linear_flops(c) * sequences * length);
    set_threads(0);
}
BENCHMARK(forward_target)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

/// The same products and nothing else, on one thread.
void eigen_products(benchmark::State& state) {
    using M = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    Eigen::setNbThreads(1);
    const ModelConfig c;
    const Index rows = sequences * length / 8;
    const std::pair<Index, Index> shapes[] = {{c.q_width(), c.hidden},  {c.kv_width(), c.hidden},
                                              {c.kv_width(), c.hidden}, {c.hidden, c.q_width()},
                                              {c.inner, c.hidden},      {c.inner, c.hidden},
                                              {c.hidden, c.inner}};
    double flops = 0;
    std::vector<M> ws, xs, ys;
    for (const auto& [out, in] : shapes) {
        ws.push_back(M::Random(out, in));
        xs.push_back(M::Random(rows, in));
        ys.push_back(M::Zero(rows, out));
        flops += 2.0 * static_cast<double>(rows * out * in);
    }
    for (auto _ : state) {
        for (std::size_t i = 0; i < ws.size(); ++i) {
            ys[i].noalias() = xs[i] * ws[i].transpose();
            benchmark::DoNotOptimize(ys[i].data());
        }
    }
    rate(state, flops);
}
BENCHMARK(eigen_products)->UseRealTime()->Unit(benchmark::kMillisecond);

void train_step(benchmark::State& state) {
    set_threads(static_cast<int>(state.range(0)));
    const ModelConfig c;
    const auto values = initial_weights(c, 1);
    const auto batch = batch_of(16, c.vocab);
    std::vector<float> gradient(values.size());
    Trainee<float> trainee;
    for (auto _ : state) {
        trainee.loss_and_gradient(model_over<float>(c, values), batch, gradient);
    }
    state.counters["tokens/s"] = benchmark::Counter(
        16.0 * length * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
    set_threads(0);
}
BENCHMARK(train_step)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

void decode(benchmark::State& state) {
    const ModelConfig c;
    const auto model = model_owning<float>(c, initial_weights(c, 1));
    KvCache<float> cache(c);
    extend<float>(model, cache, batch_of(1, c.vocab)[0]);
    const TokenIds next = {5};
    for (auto _ : state) {
        extend<float>(model, cache, next);
        cache.truncate(length);
    }
    state.counters["tokens/s"] =
        benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(decode)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
