#include "sim/formats/tensor_sample.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <span>

#include "sim/core/arithmetic.hpp"
#include "sim/core/parallel.hpp"

namespace nibble {
namespace {

double finite_absmax(const std::vector<float>& values) {
    double absmax = 0;
    for (const float value : values) {
        const double size = std::abs(static_cast<double>(value));
        absmax = std::isfinite(size) ? std::max(absmax, size) : absmax;
    }
    return absmax;
}

}  // namespace

TensorSample sample_values(const WeightSource& source, double scale, std::size_t limit,
                           const RunContext& context) {
    const std::size_t total = source.rows * source.cols;
    TensorSample sample{source.name, static_cast<std::int64_t>(total), {}};
    constexpr std::size_t run = TensorSample::run_length;
    const std::size_t runs = ceil_div(total, run);
    const std::size_t kept = std::min(runs, std::max<std::size_t>(1, ceil_div(limit, run)));
    // Whole runs; the last one of the tensor may be short.
    const auto first_of = [&](std::size_t k) { return k * runs / kept * run; };
    sample.values.resize((kept - 1) * run + std::min(run, total - first_of(kept - 1)));
    parallel_for(kept, 256, [&](std::size_t begin, std::size_t end) {
        context.check();
        for (std::size_t k = begin; k < end; ++k) {
            const std::span<float> values = std::span(sample.values).subspan(k * run);
            const std::size_t first = first_of(k);
            const std::size_t length = std::min(run, total - first);
            read_in_order(source, first, values.first(length));
            for (float& v : values.first(length)) {
                v = static_cast<float>(scale * static_cast<double>(v));
            }
        }
    });
    const bool any_finite = std::any_of(sample.values.begin(), sample.values.end(),
                                        [](float v) { return std::isfinite(v); });
    if (!any_finite) {
        throw Error(
            Error::Code::bad_file,
            fmt::format("tensor \"{}\" holds no finite value, only NaN or infinities", sample.name),
            "choose another one with --tensor");
    }
    sample.absmax = finite_absmax(sample.values);
    return sample;
}

}  // namespace nibble
