// The ladder of family `sampling`.
#include <algorithm>
#include <cmath>

#include "kernels/families.hpp"
#include "kernels/jobs.hpp"
#include "kernels/sampling/grid.hpp"
#include "kernels/sampling/ops.hpp"

namespace nibble::kernels {
namespace {

VerifyShape shape_of(const Job& job) {
    return {job.rows, ladder_drafts, job.columns};
}

std::vector<BufferInfo> verify_buffers(const Job& job) {
    const VerifyShape shape = shape_of(job);
    return {{"target", shape.positions() * shape.vocabulary * 4, 4, true},
            {"draft", shape.drafted() * shape.vocabulary * 4, 4, true},
            {"tokens", shape.drafted() * 4, 4, true},
            {"uniforms", shape.positions() * 4, 4, true},
            {"accepted", shape.requests * 4, 4},
            {"next", shape.requests * 4, 4}};
}

VerifyInput input_of(const VerifyShape& shape, Buffers b) {
    return {{host_buffer<const float>(b, 0), shape.positions() * shape.vocabulary},
            {host_buffer<const float>(b, 1), shape.drafted() * shape.vocabulary},
            {host_buffer<const std::int32_t>(b, 2), shape.drafted()},
            {host_buffer<const float>(b, 3), shape.positions()}};
}

/// Logits out of whatever the weights are.
double logit(float weight) {
    return std::isfinite(weight) ? std::clamp(50.0 * static_cast<double>(weight), -8.0, 8.0) : 0.0;
}

/// The softmax of logits made of a row of weights, turned round by `shift`; `wave` keeps two such
/// rows apart when all weights are equal.
void store_probabilities(std::span<const float> weights, std::size_t shift, double wave,
                         float* row) {
    double sum = 0;
    for (std::size_t v = 0; v < weights.size(); ++v) {
        const double e = std::exp(logit(weights[(v + shift) % weights.size()]) +
                                  wave * std::cos(static_cast<double>(v + shift)));
        row[v] = static_cast<float>(e);
        sum += e;
    }
    for (std::size_t v = 0; v < weights.size(); ++v) {
        row[v] = static_cast<float>(static_cast<double>(row[v]) / sum);
    }
}

/// The token of which p says most beyond q; of which q says most beyond p.
std::int32_t furthest(const float* from, const float* to, std::size_t vocabulary) {
    std::size_t best = 0;
    for (std::size_t v = 1; v < vocabulary; ++v) {
        best = from[v] - to[v] > from[best] - to[best] ? v : best;
    }
    return static_cast<std::int32_t>(best);
}

/// Request r loses its draft r mod K, so that each of them draws from a residual.
void prepare_verify(const Job& job, std::span<const float> weights, Buffers b) {
    const VerifyShape shape = shape_of(job);
    const std::size_t vocabulary = shape.vocabulary, drafts = shape.drafts;
    constexpr float almost_one = 0x0.ffffffp0F;
    for (std::size_t r = 0; r < shape.requests; ++r) {
        const auto of_request = weights.subspan(r * vocabulary, vocabulary);
        float* const target = host_buffer<float>(b, 0) + r * (drafts + 1) * vocabulary;
        float* const draft = host_buffer<float>(b, 1) + r * drafts * vocabulary;
        float* const uniforms = host_buffer<float>(b, 3) + r * (drafts + 1);
        for (std::size_t i = 0; i <= drafts; ++i) {
            float* const p = target + i * vocabulary;
            store_probabilities(of_request, i, 1.0, p);
            if (i == drafts) {
                break;
            }
            float* const q = draft + i * vocabulary;
            store_probabilities(of_request, i + 1, 0.5, q);
            const bool falls = r % drafts == i;
            host_buffer<std::int32_t>(b, 2)[r * drafts + i] =
                falls ? furthest(q, p, vocabulary) : furthest(p, q, vocabulary);
            uniforms[i] = falls ? almost_one : 0.5F;
        }
        // evenly spread over the rows, in 24 bits (Weyl 1916)
        const auto turn = static_cast<std::uint32_t>((r + 1) * 2654435769U);
        uniforms[drafts] = static_cast<float>(turn >> 8U) * 0x1p-24F;
    }
}

Ladder verify_ladder() {
    Ladder l;
    l.id = "verify-drafts";
    l.family = "sampling";
    l.title = "Verification of drafted tokens";
    l.does =
        "A row is a request with 4 drafted tokens: how many stand, and the token that follows them, "
        "drawn from what the target has more than the draft.";
    l.example = {16, 512, 0};
    l.buffers = verify_buffers;
    l.prepare = prepare_verify;
    l.cpu = [](const Job& job, Buffers b) {
        const VerifyShape shape = shape_of(job);
        verify_checked_drafts(shape, input_of(shape, b),
                              {{host_buffer<std::int32_t>(b, 4), shape.requests},
                               {host_buffer<std::int32_t>(b, 5), shape.requests}});
    };
    // Of a request one row of p and of q, where a draft fell; a token, a uniform number and a word
    // of p and of q for each draft; the uniform number that draws; two results.
    l.bytes = [](const Job& job) {
        return static_cast<double>(job.rows) *
               (8.0 * static_cast<double>(job.columns) + 16.0 * ladder_drafts + 12.0);
    };
    // a subtraction, a maximum, two roundings to the grid and an addition for each weight
    l.flops = [](const Job& job) { return 5.0 * static_cast<double>(job.values()); };
    l.check = check_floats;
    l.tolerance_reason =
        "Weights are multiples of 2^-50, so sums are exact in any order and all draw the same "
        "token.";
    l.rungs = join_rungs("kernels/sampling/verify.cuh", emulated::verify_drafts_rows(),
                         NIBBLE_CUDA_ROWS(verify_drafts_rows()));
    return l;
}

}  // namespace

void add_sampling_ladders(std::vector<Ladder>& list) {
    list.push_back(verify_ladder());
}

}  // namespace nibble::kernels
