// Verification on the processor with Highway, compiled once for each instruction set: two running
// sums over one row of each request, everything else is a handful of operations.
#include <algorithm>
#include <array>
#include <cmath>
#include <oneapi/tbb/parallel_for.h>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernels/sampling/grid.hpp"
#include "kernels/sampling/ops.hpp"

// Arrays of registers need a width known to the compiler; such machines have NEON too.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sampling/cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::CappedTag<double, 8>;
using Floats = hn::Rebind<float, Doubles>;
constexpr std::size_t width = hn::MaxLanes(Doubles{});

/// The weights of `width` tokens from v on; q may be null. Exact multiples of the grid.
HWY_INLINE hn::Vec<Doubles> weights_at(const float* p, const float* q, std::size_t v) {
    const Doubles d;
    const Floats f;
    auto excess = hn::PromoteTo(d, hn::LoadU(f, p + v));
    if (q != nullptr) {
        excess = hn::Max(hn::Sub(excess, hn::PromoteTo(d, hn::LoadU(f, q + v))), hn::Zero(d));
    }
    const auto large = hn::Set(d, grid_shift);
    return hn::Sub(hn::Add(excess, large), large);
}

/// The sum of weights of tokens [first, last). Exact, so its order is free.
double sum_of_weights(const float* p, const float* q, std::size_t first, std::size_t last) {
    const Doubles d;
    std::array<hn::Vec<Doubles>, 4> sums;
    sums.fill(hn::Zero(d));
    std::size_t v = first;
    for (; v + sums.size() * width <= last; v += sums.size() * width) {
        for (std::size_t k = 0; k < sums.size(); ++k) {
            sums[k] = hn::Add(sums[k], weights_at(p, q, v + k * width));
        }
    }
    double rest = 0;
    for (; v < last; ++v) {
        rest += weight_of(p, q, v);
    }
    const auto all = hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]));
    return rest + hn::GetLane(hn::SumOfLanes(d, all));
}

