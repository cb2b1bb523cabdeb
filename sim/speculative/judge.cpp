#include "sim/speculative/judge.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

#include "kernels/sampling/ops.hpp"

namespace nibble {
namespace {

/// The largest float below 1: a double just below 1 must not round up to it.
const float below_one = std::nextafter(1.0F, 0.0F);

void append(std::vector<float>& rows, const Distribution& p) {
    for (const double x : p) {
        rows.push_back(static_cast<float>(x));
    }
}

void add(Walk& out, const Distribution& p, std::int32_t token) {
    out.tokens.push_back(token);
    out.probabilities.push_back(p[static_cast<std::size_t>(token)]);
}

}  // namespace

Walk judge_tree(const DraftTree& tree, std::span<const Distribution> p,
                std::span<const double> accept, double own, SpeculationRule rule, double extra) {
    NIBBLE_ASSERT(p.size() == tree.size() + 1, "the target answers behind every token");
    Walk out;
    for (Index node = -1;;) {
        const Distribution& here = p[static_cast<std::size_t>(node + 1)];
        std::vector<Proposal> children;
        std::vector<Index> nodes;
        std::vector<double> uniform;
        for (std::size_t i = 0; i < tree.size(); ++i) {
            if (tree.parents[i] == node) {
                children.push_back({tree.ids[i], tree.q[i]});
                nodes.push_back(static_cast<Index>(i));
                uniform.push_back(accept[i]);
            }
        }
        if (children.empty()) {
            add(out, here, bonus_token(here, own, rule));
            return out;
        }
        const Settled settled = settle(here, children, uniform, own, rule);
        add(out, here, settled.token);
        if (settled.accepted < 0) {
            out.corrected = true;
            const bool last_level = nodes.back() + 1 == static_cast<Index>(tree.size());
            if (rule == SpeculationRule::bonus_after_rejection && last_level) {
                const Distribution& wrong = p[static_cast<std::size_t>(nodes.back() + 1)];
                add(out, wrong, draw(wrong, extra));
            }
            return out;
        }
        node = nodes[static_cast<std::size_t>(settled.accepted)];
        out.path.push_back(node);
    }
}

Walk judge_chain(const DraftTree& chain, std::span<const Distribution> p,
                 std::span<const double> accept, double own) {
    const std::size_t drafts = chain.size(), vocab = p[0].size();
    NIBBLE_ASSERT(p.size() == drafts + 1, "the target answers behind every token");
    std::vector<float> target, draft, uniform;
    for (const Distribution& row : p) {
        append(target, row);
    }
    for (const Distribution& row : chain.q) {
        if (row.size() != vocab) {
            throw Error(Error::Code::bad_param,
                        fmt::format("the draft knows {} tokens, the target {}", row.size(), vocab),
                        "both need the same vocabulary");
        }
        append(draft, row);
    }
    for (std::size_t i = 0; i <= drafts; ++i) {
        uniform.push_back(std::min(below_one, static_cast<float>(i < drafts ? accept[i] : own)));
    }
    std::int32_t accepted = 0, next = 0;
    try {
        kernels::verify_drafts({1, drafts, vocab}, {target, draft, chain.ids, uniform},
                               {std::span(&accepted, 1), std::span(&next, 1)});
    } catch (const std::invalid_argument& refused) {
        throw Error(Error::Code::bad_param, refused.what(),
                    "the draft passes the distribution that each token was drawn from");
    }
    Walk out;
    for (std::int32_t i = 0; i < accepted; ++i) {
        out.path.push_back(i);
        add(out, p[static_cast<std::size_t>(i)], chain.ids[static_cast<std::size_t>(i)]);
    }
    add(out, p[static_cast<std::size_t>(accepted)], next);
    out.corrected = static_cast<std::size_t>(accepted) < drafts;
    return out;
}

}  // namespace nibble
