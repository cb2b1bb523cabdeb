// Round-to-nearest quantization of a weight matrix: who shares a scale, and what one outlier does
// to them. The work is in sim/quant/quantizer_sweep.
#include <algorithm>
#include <fmt/format.h>

#include "sim/core/arithmetic.hpp"
#include "sim/experiments/numbers/quantizer/figures.hpp"

namespace nibble::quantizer_lab {
namespace {

using quantizer_lab::Data;

struct Params {
    int bits = 4;
    int group_size = 32;
    double outlier = 28;
    Scheme scheme = Scheme::absmax;

    Granularity granularity = Granularity::group;
    ScaleFormat scale_format = ScaleFormat::fp16;
    bool full_range = false;
    WeightDistribution distribution = WeightDistribution::normal;
    double dof = 4;
    int rows = 32, cols = 128;
    OutlierKind outliers = OutlierKind::weight;
    int outlier_row = 11, outlier_col = 70, outlier_count = 2;
    std::string file, tensor;

    int selected_row = 3, selected_col = 0;

    bool is_synthetic() const { return file.empty(); }
    bool has_outliers() const { return is_synthetic() && outliers != OutlierKind::none; }
};

/// Weights that one run looks at; beyond, rows are sampled.
constexpr std::size_t preview_weights = std::size_t{1} << 19, exact_weights = std::size_t{1} << 26;
constexpr std::size_t emulated_weights = std::size_t{1} << 15;

/// Groups end with the row.
Quantizer quantizer_of(const Params& p, std::size_t cols) {
    return {p.scheme,
            p.bits,
            p.granularity,
            std::min(static_cast<std::size_t>(p.group_size), cols),
            p.full_range && p.scheme == Scheme::absmax,
            p.scale_format};
}

/// Throws Error::bad_param for a row that alone is too long for the emulator.
std::size_t weights_at_most(const WeightSource& source, const RunContext& context) {
    if (context.device != kernels::Machine::emulated) {
        return context.preview ? preview_weights : exact_weights;
    }
    if (source.cols > emulated_weights) {
        throw Error(
            Error::Code::bad_param,
            fmt::format("a row of {} weights is too long for the emulator", source.cols),
            fmt::format("it takes {} weights: compute with --device cpu", emulated_weights));
    }
    return emulated_weights;
}

Data run(const Params& p, const RunContext& context) {
    const auto rows = static_cast<std::size_t>(p.rows), cols = static_cast<std::size_t>(p.cols);
    const auto source = p.is_synthetic()
                            ? synthetic_weights(p.distribution, p.dof, rows, cols, context.seed)
                            : file_weights(p.file, p.tensor);
    const std::size_t limit = weights_at_most(*source, context);
    const std::size_t stride = ceil_div(source->rows * source->cols, limit);
    const auto sample = context.memo<WeightSample>(
        fmt::format("weights {} every {}", source->key, stride),
        [&] { return sample_weights(*source, stride, context); },
        [](const WeightSample& s) { return s.bytes(); });
    context.check();
    const Outliers outliers = place_outliers(
        p.has_outliers() ? p.outliers : OutlierKind::none, p.outlier, sample->sigma,
        static_cast<std::size_t>(p.outlier_row), static_cast<std::size_t>(p.outlier_col),
        static_cast<std::size_t>(p.outlier_count), source->rows, source->cols);
    return quantizer_lab::sweep(source, *sample, outliers, quantizer_of(p, source->cols), context);
}

/// Where the matrix ends before a parameter does: what is shown instead of what was asked for.
std::string corrections(const Params& p, const Data& data) {
    const std::size_t rows = data.source->rows, cols = data.source->cols;
    std::string text;
    if (p.granularity == Granularity::group && static_cast<std::size_t>(p.group_size) > cols) {
        text += fmt::format(" A row ends after {} weights, and groups of {} with it.", cols,
                            p.group_size);
    }
    const bool row_matters = p.has_outliers() && p.outliers != OutlierKind::columns;
    const bool col_matters = p.has_outliers() && p.outliers != OutlierKind::rows;
    if (row_matters && static_cast<std::size_t>(p.outlier_row) >= rows) {
        text += fmt::format(" There is no row {}: the outlier is in the last, {}.", p.outlier_row,
                            rows - 1);
    }
    if (col_matters && static_cast<std::size_t>(p.outlier_col) >= cols) {
        text += fmt::format(" There is no column {}: the outlier is in the last, {}.",
                            p.outlier_col, cols - 1);
    }
    return text;
}

Outcome show(const Params& p, const Data& data) {
    const auto group = quantizer_lab::look_at_group(data, static_cast<std::size_t>(p.selected_row),
                                                    static_cast<std::size_t>(p.selected_col));
    Outcome outcome;
    quantizer_lab::describe(data, group, outcome);
    outcome.explanation += corrections(p, data);
    outcome.rows = quantizer_lab::figures(data, group);
    return outcome;
}

Schema<Params> schema() {
    const auto synthetic = [](const Params& p) { return p.is_synthetic(); };
    return {
        integer("bits", &Params::bits, {2, 8})
            .label("Bits per code")
            .unit("bit")
            .help("Each bit more halves the step between levels and takes 6 dB off the error.")
            .when([](const Params& p) { return Quantizer{p.scheme}.is_integer(); }),
        integer("group_size", &Params::group_size, {8, 4096, Scale::log2})
            .unit("w")
            .help("Weights along a row that share a scale: more of them save bits, and suffer "
                  "together when one is large.")
            .when([](const Params& p) { return p.granularity == Granularity::group; }),
        real("outlier", &Params::outlier, {0, 100, Scale::linear, {{0, 40}}})
            .unit("σ")
            .help("How far out the outlier lies: the levels of its scale spread to reach it.")
            .when([](const Params& p) { return p.has_outliers(); }),
        choice("scheme", &Params::scheme,
               {{"absmax", "absmax"},
                {"zero_point", "zero point"},
                {"nf4", "NF4"},
                {"fp4", "FP4"},
                {"fp8_e4m3", "FP8 E4M3"},
                {"fp8_e5m2", "FP8 E5M2"}})
            .help("Where the levels lie: even around zero, even over the range, at the quantiles "
                  "of a normal, or finer towards zero."),
        choice("granularity", &Params::granularity,
               {{"tensor", "tensor"}, {"channel", "channel"}, {"group", "group"}})
            .label("One scale for each")
            .help("Which weights share a scale; a channel is a row.")
            .advanced(),
        choice("scale_format", &Params::scale_format,
               {{"fp16", "FP16"}, {"fp32", "FP32"}, {"double_quantized", "double-quantized"}})
            .label("Scales stored as")
            .help("FP16 and FP32 cost 16 and 32 bits a scale; double quantization 8, and one FP32 "
                  "for 256 of them.")
            .advanced(),
        boolean("full_range", &Params::full_range)
            .help("Uses the lowest code too, -2^(b-1), at the price of a grid that ends "
                  "half a step before max|w|.")
            .when([](const Params& p) { return p.scheme == Scheme::absmax; })
            .advanced(),
        choice("distribution", &Params::distribution,
               {{"normal", "normal"}, {"student_t", "Student t"}, {"uniform", "uniform"}})
            .help("Of the weights without outliers, at variance 1.")
            .when(synthetic)
            .advanced(),
        real("dof", &Params::dof, {2.5, 30})
            .label("Degrees of freedom")
            .help("Of Student t: fewer make heavier tails, and natural outliers.")
            .when([](const Params& p) {
                return p.is_synthetic() && p.distribution == WeightDistribution::student_t;
            })
            .advanced(),
        integer("rows", &Params::rows, {1, 4096, Scale::log2})
            .help("More rows, more weights to share the same fate.")
            .when(synthetic)
            .advanced(),
        integer("cols", &Params::cols, {1, 4096, Scale::log2})
            .label("Columns")
            .help("Longer rows hold more groups.")
            .when(synthetic)
            .advanced(),
        choice(
            "outliers", &Params::outliers,
            {{"weight", "one weight"}, {"rows", "rows"}, {"columns", "columns"}, {"none", "none"}})
            .help("What is large: a single weight, whole channels, whole input features, nothing.")
            .when(synthetic)
            .advanced(),
        integer("outlier_row", &Params::outlier_row, {0, 4095})
            .help("Moves the outlier down the map.")
            .when([](const Params& p) {
                return p.has_outliers() && p.outliers != OutlierKind::columns;
            })
            .advanced(),
        integer("outlier_col", &Params::outlier_col, {0, 4095})
            .label("Outlier column")
            .help("Moves the outlier to the right on the map.")
            .when(
                [](const Params& p) { return p.has_outliers() && p.outliers != OutlierKind::rows; })
            .advanced(),
        integer("outlier_count", &Params::outlier_count, {1, 16})
            .help("How many rows or columns are large, evenly spaced.")
            .when([](const Params& p) {
                return p.has_outliers() && p.outliers != OutlierKind::weight;
            })
            .advanced(),
        file("file", &Params::file, {".npy", ".safetensors", ".gguf"})
            .label("Weights from a file")
            .help("Takes a tensor of yours, as it is, in place of random weights.")
            .advanced(),
        text("tensor", &Params::tensor)
            .tensor_in("file")
            .help("Which tensor of the file; empty takes the first matrix.")
            .when([](const Params& p) { return !p.file.empty(); })
            .advanced(),
        integer("selected_row", &Params::selected_row, {0, 4095})
            .help("The row whose group the levels and the equation show.")
            .view()
            .advanced(),
        integer("selected_col", &Params::selected_col, {0, 4095})
            .label("Selected column")
            .help("The column whose group the levels and the equation show.")
            .view()
            .advanced(),
    };
}

}  // namespace

Experiment lab() {
    Experiment e = define<Params, Data>(
        "quantizer", "Numbers", "Quantizer",
        "What does one outlier cost the weights that share its scale, and what do groups cost?",
        schema(), run, show);
    e.uses_device = true;
    return e;
}

}  // namespace nibble::quantizer_lab
