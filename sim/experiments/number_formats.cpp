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
#include "sim/core/text.hpp"
#include "sim/formats/format_figures.hpp"
#include "sim/formats/format_text.hpp"
#include "sim/formats/tensor_sample.hpp"

namespace nibble {
namespace {

enum class AxisScale { linear, log };
enum class OverflowRule { usual, saturate, standard };

/// In the order of the choices below.
enum class Format {
    fp32,
    tf32,
    bf16,
    fp16,
    fp8_e4m3,
    fp8_e5m2,
    fp6_e2m3,
    fp6_e3m2,
    fp4_e2m1,
    e8m0,
    int8,
    int4,
    int2,
    nf4,
    fp4_bnb,
    mxfp8_e4m3,
    mxfp8_e5m2,
    mxfp6_e2m3,
    mxfp6_e3m2,
    mxfp4,
    nvfp4,
};

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

struct Params {
    Format format = Format::fp8_e4m3;
    double value = 0.3;
    Scaling scaling = Scaling::absmax;
    AxisScale axis = AxisScale::linear;
    double zoom = 1;
    bool compare = true;
    OverflowRule overflow = OverflowRule::usual;
    SampleDistribution distribution = SampleDistribution::normal;
    double spread = 0.25;
    std::string file, tensor;
};

std::string id_of(Format format) {
    static const std::vector<Choice> choices = format_choices();
    return choices.at(static_cast<std::size_t>(format)).name;
}

/// Wide floats, E8M0 and the MX formats are stored as they are, whatever the tensor.
bool is_scaled_by_choice(const Params& p) {
    const bool wide = p.format <= Format::fp16 || p.format == Format::e8m0;
    const bool mx = p.format >= Format::mxfp8_e4m3 && p.format <= Format::mxfp4;
    return !(wide || mx);
}

/// A format without sign and zero holds scales, not weights: its error on a tensor says nothing.
bool is_scale_format(const ScaledFormat& f) {
    return !f.block && f.numbers->as_float() && !f.numbers->as_float()->is_signed;
}

Overflow overflow_of(const Params& p) {
    if (p.overflow == OverflowRule::usual) {
        return p.format <= Format::fp16 ? Overflow::standard : Overflow::saturate;
    }
    return p.overflow == OverflowRule::saturate ? Overflow::saturate : Overflow::standard;
}

bool can_overflow(const Params& p) {
    return p.format <= Format::fp8_e5m2;
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
        choice("distribution", &Params::distribution,
               {{"normal", "normal"}, {"student_t", "Student t"}, {"uniform", "uniform"}})
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
            .advanced()
            .when([](const Params& p) { return !p.file.empty(); })
            .help("Which tensor of the file; the first matrix when empty."),
    };
}

struct Data {
    struct Fit {
        std::string id;
        TensorFit fit;
    };
    std::string source;
    std::int64_t total = 0, sampled = 0;
    double absmax = 0;
    std::int64_t nans = 0, infinities = 0;  // left out of every measure
    std::vector<Fit> fits;                  // the chosen format's first
    // Shares of the values: by value from -absmax to absmax, and of the magnitudes by half binades
    // up to absmax.
    std::vector<double> by_value, by_magnitude;
    bool is_file = false;
};
constexpr std::size_t value_bins = 128, magnitude_bins = 64;

/// The chosen format, then the others.
std::vector<ScaledFormat> rows_of(const Params& p, double absmax) {
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
    constexpr std::int64_t synthetic = 1 << 16, largest_sample = 1 << 20;
    constexpr std::size_t preview = 1 << 16;
    const auto make = [&] {
        return p.file.empty() ? synthetic_sample(p.distribution, p.spread, synthetic, context)
                              : file_sample(p.file, p.tensor, largest_sample, context);
    };
    const std::string key =
        p.file.empty() ? fmt::format("formats {} {} {}", static_cast<int>(p.distribution), p.spread,
                                     context.seed)
                       : fmt::format("formats {}{} {}", p.file, file_stamp(p.file), p.tensor);
    const auto sample =
        context.memo<TensorSample>(key, make, [](const TensorSample& s) { return s.bytes(); });
    // A preview measures less, on the same axes: nothing jumps when the exact run follows.
    std::span<const float> values = sample->values;
    values = values.first(context.preview ? std::min(values.size(), preview) : values.size());
    Data data{sample->name,
              sample->total,
              static_cast<std::int64_t>(values.size()),
              sample->absmax,
              std::count_if(values.begin(), values.end(), [](float v) { return std::isnan(v); }),
              std::count_if(values.begin(), values.end(), [](float v) { return std::isinf(v); }),
              {},
              {},
              {}};
    data.is_file = !p.file.empty();
    count_values(*sample, data);
    Params all = p;
    all.compare = true;
    const std::vector<ScaledFormat> rows = rows_of(all, data.absmax);
    for (const ScaledFormat& format : rows) {
        context.check();
        data.fits.push_back({format.id(), fit(format, values)});
        context.progress(static_cast<double>(data.fits.size()) / static_cast<double>(rows.size()));
    }
    return data;
}

std::string explanation(const std::vector<ScaledFormat>& rows, double value, const Data& data) {
    const ScaledFormat& f = rows.front();
    const Neighbourhood n = f.neighbourhood(value);
    const int digits = telling_digits(f, value);
    std::string text;
    if (!std::isfinite(f.stored(value)) && !std::isnan(n.value)) {
        text = fmt::format("The last number is {}; from {} on there is none to round to.",
                           number_text(n.value), number_text(value > 0 ? n.high : n.low));
    } else if (std::isfinite(n.low) && std::isfinite(n.high)) {
        text =
            fmt::format("Everything between {} and {} is stored as {}.", number_text(n.low, digits),
                        number_text(n.high, digits), number_text(n.value, digits));
    } else if (!std::isnan(n.value)) {
        text = fmt::format("{} is the end of the line: its neighbour is {} away.",
                           number_text(n.value), number_text(n.ulp));
    }
    std::string losses;
    for (const Data::Fit& fit : data.fits) {
        const bool told = fit.id == f.id() || fit.id == "int8" || fit.id == "nf4";
        const auto row = std::find_if(rows.begin(), rows.end(),
                                      [&](const ScaledFormat& r) { return r.id() == fit.id; });
        if (told && row != rows.end() && !is_scale_format(*row) && fit.fit.signal > 0) {
            const double db = fit.fit.sqnr_db();
            losses += fmt::format(
                "{}{} {}", losses.empty() ? "" : ", ", row->name(),
                std::isfinite(db) ? number_text(db, 3) + "\u00a0dB" : "exact (no error)");
        }
    }
    if (!losses.empty()) {
        const std::string count = format_count(static_cast<double>(data.sampled));
        text += fmt::format("{}Signal over error on {}{} ({} values): {}.", text.empty() ? "" : " ",
                            data.is_file ? "tensor " : "", data.source, count, losses);
    }
    if (is_scale_format(f)) {
        text += fmt::format(" {} is a scale format: no sign, no zero, so no weights.", f.name());
    }
    if (data.nans + data.infinities > 0) {
        text += fmt::format(" Left out: {} NaN and {} infinite of {} values.",
                            format_count(static_cast<double>(data.nans)),
                            format_count(static_cast<double>(data.infinities)),
                            format_count(static_cast<double>(data.sampled)));
    }
    return text.empty() ? fmt::format("{} has {} codes.", f.name(),
                                      format_count(std::ldexp(1.0, f.numbers->bits())))
                        : text;
}

Figure histogram_figure(const ScaledFormat& f, const Data& data, const NumberWindow& w) {
    Figure figure{"tensor",
                  fmt::format("The numbers of {} among {}", f.name(), data.source),
                  "Histogram of the tensor's values with the format's numbers as ticks.",
                  {},
                  {},
                  {}};
    Histogram histogram{data.source, Role::baseline, {}, {}};
    if (w.scale == Scale::linear) {
        histogram.counts = data.by_value;
        for (std::size_t i = 0; i <= value_bins; ++i) {
            histogram.edges.push_back((2.0 * static_cast<double>(i) / value_bins - 1) *
                                      data.absmax);
        }
        figure.x = {.label = "value", .limits = {{w.low, w.high}}};
    } else {
        histogram.counts = data.by_magnitude;
        for (std::size_t i = 0; i <= magnitude_bins; ++i) {
            histogram.edges.push_back(data.absmax *
                                      std::exp2((static_cast<double>(i) - magnitude_bins) / 2.0));
        }
        figure.x = {.label = "magnitude", .scale = w.scale, .limits = {{w.low, w.high}}};
    }
    figure.y.hidden = true;
    const double tallest = *std::max_element(histogram.counts.begin(), histogram.counts.end());
    figure.y.limits = {{0, tallest > 0 ? 1.08 * tallest : 1}};
    if (data.absmax > 0) {
        figure.marks.emplace_back(std::move(histogram));
    }
    constexpr std::int64_t readable = 1024;
    Ticks ticks;
    ticks.length = 0.14;
    ticks.at = f.values_between(w.low, w.high, readable);
    if (f.count_between(w.low, w.high) > readable) {
        figure.title =
            fmt::format("{}; the numbers of {} are too dense to draw", data.source, f.name());
    }
    figure.marks.emplace_back(std::move(ticks));
    return figure;
}

void add_metrics(Outcome& o, const ScaledFormat& f, double value, const TensorFit& fit) {
    const double stored = f.stored(value);
    const double wrong = std::abs(stored - value);
    const Origin computed{}, measured{Origin::Kind::measured_here, {}};
    const auto add = [&o](std::string name, std::string label, double v, std::string unit,
                          const Origin& origin, Better better = Better::neither, int digits = 4) {
        o.metrics.push_back({.name = std::move(name),
                             .label = std::move(label),
                             .value = v,
                             .unit = std::move(unit),
                             .origin = origin,
                             .better = better,
                             .digits = digits});
    };
    add("stored_value", "Stored value", stored, "", computed, Better::neither,
        std::max(6, telling_digits(f, value)));
    add("relative_error", "Relative error", 100 * relative_error(value, stored), "%", computed,
        Better::lower, 3);
    if (std::isfinite(fit.sqnr_db()) && !is_scale_format(f)) {
        add("sqnr", "Signal to noise, tensor", fit.sqnr_db(), "dB", measured, Better::higher, 3);
    }
    add("bits_per_value", "Storage", f.bits_per_value(), "bits / value", computed, Better::lower);
    add("distinct_values", "Distinct numbers", static_cast<double>(f.numbers->count()), "",
        computed, Better::neither, 10);
    add("absolute_error", "Absolute error", wrong, "", computed, Better::lower, 3);
    add("ulp", "Gap to the neighbour", f.neighbourhood(value).ulp, "", computed, Better::lower);
    add("code", "Code", f.encode(value), "", computed, Better::neither, 10);
    add("scale", "Scale", f.scale, "", computed, Better::neither, 5);
    add("largest", "Largest", f.largest(), "", computed, Better::neither, 6);
    add("smallest_normal", "Smallest normal", f.smallest_normal(), "", computed);
    add("smallest_subnormal", "Smallest above zero", f.smallest(), "", computed);
    add("dynamic_range", "Dynamic range", 20 * std::log10(f.range_ratio()), "dB", computed,
        Better::higher, 4);
    add("half_range", "Half of the numbers lie within", f.half_range(), "", computed);
    add("clipped", "Values clipped", 100 * fit.clipped, "%", measured, Better::lower, 3);
    add("zeros", "Values that become zero", 100 * fit.zeros, "%", measured, Better::lower, 3);
}

Table comparison_table(const std::vector<ScaledFormat>& rows, double value, const Data& data) {
    Table table{"formats",
                {{"format"},
                 {"bits_per_value", "bit"},
                 {"numbers"},
                 {"largest"},
                 {"smallest"},
                 {"stored"},
                 {"relative_error", "%"},
                 {"sqnr", "dB"}},
                {}};
    for (const ScaledFormat& f : rows) {
        const auto fit = std::find_if(data.fits.begin(), data.fits.end(),
                                      [&](const Data::Fit& x) { return x.id == f.id(); });
        const double db = fit->fit.sqnr_db();
        const Table::Cell ratio = is_scale_format(f)  ? Table::Cell(std::string("not for weights"))
                                  : std::isfinite(db) ? Table::Cell(db)
                                                      : Table::Cell(std::string("exact"));
        table.rows.push_back({f.id(), f.bits_per_value(), f.numbers->count(), f.largest(),
                              f.smallest(), f.stored(value),
                              100 * relative_error(value, f.stored(value)), ratio});
    }
    return table;
}

/// The magnitude that every window shows.
double reach_of(const Data& data) {
    return data.absmax > 0 ? data.absmax : 1;
}

std::vector<FigureRow> figures(const std::vector<ScaledFormat>& rows, const Params& p,
                               const Data& data, const NumberWindow& window) {
    const ScaledFormat& chosen = rows.front();
    Figure bits = bits_figure(chosen, p.value), close_up = close_up_figure(chosen, p.value);
    Figure ticks = ticks_figure(rows, p.value, window);
    // The tensor stays in view whatever the value does.
    const NumberWindow whole = number_window(rows, 0, reach_of(data), 1, window.scale);
    Figure histogram = histogram_figure(chosen, data, whole);
    const int cells = std::get<Cells>(bits.marks.front()).columns;
    constexpr int most_beside = 20;  // more bits than this need the whole width to be read
    if (cells > most_beside) {
        return {{0.5, {std::move(bits)}},
                {1.6, {std::move(ticks)}},
                {1, {std::move(histogram), std::move(close_up)}}};
    }
    bits.width = cells > 12 ? 1.6 : 1;
    if (p.format == Format::nf4) {
        // Sixteen levels need no close-up; where they come from is the better use of the place.
        bits.width = 0.42;
        return {{1.5, {std::move(bits), nf4_figure()}},
                {2, {std::move(ticks)}},
                {0.8, {std::move(histogram)}}};
    }
    return {{0.9, {std::move(bits), std::move(close_up)}},
            {2.1, {std::move(ticks)}},
            {0.9, {std::move(histogram)}}};
}

Outcome show(const Params& p, const Data& data) {
    const std::vector<ScaledFormat> rows = rows_of(p, data.absmax);
    const ScaledFormat& chosen = rows.front();
    const NumberWindow window =
        number_window(rows, p.value, reach_of(data), p.zoom,
                      p.axis == AxisScale::log ? Scale::log10 : Scale::linear);
    Outcome o;
    o.finding = format_finding(chosen, p.value);
    o.explanation = explanation(rows, p.value, data);
    o.rows = figures(rows, p, data, window);
    o.tables.push_back(comparison_table(rows, p.value, data));
    if (p.format == Format::nf4) {
        o.tables.push_back(nf4_table());
    }
    if (chosen.numbers->bits() <= 8) {
        o.tables.push_back(code_table(chosen));
    }
    add_metrics(o, chosen, p.value, data.fits.front().fit);
    o.equations = format_equations(chosen, p.value);
    if (data.sampled < data.total) {
        o.sampling = fmt::format("{} of {} values of {}, in evenly spaced runs of {}",
                                 format_count(static_cast<double>(data.sampled)),
                                 format_count(static_cast<double>(data.total)), data.source,
                                 TensorSample::run_length);
    }
    return o;
}

}  // namespace

Experiment number_formats() {
    return define<Params, Data>("number-formats", "Numbers", "Number formats",
                                "Which numbers can a format hold, and what happens to the others?",
                                make_schema(), run, show);
}

}  // namespace nibble
