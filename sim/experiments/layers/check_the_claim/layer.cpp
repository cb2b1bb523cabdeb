// Claims about methods, settled on a layer of the shipped model: what multiplying a channel does,
// and which shortcuts GPTQ does not survive.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/layers/check_the_claim/claims.hpp"
#include "sim/quant/inverse_factor.hpp"
#include "sim/quant/lab_layer.hpp"
#include "sim/quant/layer_methods.hpp"

namespace nibble::check_the_claim_lab {
namespace {

constexpr int claim_bits = 3;

/// An attention output whose inputs are much alike: the Hessian has a long tail.
std::shared_ptr<const LabLayer> claim_layer(const RunContext& context) {
    return lab_layer({.layer = 0, .linear = Linear::o, .tokens = 1024}, context);
}

/// A layer one of whose inputs is much larger than the others.
std::shared_ptr<const LabLayer> outlier_layer(const RunContext& context) {
    return lab_layer({.layer = 3, .linear = Linear::down, .tokens = 1024}, context);
}

MethodSettings settings_of(Method method) {
    MethodSettings s;
    s.method = method;
    s.bits = claim_bits;
    s.group_size = 0;
    s.clip = false;
    return s;
}

/// GPTQ as some tell it: every step divides by the diagonal of the one inverse of the whole Hessian
/// and sends the error along its row, as if no column before had been fixed.
Matrix<float> without_elimination(View<const float> weights, View<const float> inverse) {
    IntegerFormat format = settings_of(Method::gptq).integer_format();
    Matrix<float> w(weights.rows, weights.cols), q(weights.rows, weights.cols);
    for (Index r = 0; r < weights.rows; ++r) {
        std::copy_n(weights.row(r), weights.cols, w.row(r));
        const auto [low, high] = std::minmax_element(w.row(r), w.row(r) + w.cols());
        const GroupScale scale = format.group_scale(*low, *high);
        for (Index i = 0; i < w.cols(); ++i) {
            const float code = std::clamp(std::nearbyint(w(r, i) / scale.scale) + scale.zero, 0.0F,
                                          format.max_code());
            q(r, i) = (code - scale.zero) * scale.stored;
            const float error = (w(r, i) - q(r, i)) / inverse(i, i);
            for (Index j = i + 1; j < w.cols(); ++j) {
                w(r, j) -= error * inverse(i, j);
            }
        }
    }
    return q;
}

/// (H + damping I)^-1 with H = 2 X^T X.
Matrix<float> full_inverse(const LayerInput& input, double damping_share) {
    Matrix<float> h(input.gram.rows(), input.gram.cols());
    double mean = 0;
    for (Index i = 0; i < h.rows(); ++i) {
        for (Index j = 0; j < h.cols(); ++j) {
            h(i, j) = 2 * input.gram(i, j);
        }
        mean += static_cast<double>(h(i, i)) / static_cast<double>(h.rows());
    }
    const InverseFactor u = inverse_factor(h.view(), damping_share * mean);
    Matrix<float> inverse(h.rows(), h.cols());
    multiply<float>(u.upper.view().transposed(), u.upper.view(), inverse.view());
    return inverse;
}

double error_of(const LabLayer& layer, const Matrix<float>& changed, View<const float> tokens) {
    QuantizedLayer q;
    q.weights = changed;
    return relative_output_error(layer.weights.view(), q, tokens);
}

double percent_error(const LabLayer& layer, const MethodSettings& s, const LayerInput& input,
                     View<const float> tokens) {
    return 100 * relative_output_error(layer.weights.view(),
                                       quantize_layer(s, layer.weights.view(), &input), tokens);
}

/// What happens to the channel that meets the largest activations when its weights are multiplied.
struct Multiplied {
    double group_range = 0;  // of the groups it is in, over what it was; mean over rows
    double channel = 0;      // squared rounding error of the channel, relative to its weights
    double output = 0;       // relative output error, unseen tokens
};

Multiplied multiply_channel(const LabLayer& layer, Index channel, float factor) {
    constexpr Index group = 32;
    const Matrix<float>& w = layer.weights;
    Matrix<float> scaled(w.rows(), w.cols());
    std::copy_n(w.row(0), w.rows() * w.cols(), scaled.row(0));
    MethodSettings nearest = settings_of(Method::rtn);
    nearest.group_size = group;
    Multiplied m;
    const Index begin = channel / group * group, end = std::min(begin + group, w.cols());
    for (Index r = 0; r < w.rows(); ++r) {
        const auto range = [&](const Matrix<float>& of) {
            const auto [low, high] = std::minmax_element(of.row(r) + begin, of.row(r) + end);
            return static_cast<double>(std::max(*high, 0.0F) - std::min(*low, 0.0F));
        };
        scaled(r, channel) *= factor;
        m.group_range += range(scaled) / range(w) / static_cast<double>(w.rows());
    }
    Matrix<float> back = quantize_layer(nearest, scaled.view(), nullptr).weights;
    double moved = 0, whole = 0;
    for (Index r = 0; r < w.rows(); ++r) {
        back(r, channel) /= factor;
        moved += std::pow(static_cast<double>(back(r, channel) - w(r, channel)), 2);
        whole += std::pow(static_cast<double>(w(r, channel)), 2);
    }
    m.channel = moved / whole;
    m.output = error_of(layer, back, layer.unseen.view());
    return m;
}

}  // namespace

Tested awq_twenty_five(const RunContext& context) {
    const auto layer = outlier_layer(context);
    const LayerInput input = observe(layer->calibration.view(), false);
    const auto salient = static_cast<Index>(
        std::max_element(input.mean_abs.begin(), input.mean_abs.end()) - input.mean_abs.begin());
    const Multiplied once = multiply_channel(*layer, salient, 1);
    Line range{"range of its groups", Role::limit, {}, {}, true},
        channel{"rounding error of the channel", Role::baseline, {}, {}, true},
        output{"error of the layer's output", Role::subject, {}, {}, true};
    Multiplied at25;
    double best = 1, least = once.output;
    for (const double factor : {1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0, 25.0, 50.0}) {
        context.check();
        const Multiplied m = multiply_channel(*layer, salient, static_cast<float>(factor));
        range.x.push_back(factor);
        range.y.push_back(m.group_range);
        channel.y.push_back(std::sqrt(m.channel / once.channel));
        output.y.push_back(std::sqrt(m.output / once.output));
        if (m.output < least) {
            least = m.output;
            best = factor;
        }
        at25 = factor == 25 ? m : at25;
    }
    channel.x = output.x = range.x;
    Tested t;
    t.claim = "AWQ multiplies an outlier channel by 25 so that its range shrinks.";
    t.verdict =
        fmt::format("Wrong: times 25 the range of the channel's groups is {} times as wide.",
                    format_number(at25.group_range, 3));
    t.right = fmt::format(
        "What shrinks is the channel's own relative rounding error, to {} of what it was; the "
        "channels beside it pay, and the layer's output errs {} times as much. The best of the "
        "factors tried is {}.",
        format_number(std::sqrt(at25.channel / once.channel), 2),
        format_number(std::sqrt(at25.output / once.output), 3), format_number(best, 3));
    t.title = fmt::format("Channel {} of {}, times 25, against times 1", salient, layer->name);
    t.quantity = "times what it was";
    t.values = {
        {"range", "range of its groups", 1 / 25.0, at25.group_range},
        {"channel_error", "channel's rounding error", {}, std::sqrt(at25.channel / once.channel)},
        {"output_error", "layer's output error", {}, std::sqrt(at25.output / once.output)}};
    t.origin = {Origin::Kind::measured_here, layer->name};
    Figure f;
    f.id = "factors";
    f.title = "Every factor, in 3 bits and groups of 32";
    f.alt_text =
        "Range of the groups, the channel's rounding error and the output error against "
        "the factor.";
    f.x = {.label = "factor", .scale = Scale::log10};
    f.y = {.label = "times what it was", .scale = Scale::log10};
    f.marks = {std::move(range), std::move(channel), std::move(output)};
    t.more = std::move(f);
    return t;
}

Tested gptq_without_elimination(const RunContext& context) {
    const auto layer = claim_layer(context);
    const LayerInput input = observe(layer->calibration.view());
    const double rtn =
        percent_error(*layer, settings_of(Method::rtn), input, layer->calibration.view());
    const double right =
        percent_error(*layer, settings_of(Method::gptq), input, layer->calibration.view());
    const double wrong =
        100 * error_of(*layer,
                       without_elimination(layer->weights.view(), full_inverse(input, 0.01).view()),
                       layer->calibration.view());
    Tested t;
    t.claim = "GPTQ may keep using the rows of one inverse of the Hessian.";
    t.verdict = fmt::format("Wrong: without elimination the output errs by {} %, with it by {} %.",
                            format_number(wrong, 3), format_number(right, 3));
    t.right = fmt::format(
        "Once a column is fixed it can make up for nothing any more, and the inverse of what is "
        "left is another matrix: the Cholesky factor holds all of them. Rounding to nearest errs "
        "by {} %.",
        format_number(rtn, 3));
    t.title = fmt::format("Output error of {} in 3 bits, calibration tokens", layer->name);
    t.quantity = "output error";
    t.unit = "%";
    t.values = {{"rtn", "rounded to nearest", {}, rtn},
                {"one_inverse", "one inverse for all", right, wrong},
                {"gptq", "GPTQ", {}, right}};
    t.origin = {Origin::Kind::measured_here, layer->name};
    t.equation = Equation{"w_{j} -= (w_{i} - q_{i}) / [H^{-1}]_{ii} × [H^{-1}]_{ij}",
                          "H loses row and column i before the next step",
                          "the step of the paper, and what the shortcut leaves out"};
    return t;
}

Tested fixed_damping(const RunContext& context) {
    const auto layer = claim_layer(context);
    const LayerInput input = observe(layer->calibration.view());
    double mean = 0;
    for (Index i = 0; i < input.gram.rows(); ++i) {
        mean += 2 * static_cast<double>(input.gram(i, i)) / static_cast<double>(input.gram.rows());
    }
    MethodSettings share = settings_of(Method::gptq), fixed = share;
    fixed.damping = 0.01 / mean;
    const double of_mean = percent_error(*layer, share, input, layer->unseen.view());
    const double of_fixed = percent_error(*layer, fixed, input, layer->unseen.view());
    Line curve{"unseen tokens", Role::subject, {}, {}, true};
    for (int i = 0; i <= 8; ++i) {
        context.check();
        MethodSettings s = share;
        s.damping = std::pow(10.0, -6 + 0.75 * i);
        curve.x.push_back(s.damping);
        curve.y.push_back(percent_error(*layer, s, input, layer->unseen.view()));
    }
    Tested t;
    t.claim = "Adding 0.01 to the diagonal is GPTQ's damping of 1 %.";
    t.verdict = fmt::format("Wrong: 1 % of this layer's mean diagonal is {}; 0.01 is {} % of it.",
                            format_number(0.01 * mean, 3), format_number(1 / mean, 2));
    t.right = fmt::format(
        "The diagonal grows with the tokens and with the size of the activations, so only a "
        "share of it means the same for every layer. On unseen tokens this layer errs by {} % "
        "with a share of 0.01 and by {} % with 0.01 itself.",
        format_number(of_mean, 3), format_number(of_fixed, 3));
    t.title = "What is added to the diagonal";
    t.quantity = "damping";
    t.values = {{"damping", "1 % of the mean diagonal", 0.01, 0.01 * mean}};
    t.origin = {Origin::Kind::measured_here, layer->name};
    Figure f;
    f.id = "damping";
    f.title = fmt::format("Output error of {} over the share", layer->name);
    f.alt_text =
        "The output error on unseen tokens against the damping as a share of the mean "
        "diagonal.";
    f.x = {.label = "damping, of the mean diagonal", .scale = Scale::log10};
    f.y = {.label = "output error", .unit = "%"};
    f.marks = {std::move(curve), Rule{"1 %", Role::reference, true, 0.01}};
    if (0.01 / mean > 1e-7) {
        f.marks.push_back(Rule{"0.01 itself", Role::limit, true, 0.01 / mean});
    }
    t.more = std::move(f);
    return t;
}

}  // namespace nibble::check_the_claim_lab
