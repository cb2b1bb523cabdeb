// Claims that counting settles: bits of scales, levels of a grid, bytes of a block, a baseline.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "kernels/quantize/packed.hpp"
#include "sim/core/text.hpp"
#include "sim/experiments/layers/check_the_claim/claims.hpp"
#include "sim/quant/layer_methods.hpp"
#include "sim/quant/published_perplexity.hpp"

namespace nibble::check_the_claim_lab {
namespace {

constexpr double seventy_billion = 70e9;
constexpr Index sample_rows = 256, sample_cols = 1024;

Matrix<float> normal_matrix(const RunContext& context) {
    Matrix<float> w(sample_rows, sample_cols);
    const Rng rng = context.rng("claim weights");
    std::vector<float>& values = w.values();
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<float>(rng.normal(i));
    }
    return w;
}

double nf4_bits(const Matrix<float>& weights, bool double_quant) {
    MethodSettings settings = defaults_of(Method::nf4);
    settings.double_quant = double_quant;
    return quantize_layer(settings, weights.view(), nullptr).bits_per_weight();
}

/// The largest error of any value of -2.5 .. 2.5 on 16 levels from -2.5 on.
double largest_error(double step) {
    double largest = 0;
    for (int i = 0; i <= 5000; ++i) {
        const double x = -2.5 + i / 1000.0;
        const double code = std::clamp(std::nearbyint((x + 2.5) / step), 0.0, 15.0);
        largest = std::max(largest, std::abs(code * step - 2.5 - x));
    }
    return largest;
}

}  // namespace

Tested double_quantization(const RunContext& context) {
    const Matrix<float> weights = normal_matrix(context);
    const double plain = nf4_bits(weights, false) - 4, doubled = nf4_bits(weights, true) - 4;
    const double saved_gb = (plain - doubled) * seventy_billion / 8 / 1e9;
    Tested t;
    t.claim = "Double quantization lowers the overhead of NF4 from 0.5 to 0.37 bits a weight.";
    t.verdict = fmt::format("Wrong: {} bits is what it saves; {} remain.",
                            format_number(plain - doubled, 3), format_number(doubled, 3));
    t.right = fmt::format(
        "{} weights were quantized and what is stored was counted: one FP32 scale a block of 64 "
        "is {} bits; eight bits a scale and one FP32 for every 256 scales are {}. At 70e9 weights "
        "the difference is {} GB.",
        format_count(sample_rows * sample_cols), format_number(plain, 3), format_number(doubled, 3),
        format_number(saved_gb, 3));
    t.title = "Bits a weight beyond the four of the code";
    t.quantity = "overhead";
    t.unit = "bits";
    t.values = {{"plain", "one FP32 scale a block", 0.5, plain},
                {"doubled", "double-quantized", 0.37, doubled},
                {"saved", "saved", 0.13, plain - doubled}};
    t.origin = {Origin::Kind::measured_here, "stored bits of an NF4 matrix"};
    t.equation = Equation{"8 / 64 + 32 / (64 × 256)",
                          fmt::format("= {} bits", format_number(8 / 64.0 + 32 / 16384.0, 4)),
                          "without the one FP32 mean of the whole matrix"};
    return t;
}

