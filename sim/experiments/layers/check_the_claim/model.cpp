// Claims about whole models: which tokens a perplexity counts, and what fewer bits are worth in
// time.
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/layers/check_the_claim/claims.hpp"
#include "sim/model/evaluate.hpp"
#include "sim/model/loaded_model.hpp"
#include "sim/roofline/catalogue.hpp"
#include "sim/roofline/roofline.hpp"

namespace nibble::check_the_claim_lab {
namespace {

constexpr std::size_t window = 64;
constexpr std::uint64_t documents = 12;

}  // namespace

Tested last_token_perplexity(const RunContext& context) {
    const auto loaded = loaded_model("target", context);
    std::vector<TokenIds> windows;
    for (std::uint64_t i = 0; i < documents; ++i) {
        context.check();
        const TokenIds ids =
            tokens_of(make_document(context.seed, Split::validation,
                                    all_domains[i % all_domains.size()], i / all_domains.size()),
                      loaded->files->needed_tokenizer(), loaded->model.config);
        for (std::size_t begin = 0; begin + window <= ids.size(); begin += window) {
            windows.emplace_back(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                                 ids.begin() + static_cast<std::ptrdiff_t>(begin + window));
        }
    }
    const Score all = score(loaded->model, windows, {}, context.stop);
    std::vector<double> by_place(window - 1, 0);
    for (std::size_t i = 0; i < all.losses.size(); ++i) {
        by_place[i % (window - 1)] +=
            static_cast<double>(all.losses[i]) / static_cast<double>(windows.size());
    }
    const double last = std::exp(by_place.back());
    Line curve{"mean loss at this place", Role::subject, {}, by_place};
    for (std::size_t i = 0; i < by_place.size(); ++i) {
        curve.x.push_back(static_cast<double>(i + 2));
    }
    Tested t;
    t.claim = "The loss of the last token of every window gives the perplexity.";
    t.verdict = fmt::format("Wrong: the last tokens give {}, all predicted tokens {}.",
                            format_number(last, 4), format_number(all.perplexity(), 4));
    t.right = fmt::format(
        "{} windows of {} tokens. The last token has the longest context and is one in {}: it is "
        "another quantity, and {} times as few samples of it.",
        windows.size(), window, window - 1, window - 1);
    t.title = "Perplexity of the shipped model on its validation text";
    t.quantity = "perplexity";
    t.values = {{"perplexity", "every predicted token", last, all.perplexity()}};
    t.origin = {Origin::Kind::measured_here, loaded->name};
    t.equation = Equation{"exp(Σ loss / tokens)",
                          fmt::format("exp({} / {}) = {}", format_number(all.nats, 5), all.tokens,
                                      format_number(all.perplexity(), 4)),
                          ""};
    Figure f;
    f.id = "places";
    f.title = "Loss by place in the window";
    f.alt_text = "Mean loss against the place of the token in its window.";
    f.x = {.label = "place in the window"};
    f.y = {.label = "loss", .unit = "nats"};
    f.marks = {std::move(curve), Rule{"mean", Role::reference, false, all.loss()}};
    t.more = std::move(f);
    return t;
}

Tested four_times_faster(const RunContext& context) {
    const ModelShape& model = catalogue().model("llama-2-7b");
    const DeviceSheet& device = catalogue().device("a100-80gb-sxm");
    const Machine machine = machine_of(device);
    const auto speed_up = [&](std::int64_t batch, std::int64_t tokens) {
        context.check();
        const auto step = [&](double bits) {
            return ideal_step(model,
                              {Phase::decode, batch, tokens, 0, 1, Precision{bits, 16, 16, 128, 0}},
                              machine)
                .seconds;
        };
        return ratio(step(16), step(4));
    };
    constexpr std::int64_t tokens = 1024;
    Line curve{"4-bit over 16-bit weights", Role::subject, {}, {}, true};
    for (std::int64_t batch = 1; batch <= 1024; batch *= 2) {
        curve.x.push_back(static_cast<double>(batch));
        curve.y.push_back(speed_up(batch, tokens));
    }
    Tested t;
    t.claim = "INT4 weights make a model four times as fast.";
    t.verdict =
        fmt::format("Only at best: {} times as fast for one request, {} times for 64 of them.",
                    format_number(speed_up(1, tokens), 3), format_number(speed_up(64, tokens), 3));
    t.right = fmt::format(
        "{} on {}, {} tokens of context, by the ideal roofline. Only the weights are read in fewer "
        "bits: the scales, the cache of every request and the arithmetic stay, and real kernels "
        "stay below the roof.",
        model.name, device.name, tokens);
    t.title = "How many times as fast a decode step is";
    t.quantity = "speed-up";
    t.unit = "x";
    t.values = {{"batch_1", "1 request", 4.0, speed_up(1, tokens)},
                {"batch_16", "16 requests", 4.0, speed_up(16, tokens)},
                {"batch_64", "64 requests", 4.0, speed_up(64, tokens)},
                {"batch_256", "256 requests", 4.0, speed_up(256, tokens)}};
    t.origin = {Origin::Kind::computed, ""};
    Figure f;
    f.id = "batches";
    f.title = "Speed-up over requests at once";
    f.alt_text = "The speed-up of 4-bit weights falls as more requests share a step.";
    f.x = {.label = "requests at once", .scale = Scale::log2};
    f.y = {.label = "speed-up", .unit = "x", .limits = {{0, 4.2}}};
    f.marks = {std::move(curve), Rule{"the claim", Role::baseline, false, 4}};
    t.more = std::move(f);
    return t;
}

}  // namespace nibble::check_the_claim_lab
