#include "sim/quant/layer_methods.hpp"

#include <chrono>
#include <fmt/format.h>

#include "sim/core/stopwatch.hpp"
#include "sim/quant/rtn.hpp"

namespace nibble {
namespace {

struct Names {
    const char *name, *title;
    bool calibrates, rounds_activations;
};

/// By Method.
constexpr Names names[] = {
    {"rtn", "Round to nearest", false, false},
    {"gptq", "GPTQ", true, false},
    {"awq", "AWQ", true, false},
    {"smoothquant", "SmoothQuant W8A8", true, true},
    {"llm_int8", "LLM.int8()", true, true},
    {"nf4", "NF4", false, false},
    {"fp4", "FP4 (bitsandbytes)", false, false},
    {"fp8", "FP8 W8A8", false, true},
};

const Names& names_of(Method method) {
    return names[static_cast<std::size_t>(method)];
}

bool is_integer(const MethodSettings& s) {
    return s.method == Method::rtn || s.method == Method::gptq || s.method == Method::awq;
}

bool is_table(const MethodSettings& s) {
    return s.method == Method::nf4 || s.method == Method::fp4;
}

QuantizedLayer of_integers(IntegerWeights integers) {
    QuantizedLayer layer;
    layer.weights = integers.dequantize();
    layer.stored_bits = integers.stored_bits();
    layer.integers = std::move(integers);
    return layer;
}

QuantizedLayer of_table(const MethodSettings& s, View<const float> weights) {
    const auto cols = static_cast<std::size_t>(weights.cols);
    const Quantizer q = {
        .scheme = s.method == Method::nf4 ? Scheme::nf4 : Scheme::fp4,
        .granularity = Granularity::group,
        .group_size = s.group_size == 0 ? cols : static_cast<std::size_t>(s.group_size),
        .scale_format = s.double_quant ? ScaleFormat::double_quantized : ScaleFormat::fp32};
    QuantizedLayer layer;
    layer.weights = quantized_rows(weights, q);
    const auto count = static_cast<double>(weights.rows * weights.cols);
    layer.stored_bits = storage(q, static_cast<std::size_t>(weights.rows), cols).total() * count;
    return layer;
}

QuantizedLayer of_fp8(View<const float> weights) {
    constexpr Quantizer fp8 = {.scheme = Scheme::fp8_e4m3,
                               .granularity = Granularity::channel,
                               .scale_format = ScaleFormat::fp32};
    QuantizedLayer layer;
    layer.weights = quantized_rows(weights, fp8);
    layer.stored_bits =
        static_cast<double>(weights.rows) * (8.0 * static_cast<double>(weights.cols) + 32.0);
    layer.round_input = [fp8](View<float> x) {
        round_activations(x, fp8, ActivationScales::token);
    };
    return layer;
}

QuantizedLayer run(const MethodSettings& s, View<const float> weights, const LayerInput* input) {
    switch (s.method) {
        case Method::rtn:
            return of_integers(round_to_nearest(weights, s.integer_format()));
        case Method::gptq:
            return of_integers(gptq(weights, input->gram.view(), s.gptq_options()).weights);
        case Method::awq: {
            AwqResult result = awq(weights, *input, s.awq_options());
            QuantizedLayer layer;
            layer.weights = result.effective();
            layer.stored_bits = result.weights.stored_bits();
            layer.integers = std::move(result.weights);
            layer.input_scale = std::move(result.scale);
            layer.alpha = result.alpha;
            return layer;
        }
        case Method::smoothquant:
            return smoothquant(weights, *input, {s.alpha < 0 ? 0.5 : s.alpha, s.activations});
        case Method::llm_int8:
            return llm_int8(weights, *input, s.threshold);
        case Method::nf4:
        case Method::fp4:
            return of_table(s, weights);
        case Method::fp8:
            break;
    }
    return of_fp8(weights);
}

Schema<MethodSettings> make_schema() {
    using S = MethodSettings;
    std::vector<Choice> methods;
    for (const Names& n : names) {
        methods.push_back({n.name, n.title});
    }
    const auto only = [](Method m) { return [m](const S& s) { return s.method == m; }; };
    return {
        choice("method", &S::method, methods).help("How weights find their codes."),
        integer("bits", &S::bits, {2, 8})
            .label("Bits per code")
            .unit("bit")
            .help("Of rtn, gptq and awq: each bit removed doubles the step.")
            .when(is_integer),
        integer("group_size", &S::group_size, {0, 65536, Scale::log2, {{0, 1024}}})
            .unit("weight")
            .help("Neighbours in a row that share a scale, 0 for the whole row: larger groups cost "
                  "fewer bits and more error. nf4 and fp4 have blocks of 64 unless told otherwise.")
            .when([](const S& s) { return is_integer(s) || is_table(s); }),
        boolean("symmetric", &S::symmetric)
            .help("Ranges with 0 in the middle: no zero points to store, a level or more unused.")
            .when(is_integer),
        boolean("act_order", &S::act_order)
            .label("Act-order")
            .help("Columns by falling activation, so that the important ones are rounded while "
                  "many columns are left to make up for them.")
            .when(only(Method::gptq)),
        boolean("static_groups", &S::static_groups)
            .help("Scales are fixed before anything is changed; groups stay neighbours under "
                  "act-order.")
            .when(only(Method::gptq)),
        real("damping", &S::damping, {0, 10})
            .help("Share of the mean diagonal that is added to the Hessian: more is safer and "
                  "closer to rounding to nearest.")
            .when(only(Method::gptq)),
        real("alpha", &S::alpha, {-1, 1})
            .help("Exponent of the activations in the scale of a channel; -1: awq takes the best "
                  "of 0 to 0.95, smoothquant 0.5.")
            .when([](const S& s) {
                return s.method == Method::awq || s.method == Method::smoothquant;
            }),
        boolean("clip", &S::clip)
            .help("Awq cuts the range of every group where that lowers the error.")
            .when(only(Method::awq)),
        choice("activations", &S::activations,
               {{"token", "a token"}, {"tensor", "all tokens"}, {"channel", "a channel"}})
            .label("One activation scale for")
            .help("Of smoothquant: the more activations share a scale, the coarser the small ones.")
            .when(only(Method::smoothquant)),
        real("threshold", &S::threshold, {0, 1e6})
            .help("Of llm_int8: channels that reach it are multiplied in 16 bits.")
            .when(only(Method::llm_int8)),
        boolean("double_quant", &S::double_quant)
            .label("Double quantization")
            .help("Of nf4 and fp4: the scales themselves in 8 bits.")
            .when(is_table),
        boolean("weight_term", &S::weight_term)
            .help("Awq's scales also fall with the weights, as AutoAWQ has it.")
            .when(only(Method::awq))
            .advanced(),
        integer("block_size", &S::block_size, {1, 4096, Scale::log2})
            .unit("column")
            .help("Columns that gptq finishes before it corrects the rest: no effect on the "
                  "result but for the order of sums, only on speed.")
            .when(only(Method::gptq))
            .advanced(),
        boolean("reference_groups", &S::reference_groups)
            .help("Gptq reads the ranges of groups within a block from weights that are not up to "
                  "date, as the reference implementation does.")
            .when(only(Method::gptq))
            .advanced(),
        choice("scale_format", &S::scale_format, {{"fp16", "FP16"}, {"fp32", "FP32"}})
            .label("Scales stored as")
            .help("Of rtn, gptq and awq: FP32 costs 16 bits more a group.")
            .when(is_integer)
            .advanced(),
    };
}

}  // namespace

std::string_view name(Method method) {
    return names_of(method).name;
}

std::string_view title(Method method) {
    return names_of(method).title;
}

bool needs_calibration(Method method) {
    return names_of(method).calibrates;
}

bool rounds_activations(Method method) {
    return names_of(method).rounds_activations;
}

IntegerFormat MethodSettings::integer_format() const {
    return {bits, group_size, symmetric, method == Method::awq ? RangeRule::awq : RangeRule::gptq,
            scale_format == StoredScale::fp16 ? ScaleFormat::fp16 : ScaleFormat::fp32};
}

GptqOptions MethodSettings::gptq_options() const {
    return {integer_format(), damping, block_size, act_order, static_groups, reference_groups};
}

AwqOptions MethodSettings::awq_options() const {
    return {integer_format(), alpha, clip, weight_term};
}

const Schema<MethodSettings>& method_schema() {
    static const Schema<MethodSettings> schema = make_schema();
    return schema;
}

MethodSettings defaults_of(Method method) {
    MethodSettings settings;
    settings.method = method;
    if (is_table(settings)) {
        settings.group_size = 64;
    }
    return settings;
}

QuantizedLayer quantize_layer(const MethodSettings& settings, View<const float> weights,
                              const LayerInput* input) {
    check_finite(weights, "the weight matrix");
    if (needs_calibration(settings.method)) {
        if (!input) {
            throw Error(
                Error::Code::bad_param,
                fmt::format("{} needs to know what the layer reads", title(settings.method)),
                "calibrate it on activations (tokens x in_features)");
        }
        if (input->tokens.cols != weights.cols) {
            throw Error(Error::Code::bad_param,
                        fmt::format("the calibration input has {} channels, the weights {} columns",
                                    input->tokens.cols, weights.cols),
                        "it must be what this layer reads, one token a row");
        }
    }
    const auto begin = std::chrono::steady_clock::now();
    QuantizedLayer layer = run(settings, weights, input);
    layer.seconds = seconds_since(begin);
    return layer;
}

}  // namespace nibble
