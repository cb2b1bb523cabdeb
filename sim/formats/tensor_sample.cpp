#include "sim/formats/tensor_sample.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <span>

#include "sim/core/parallel.hpp"
#include "sim/tensor/tensor_file.hpp"

namespace nibble {
namespace {

constexpr double degrees_of_freedom = 5;

double draw(const Rng& rng, SampleDistribution distribution, std::uint64_t i) {
    switch (distribution) {
        case SampleDistribution::normal:
            return rng.normal(i);
        case SampleDistribution::student_t:
            return rng.student_t(i, degrees_of_freedom) *
                   std::sqrt((degrees_of_freedom - 2) / degrees_of_freedom);
        case SampleDistribution::uniform:
            break;
    }
    return 2 * std::sqrt(3.0) * (rng.uniform(i) - 0.5);
}

const char* name_of(SampleDistribution distribution) {
    switch (distribution) {
        case SampleDistribution::normal:
            return "normal weights";
        case SampleDistribution::student_t:
            return "Student t weights";
        case SampleDistribution::uniform:
            break;
    }
    return "uniform weights";
}

double finite_absmax(const std::vector<float>& values) {
    double absmax = 0;
    for (const float value : values) {
        const double size = std::abs(static_cast<double>(value));
        absmax = std::isfinite(size) ? std::max(absmax, size) : absmax;
    }
    return absmax;
}

}  // namespace

TensorSample synthetic_sample(SampleDistribution distribution, double spread, std::int64_t count,
                              const RunContext& context) {
    const Rng rng = context.rng("weights");
    TensorSample sample{name_of(distribution), count, {}};
    sample.values.resize(static_cast<std::size_t>(count));
    parallel_for(sample.values.size(), 1 << 14, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            sample.values[i] = static_cast<float>(spread * draw(rng, distribution, i));
        }
    });
    sample.absmax = finite_absmax(sample.values);
    return sample;
}

TensorSample file_sample(const std::string& path, const std::string& tensor, std::int64_t limit,
                         const RunContext& context) {
    const auto file = TensorFile::open(path);
    const auto& all = file->tensors();
    const auto matrix = std::find_if(all.begin(), all.end(), [](const TensorInfo& t) {
        return t.shape.size() >= 2 && t.elements() > 0;
    });
    const TensorInfo& info = !tensor.empty()       ? file->find(tensor)
                             : matrix != all.end() ? *matrix
                                                   : all.front();
    const std::int64_t total = info.elements();
    if (total == 0) {
        throw Error(Error::Code::bad_param, fmt::format("tensor \"{}\" has no elements", info.name),
                    "choose another one with --tensor");
    }
    TensorSample sample{
        info.name.empty() ? file->path().filename().string() : info.name, total, {}};
    constexpr auto run = static_cast<std::int64_t>(TensorSample::run_length);
    const std::int64_t runs = (total + run - 1) / run;
    const std::int64_t kept = std::min(runs, std::max<std::int64_t>(1, (limit + run - 1) / run));
    for (std::int64_t k = 0; k < kept; ++k) {
        if (k % 1024 == 0) {
            context.check();
        }
        // Whole runs, the last one of the tensor may be short.
        const std::int64_t first = k * runs / kept * run;
        const auto length = static_cast<std::size_t>(std::min(run, total - first));
        const std::size_t old = sample.values.size();
        sample.values.resize(old + length);
        file->read(info, first, std::span(sample.values).subspan(old));
    }
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
