// How long the window needs between data and picture: each lab's show() and layout() at defaults.
//
//   build/release/nibble_bench --benchmark_filter=picture
//
// While a slider is dragged both run once a frame, so they share 33 ms with the preview itself.
#include <benchmark/benchmark.h>

#include "sim/experiments/all.hpp"
#include "viz/figure/layout.hpp"
#include "viz/figure/recording_canvas.hpp"

namespace nibble {
namespace {

void picture_show(benchmark::State& state, const Experiment& experiment) {
    const ParamValues values = experiment.defaults();
    const RunData data = experiment.run(values, {});
    for (auto _ : state) {
        benchmark::DoNotOptimize(experiment.show(values, data));
    }
}

void picture_layout(benchmark::State& state, const Experiment& experiment) {
    const Outcome outcome = evaluate(experiment, experiment.defaults());
    const Theme theme = make_theme(ThemeKind::dark);
    const FixedMeasure measure;
    for (auto _ : state) {
        benchmark::DoNotOptimize(layout(outcome, {764, 720}, theme, measure));
    }
}

const bool registered = [] {
    for (const Experiment& e : all_experiments()) {
        benchmark::RegisterBenchmark(("picture_show/" + e.id).c_str(), picture_show, e)
            ->Unit(benchmark::kMillisecond);
        benchmark::RegisterBenchmark(("picture_layout/" + e.id).c_str(), picture_layout, e)
            ->Unit(benchmark::kMillisecond);
    }
    return true;
}();

}  // namespace
}  // namespace nibble
