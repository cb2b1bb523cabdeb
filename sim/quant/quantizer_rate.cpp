// How fast the quantizer of the lab runs on the chosen device.
#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <limits>

#include "kernels/processor.hpp"
#include "sim/core/parallel.hpp"
#include "sim/core/text.hpp"
#include "sim/quant/quantizer_sweep.hpp"

namespace nibble::quant {
namespace {

constexpr int passes = 3;

double seconds_on_processor(const WeightSample& sample, std::size_t rows, const Quantizer& q) {
    using Clock = std::chrono::steady_clock;
    const std::size_t run = q.run_length(sample.cols), per_row = q.groups_per_row(sample.cols);
    const std::size_t grain = std::max<std::size_t>(1, (std::size_t{1} << 17) / sample.cols);
    double best = std::numeric_limits<double>::infinity();
    for (int pass = 0; pass < passes; ++pass) {
        const auto begin = Clock::now();
        parallel_for(rows, grain, [&](std::size_t from, std::size_t to) {
            std::vector<std::int16_t> codes(sample.cols);
            std::vector<float> low(per_row), high(per_row);
            Scales scales;
            for (std::size_t i = from; i < to; ++i) {
                kernels::group_ranges(sample.row(i), run, low, high);
                make_scales(q, low, high, {}, scales);
                quantize(q, sample.row(i), run, scales, {codes, {}, {}});
            }
        });
        best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
    }
    return best;
}

double seconds_on_gpu(const WeightSample& sample, std::size_t rows, const Quantizer& q) {
    kernels::DeviceWeights weights(kernels::device(kernels::Machine::cuda),
                                   {rows, sample.cols, q.run_length(sample.cols)});
    weights.load(std::span(sample.values).first(rows * sample.cols));
    std::vector<float> low(weights.shape().groups()), high(low);
    kernels::group_ranges(weights, low, high);
    Scales scales;
    make_scales(q, low, high, {}, scales);
    return kernels::seconds_for_codes(weights, scales.view(), q.grid(), passes).value();
}

}  // namespace

std::optional<Rate> measure_rate(const WeightSample& sample, const Quantizer& quantizer,
                                 const RunContext& context) {
    if (context.device == kernels::Machine::emulated) {
        return std::nullopt;
    }
    const bool gpu = context.device == kernels::Machine::cuda;
    // A GPU is filled, and its caches overrun, by far more weights than a processor needs.
    const std::size_t wanted = std::size_t{1} << (context.preview ? 18 : gpu ? 26 : 22);
    const std::size_t rows =
        std::min(sample.rows.size(), std::max<std::size_t>(1, wanted / sample.cols));
    Quantizer timed = quantizer;
    if (timed.scale_format == ScaleFormat::double_quantized) {
        timed.scale_format = ScaleFormat::fp32;
    }
    const auto weights = static_cast<double>(rows * sample.cols);
    const double seconds =
        gpu ? seconds_on_gpu(sample, rows, timed) : seconds_on_processor(sample, rows, timed);
    const std::string size = format_si(sizeof(float) * weights) + "B";
    const std::string where =
        gpu ? fmt::format("{}, {} of weights in its memory",
                          kernels::device(kernels::Machine::cuda).probe().name, size)
            : fmt::format("{}, {}, {} thread{}, {} of weights", kernels::processor_name(),
                          kernels::instruction_set(), threads(), threads() == 1 ? "" : "s", size);
    return Rate{weights / std::max(seconds, 1e-9), where};
}

}  // namespace nibble::quant