/// The smallest and the sum of a row of probabilities; NaN anywhere makes the sum NaN.
std::pair<float, double> smallest_and_sum(const float* row, std::size_t count) {
    const Doubles d;
    const Floats f;
    auto smallest = hn::Zero(f);
    auto sum = hn::Zero(d);
    std::size_t v = 0;
    for (; v + width <= count; v += width) {
        const auto values = hn::LoadU(f, row + v);
        smallest = hn::Min(smallest, values);
        sum = hn::Add(sum, hn::PromoteTo(d, values));
    }
    float least = hn::GetLane(hn::MinOfLanes(f, smallest));
    double total = hn::GetLane(hn::SumOfLanes(d, sum));
    for (; v < count; ++v) {
        least = std::min(least, row[v]);
        total += static_cast<double>(row[v]);
    }
    return {least, total};
}

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble::kernels {
namespace {

HWY_EXPORT(sum_of_weights);
HWY_EXPORT(smallest_and_sum);

/// Tokens whose sum is kept: the one drawn is looked for token by token in one such run only.
constexpr std::size_t run_tokens = 512;

[[noreturn]] void refuse(const std::string& what) {
    throw std::invalid_argument(what);
}

std::string at(std::size_t request, std::size_t position) {
    return " of request " + std::to_string(request) + ", position " + std::to_string(position);
}

void check_size(const char* name, std::size_t found, std::size_t expected) {
    if (found != expected) {
        refuse(std::string(name) + " holds " + std::to_string(found) + " values where " +
               std::to_string(expected) + " belong");
    }
}

/// The first probability that is none, found again for the message.
[[noreturn]] void refuse_row(const std::string& row, std::span<const float> p, double sum) {
    for (std::size_t v = 0; v < p.size(); ++v) {
        if (!(p[v] >= 0) || std::isinf(p[v])) {
            refuse(row + " gives token " + std::to_string(v) + " the probability " +
                   std::to_string(p[v]));
        }
    }
    refuse(row + " sums to " + std::to_string(sum) + " instead of 1");
}

void check_rows(const char* whose, const VerifyShape& shape, std::size_t positions,
                std::span<const float> rows) {
    for (std::size_t i = 0; i < shape.requests * positions; ++i) {
        const auto row = rows.subspan(i * shape.vocabulary, shape.vocabulary);
        const auto [smallest, sum] = HWY_DYNAMIC_DISPATCH(smallest_and_sum)(row.data(), row.size());
        if (!(smallest >= 0) || !(std::fabs(sum - 1) <= probability_slack)) {
            refuse_row(whose + at(i / positions, i % positions), row, sum);
        }
    }
}

void check_tokens(const VerifyShape& shape, const VerifyInput& input) {
    for (std::size_t i = 0; i < shape.drafted(); ++i) {
        const std::int32_t token = input.tokens[i];
        const std::string where = at(i / shape.drafts, i % shape.drafts);
        if (token < 0 || static_cast<std::size_t>(token) >= shape.vocabulary) {
            refuse("the drafted token" + where + " is " + std::to_string(token) +
                   ", outside the vocabulary of " + std::to_string(shape.vocabulary));
        }
        if (input.draft[i * shape.vocabulary + static_cast<std::size_t>(token)] == 0) {
            refuse("the drafted token " + std::to_string(token) + where +
                   " has probability 0 in the draft, which cannot have drawn it");
        }
    }
}

/// The first token whose running sum exceeds u times the sum of all.
std::int32_t draw(const float* p, const float* q, std::size_t vocabulary, float u) {
    std::vector<double> runs;
    double total = 0;
    for (std::size_t first = 0; first < vocabulary; first += run_tokens) {
        const std::size_t last = std::min(first + run_tokens, vocabulary);
        runs.push_back(HWY_DYNAMIC_DISPATCH(sum_of_weights)(p, q, first, last));
        total += runs.back();
    }
    if (total == 0) {  // nothing is left of the residual
        return draw(p, nullptr, vocabulary, u);
    }
    const double threshold = static_cast<double>(u) * total;
    double sum = 0;
    std::size_t run = 0;
    while (sum + runs[run] <= threshold) {
        sum += runs[run++];
    }
    std::size_t v = run * run_tokens;
    while ((sum += weight_of(p, q, v)) <= threshold) {
        ++v;
    }
    return static_cast<std::int32_t>(v);
}

void decide(const VerifyShape& shape, const VerifyInput& in, const VerifyOutput& out,
            std::size_t request) {
    const std::size_t vocabulary = shape.vocabulary, drafts = shape.drafts;
    const float* const target = in.target.data() + request * (drafts + 1) * vocabulary;
    const float* const draft = in.draft.data() + request * drafts * vocabulary;
    const std::int32_t* const tokens = in.tokens.data() + request * drafts;
    const float* const uniforms = in.uniforms.data() + request * (drafts + 1);
    std::size_t kept = 0;
    for (; kept < drafts; ++kept) {
        const std::size_t cell = kept * vocabulary + static_cast<std::size_t>(tokens[kept]);
        if (!accepts(uniforms[kept], target[cell], draft[cell])) {
            break;
        }
    }
    out.accepted[request] = static_cast<std::int32_t>(kept);
    const float* const q = kept < drafts ? draft + kept * vocabulary : nullptr;
    out.next[request] = draw(target + kept * vocabulary, q, vocabulary, uniforms[drafts]);
}

}  // namespace

void check_verification(const VerifyShape& shape, const VerifyInput& input) {
    if (shape.vocabulary == 0) {
        refuse("the vocabulary is empty");
    }
    check_size("target", input.target.size(), shape.positions() * shape.vocabulary);
    check_size("draft", input.draft.size(), shape.drafted() * shape.vocabulary);
    check_size("tokens", input.tokens.size(), shape.drafted());
    check_size("uniforms", input.uniforms.size(), shape.positions());
    check_rows("the target", shape, shape.drafts + 1, input.target);
    check_rows("the draft", shape, shape.drafts, input.draft);
    check_tokens(shape, input);
    for (std::size_t i = 0; i < input.uniforms.size(); ++i) {
        if (!(input.uniforms[i] >= 0 && input.uniforms[i] < 1)) {
            refuse("the uniform number" + at(i / (shape.drafts + 1), i % (shape.drafts + 1)) +
                   " is " + std::to_string(input.uniforms[i]) + ", outside [0, 1)");
        }
    }
}

void verify_drafts(const VerifyShape& shape, const VerifyInput& input, const VerifyOutput& output) {
    check_verification(shape, input);
    check_size("accepted", output.accepted.size(), shape.requests);
    check_size("next", output.next.size(), shape.requests);
    verify_checked_drafts(shape, input, output);
}

void verify_checked_drafts(const VerifyShape& shape, const VerifyInput& input,
                           const VerifyOutput& output) {
    oneapi::tbb::parallel_for(std::size_t{0}, shape.requests,
                              [&](std::size_t request) { decide(shape, input, output, request); });
}

}  // namespace nibble::kernels
#endif
