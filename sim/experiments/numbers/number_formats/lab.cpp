// Number formats: a format is a choice of where to put 2^b ticks.
//
// A value is stored in the chosen format, bit by bit, beside four others; a tensor is stored in all
// of them, so that the reader sees which choice suits which numbers. The codecs are exact
// (sim/formats); what is left out is arithmetic in the format.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <span>

#include "sim/core/experiment.hpp"
#include "sim/experiments/numbers/number_formats/data.hpp"
#include "sim/formats/tensor_sample.hpp"

namespace nibble::number_formats_lab {
namespace {

using number_formats_lab::Data;
using number_formats_lab::magnitude_bins;
using number_formats_lab::value_bins;

enum class AxisScale { linear, log };
enum class OverflowRule { usual, saturate, standard };

/// A place among the choices below.
enum class Format : int {};

constexpr double degrees_of_freedom = 5;  // of Student t

/// What the chosen format is shown beside: one of each idea.
constexpr std::array<const char*, 5> comparison = {"fp8_e4m3", "fp8_e5m2", "int8", "nf4",
                                                   "fp4_e2m1"};

std::vector<Choice> format_choices() {
    std::vector<Choice> choices;
    for (const NumberFormat& f : number_format_list()) {
        choices.push_back({f.id(), f.name()});
    }
    for (const BlockFormat& f : block_format_list()) {
        choices.push_back({f.id, f.name});
    }
    return choices;
}

std::string id_of(Format format) {
    static const std::vector<Choice> choices = format_choices();
    return choices.at(static_cast<std::size_t>(format)).name;
}

Format format_of(std::string_view id) {
    int place = 0;
    while (id_of(Format{place}) != id) {
        ++place;
    }
    return Format{place};
}

/// Null of all but formats of single floats.
const FloatFormat* float_of(Format format) {
    const auto place = static_cast<std::size_t>(format);
    return place < number_format_list().size() ? number_format_list()[place].as_float() : nullptr;
}

bool is_wide(Format format) {
    return float_of(format) && float_of(format)->bits() > 8;
}

std::vector<Choice> distribution_choices() {
    return {{"normal", "normal"}, {"student_t", "Student t"}, {"uniform", "uniform"}};
}

std::string label_of(WeightDistribution distribution) {
    return distribution_choices().at(static_cast<std::size_t>(distribution)).label;
}

struct Params {
    Format format = format_of("fp8_e4m3");
    double value = 0.3;
    Scaling scaling = Scaling::absmax;
    AxisScale axis = AxisScale::linear;
    double zoom = 1;
    bool compare = true;
    OverflowRule overflow = OverflowRule::usual;
    WeightDistribution distribution = WeightDistribution::normal;
    double spread = 0.25;
    std::string file, tensor;
};

/// Wide floats, E8M0 and the MX formats are stored as they are, whatever the tensor.
bool is_scaled_by_choice(const Params& p) {
    for (const BlockFormat& block : block_format_list()) {
        if (block.id == id_of(p.format)) {
            return !block.scale_is_power_of_two;
        }
    }
    return !is_wide(p.format) && !(float_of(p.format) && !float_of(p.format)->is_signed);
}

Overflow overflow_of(const Params& p) {
    if (p.overflow == OverflowRule::usual) {
        return is_wide(p.format) ? Overflow::standard : Overflow::saturate;
    }
    return p.overflow == OverflowRule::saturate ? Overflow::saturate : Overflow::standard;
}

bool can_overflow(const Params& p) {
    const FloatFormat* f = float_of(p.format);
    return f && f->is_signed && f->has_nan();
}

Schema<Params> make_schema() {
    return {
        choice("format", &Params::format, format_choices())
            .help("Where the ticks stand: the bits spent on range and on precision, or a table."),
        real("value", &Params::value, {-4e38, 4e38, Scale::linear, {{-1, 1}}})
            .view()
            .help("The number to store; drag it on the line and its bits flip."),
        choice("scaling", &Params::scaling, {{"none", "none"}, {"absmax", "tensor's absmax"}})
            .when(is_scaled_by_choice)
            .help("Whether the format's largest number stands for the tensor's largest magnitude; "
                  "without it, floats hold values as they are and INT8 and NF4 span -1 to 1."),
        choice("axis", &Params::axis, {{"linear", "linear"}, {"log", "log"}})
            .view()
            .help("A linear line shows precision, a logarithmic one shows range."),
        real("zoom", &Params::zoom, {0x1p-20, 0x1p40, Scale::log2})
            .view()
            .advanced()
            .when([](const Params& p) { return p.axis == AxisScale::linear; })
            .help("Closes in on the value: above 1 the wide formats' ticks come apart."),
        boolean("compare", &Params::compare)
            .view()
            .advanced()
            .help("Shows the ticks of other formats under those of the chosen one."),
        choice("overflow", &Params::overflow,
               {{"usual", "as GPUs do"}, {"saturate", "saturate"}, {"standard", "infinity or NaN"}})
            .advanced()
            .when(can_overflow)
            .help("What numbers beyond the largest become: the largest (CUDA's satfinite, OCP's "
                  "saturating mode), or infinity, or NaN where there is none; GPUs saturate in FP8 "
                  "and give infinity in wider formats."),
        choice("distribution", &Params::distribution, distribution_choices())
            .advanced()
            .when([](const Params& p) { return p.file.empty(); })
            .help("Shape of the synthetic weights: Student t has heavy tails, uniform has none."),
        real("spread", &Params::spread, {1e-4, 1e4, Scale::log10})
            .advanced()
            .when([](const Params& p) { return p.file.empty(); })
            .help("Standard deviation of the synthetic weights: larger stretches their histogram."),
        file("file", &Params::file, {".npy", ".safetensors", ".gguf"})
            .advanced()
            .help("Weights of your own instead of synthetic ones."),
        text("tensor", &Params::tensor)
            .tensor_in("file")
            .advanced()
            .when([](const Params& p) { return !p.file.empty(); })
            .help("Which tensor of the file; the first matrix when empty."),
    };
}

/// The chosen format, then the others.
std::vector<ScaledFormat> formats_of(const Params& p, double absmax) {
    std::vector<ScaledFormat> rows = {
        scaled_format(id_of(p.format), p.scaling, overflow_of(p), absmax)};
    for (const char* id : comparison) {
        if (p.compare && id != rows.front().id() && rows.size() < comparison.size()) {
            rows.push_back(scaled_format(id, p.scaling, Overflow::saturate, absmax));
        }
    }
    return rows;
}

void count_values(const TensorSample& sample, Data& data) {
    data.by_value.assign(value_bins, 0);
    data.by_magnitude.assign(magnitude_bins, 0);
    if (data.absmax == 0) {
        return;
    }
    const auto finite = std::count_if(sample.values.begin(), sample.values.end(),
                                      [](float v) { return std::isfinite(v); });
    const double share = 1 / static_cast<double>(finite);
    for (const float v : sample.values) {
        const double x = static_cast<double>(v) / data.absmax;
        if (!std::isfinite(x)) {
            continue;
        }
        const auto bin = static_cast<std::size_t>((x + 1) / 2 * value_bins);
        data.by_value[std::min(bin, value_bins - 1)] += share;
        const double halves = x == 0 ? magnitude_bins : -2 * std::log2(std::abs(x));
        if (halves < magnitude_bins) {
            data.by_magnitude[magnitude_bins - 1 - static_cast<std::size_t>(halves)] += share;
        }
    }
}

Data run(const Params& p, const RunContext& context) {
    constexpr std::size_t synthetic = 1 << 16, largest_sample = 1 << 20;
    constexpr std::size_t preview = 1 << 16;
    const bool is_file = !p.file.empty();
    const auto source =
        is_file ? file_weights(p.file, p.tensor)
                : synthetic_weights(p.distribution, degrees_of_freedom, 1, synthetic, context.seed);
    const double scale = is_file ? 1 : p.spread;
    const auto sample = context.memo<TensorSample>(
        fmt::format("formats {} times {}", source->key, scale),
        [&] { return sample_values(*source, scale, largest_sample, context); },
        [](const TensorSample& s) { return s.bytes(); });
    // A preview measures less, on the same axes: nothing jumps when the exact run follows.
    std::span<const float> values = sample->values;
    values = values.first(context.preview ? std::min(values.size(), preview) : values.size());
    Data data{is_file ? sample->name : label_of(p.distribution) + " weights",
              sample->total,
              static_cast<std::int64_t>(values.size()),
              sample->absmax,
              std::count_if(values.begin(), values.end(), [](float v) { return std::isnan(v); }),
              std::count_if(values.begin(), values.end(), [](float v) { return std::isinf(v); }),
              {},
              {},
              {}};
    data.is_file = is_file;
    count_values(*sample, data);
    Params all = p;
    all.compare = true;
    const std::vector<ScaledFormat> rows = formats_of(all, data.absmax);
    for (const ScaledFormat& format : rows) {
        context.check();
        data.fits.push_back({format.id(), fit(format, values)});
        context.progress(static_cast<double>(data.fits.size()) / static_cast<double>(rows.size()));
    }
    return data;
}

Outcome show(const Params& p, const Data& data) {
    const std::vector<ScaledFormat> formats = formats_of(p, data.absmax);
    const NumberWindow window =
        number_window(formats, p.value, number_formats_lab::reach_of(data), p.zoom,
                      p.axis == AxisScale::log ? Scale::log10 : Scale::linear);
    Outcome outcome;
    number_formats_lab::describe(formats, p.value, data, outcome);
    outcome.rows = number_formats_lab::figures(formats, p.value, data, window);
    return outcome;
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("number-formats", "Numbers", "Number formats",
                                "Which numbers can a format hold, and what happens to the others?",
                                make_schema(), run, show);
}

}  // namespace nibble::number_formats_lab
