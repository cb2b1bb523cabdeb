// The caches of the radix cache lab beside each other, request by request.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/arithmetic.hpp"
#include "sim/experiments/kvcache/radix_cache/data.hpp"

namespace nibble::radix_cache_lab {
namespace {

constexpr std::size_t most_points = 1000;

/// One point a request, or at most most_points of them, the last among them.
template <class Value>
Line line_of(const Data& d, std::string name, Role role, Value value) {
    Line line{std::move(name), role, {}, {}};
    const std::size_t count = d.count(), every = ceil_div(count, most_points);
    for (std::size_t k = 1; k <= count; ++k) {
        const double y = value(k);  // called for every step: it may add up
        if (k % every == 0 || k == count) {
            line.x.push_back(static_cast<double>(k));
            line.y.push_back(y);
        }
    }
    return line;
}

Axis request_axis(const Data& d) {
    Axis x;
    x.label = "requests entered";
    x.limits = std::pair(1.0, std::max(2.0, static_cast<double>(d.count())));
    return x;
}

/// Running sums of prompt and reused tokens.
struct Sum {
    const Data* d;
    const ReuseReplay* replay;
    std::int64_t prompt = 0, reused = 0;

    void add(std::size_t step) {
        const ReuseStep& s = replay->steps[step - 1];
        prompt += d->request(s.request).prompt;
        reused += s.entered.reused;
    }
};

Rule now(std::size_t step) {
    return {"", Role::muted, true, static_cast<double>(step)};
}

std::string blocks_name(const Data& d) {
    return fmt::format("blocks of {}", d.block_size);
}

}  // namespace

Figure hit_rate_figure(const Data& d, std::size_t step) {
    Figure f;
    f.id = "hit-rate";
    f.title = "Prompt found so far";
    f.alt_text =
        "Found over all prompt tokens against the requests that have entered: tree, prefix "
        "blocks, and a tree with room for everything.";
    f.x = request_axis(d);
    f.y = {.label = "hit rate"};
    f.y.style = NumberStyle::percent;
    f.y.limits = std::pair(0.0, 1.0);
    const auto rate = [&](std::string name, Role role, const ReuseReplay& replay) {
        return line_of(d, std::move(name), role, [sum = Sum{&d, &replay}](std::size_t k) mutable {
            sum.add(k);
            return static_cast<double>(sum.reused) / static_cast<double>(sum.prompt);
        });
    };
    f.marks.emplace_back(rate("room for all", Role::reference, d.unlimited));
    f.marks.emplace_back(rate(blocks_name(d), Role::baseline, d.blocks));
    f.marks.emplace_back(rate("tree", Role::subject, d.tree));
    f.marks.emplace_back(now(step));
    return f;
}

Figure computed_figure(const Data& d, std::size_t step) {
    Figure f;
    f.id = "computed-tokens";
    f.title = "Prompt computed so far";
    f.alt_text =
        "Prompt tokens that had to be computed against the requests that have entered: without "
        "reuse, with prefix blocks, with the tree.";
    f.x = request_axis(d);
    f.y = {.label = "tokens"};
    f.y.style = NumberStyle::si;
    const auto computed = [&](std::string name, Role role, const ReuseReplay& replay) {
        return line_of(d, std::move(name), role, [sum = Sum{&d, &replay}](std::size_t k) mutable {
            sum.add(k);
            return static_cast<double>(sum.prompt - sum.reused);
        });
    };
    f.marks.emplace_back(computed("no reuse", category(7), d.none));
    f.marks.emplace_back(computed(blocks_name(d), Role::baseline, d.blocks));
    f.marks.emplace_back(computed("tree", Role::subject, d.tree));
    f.marks.emplace_back(now(step));
    return f;
}

Figure size_figure(const Data& d, std::size_t step) {
    Figure f;
    f.id = "size";
    f.title = "Tokens in the tree";
    f.alt_text =
        "Tokens stored in the tree and of these in use by running requests, against the requests "
        "that have entered, below the capacity.";
    f.x = request_axis(d);
    f.y = {.label = "tokens"};
    f.y.style = NumberStyle::si;
    f.y.limits = std::pair(0.0, 1.12 * static_cast<double>(d.capacity));
    const auto stored = [&](std::size_t k) { return static_cast<double>(d.step(k).stored); };
    const auto used = [&](std::size_t k) { return static_cast<double>(d.step(k).in_use); };
    f.marks.emplace_back(line_of(d, "stored", Role::subject, stored));
    f.marks.emplace_back(line_of(d, "in use", used_role, used));
    f.marks.emplace_back(Rule{"capacity", Role::limit, false, static_cast<double>(d.capacity)});
    f.marks.emplace_back(now(step));
    return f;
}

}  // namespace nibble::radix_cache_lab