Tested sixteen_levels(const RunContext&) {
    const double right = largest_error(5.0 / 15), wrong = largest_error(5.0 / 16);
    Tested t;
    t.claim = "Sixteen levels over -2.5 to 2.5 are 5/16 apart.";
    t.verdict = fmt::format(
        "Wrong: sixteen levels have fifteen gaps of {}; with 5/16 the last level is {}.",
        format_number(5.0 / 15, 3), format_number(15 * 5.0 / 16 - 2.5, 4));
    t.right = fmt::format(
        "Of all values in the range none errs by more than {} on levels 5/15 apart; on levels 5/16 "
        "apart 2.5 itself comes back as {} and errs by {}. b bits make 2^b levels and 2^b - 1 "
        "gaps.",
        format_number(right, 3), format_number(15 * 5.0 / 16 - 2.5, 4), format_number(wrong, 3));
    t.title = "Levels 5/16 and 5/15 apart";
    t.quantity = "value";
    t.values = {{"gap", "gap", 5.0 / 16, 5.0 / 15},
                {"last_level", "last level", 15 * 5.0 / 16 - 2.5, 2.5},
                {"largest_error", "largest error", wrong, right}};
    t.origin = {Origin::Kind::computed, ""};
    Ticks claimed{"5/16 apart", Role::baseline, true, {}, 0.45, 0},
        found{"5/15 apart", Role::subject, true, {}, 0.45, 0.52};
    for (int code = 0; code < 16; ++code) {
        claimed.at.push_back(code * 5.0 / 16 - 2.5);
        found.at.push_back(code * 5.0 / 15 - 2.5);
    }
    Figure f;
    f.id = "levels";
    f.title = "The levels";
    f.alt_text = "Two rows of ticks: sixteen levels 5/16 apart end short of 2.5.";
    f.x = {.label = "value", .limits = {{-2.7, 2.7}}};
    f.y = {.limits = {{0, 1}}, .hidden = true};
    f.marks = {std::move(claimed), std::move(found), Rule{"2.5", Role::limit, true, 2.5}};
    t.more = std::move(f);
    return t;
}

Tested block_formats(const RunContext&) {
    const auto bits = [](kernels::PackedFormat format) {
        return kernels::layout(format).bits_per_weight();
    };
    const double q8 = bits(kernels::PackedFormat::q8_0), q4 = bits(kernels::PackedFormat::q4_0),
                 q2k = bits(kernels::PackedFormat::q2_k);
    Tested t;
    t.claim = "Q8_0 is 8.0 bits a weight, Q4_0 is 4.0, Q2_K is 2.5.";
    t.verdict = fmt::format("Wrong: with their scales they take {}, {} and {} bits.",
                            format_number(q8, 4), format_number(q4, 4), format_number(q2k, 4));
    t.right =
        "A block of 32 carries a binary16 scale, half a bit a weight. Q2_K's super-block of "
        "256 weights is 64 bytes of codes, 16 of scales and minima and 4 of two binary16.";
    t.title = "Bits a weight, everything that is stored counted";
    t.quantity = "storage";
    t.unit = "bits";
    t.values = {{"q8_0", "Q8_0", 8.0, q8}, {"q4_0", "Q4_0", 4.0, q4}, {"q2_k", "Q2_K", 2.5, q2k}};
    t.origin = {Origin::Kind::computed, ""};
    return t;
}

Tested wrong_baseline(const RunContext&) {
    const auto loss = [](const PublishedPerplexity& q, const PublishedPerplexity& from) {
        return 100 * (q.perplexity / from.perplexity - 1);
    };
    const PublishedPerplexities& printed = published_perplexity();
    const PublishedPerplexity& first_llama = printed.of("llama-7b", "fp16", 16);
    const PublishedPerplexity& llama_2 = printed.of("llama-2-7b", "fp16", 16);
    const PublishedPerplexity& rtn3 = printed.of("llama-2-7b", "rtn", 3);
    const PublishedPerplexity& awq3 = printed.of("llama-2-7b", "awq", 3);
    Tested t;
    t.claim = "INT3 on Llama 2 7B starts from a perplexity of 5.68 in 16 bits.";
    t.verdict = fmt::format("Wrong: {} is the first Llama's; Llama 2 7B starts from {}.",
                            first_llama.perplexity, llama_2.perplexity);
    t.right = fmt::format(
        "Held against the wrong one, 3-bit weights look cheaper than they are: rounding to "
        "nearest costs {} %, not {} %, AWQ {} %, not {} %.",
        format_number(loss(rtn3, llama_2), 3), format_number(loss(rtn3, first_llama), 3),
        format_number(loss(awq3, llama_2), 3), format_number(loss(awq3, first_llama), 3));
    t.title = "What 3 bits cost Llama 2 7B, groups of 128";
    t.quantity = "perplexity added";
    t.unit = "%";
    t.values = {{"rtn_added", "rounded to nearest", loss(rtn3, first_llama), loss(rtn3, llama_2)},
                {"awq_added", "AWQ", loss(awq3, first_llama), loss(awq3, llama_2)}};
    t.origin = {Origin::Kind::published, printed.source};
    return t;
}

}  // namespace nibble::check_the_claim_lab
