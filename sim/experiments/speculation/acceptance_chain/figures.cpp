// The pictures of the acceptance chain lab.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/speculation/acceptance_chain/data.hpp"
#include "sim/speculative/closed_forms.hpp"

namespace nibble::acceptance_chain_lab {
namespace {

constexpr int drawn_drafts = 10;  // of the tree; longer chains are drawn up to there

/// Where the chain stands after the `shown` tokens: the place last settled, or none yet.
struct Front {
    int place = -1;
    bool drafted = false;
};

Front front_of(const std::vector<Fallen>& tokens, int shown) {
    if (shown == 0) {
        return {};
    }
    const Fallen& last = tokens[static_cast<std::size_t>(shown) - 1];
    return {last.place, last.drafted};
}

Figure tree_figure(const Data& d, const std::vector<Fallen>& tokens, int shown) {
    const Settings& s = d.settings;
    Figure f;
    f.id = "chain";
    const int levels = std::min(s.k, drawn_drafts);
    const std::string go = format_number(s.alpha, 2), stop = format_number(1 - s.alpha, 2);
    f.title =
        levels < s.k
            ? fmt::format("One target step: the first {} of {} drafts; each passes with {}", levels,
                          s.k, go)
            : fmt::format("One target step: where the chain ends; each draft passes with {}", go);
    f.alt_text =
        "A tree: after each draft the chain goes on with chance alpha or ends with a "
        "correction; at the end of the chain stands a bonus token.";
    f.x.hidden = f.y.hidden = true;
    const std::vector<double> share = accepted_distribution(s.alpha, s.k);
    const Front front = front_of(tokens, shown);
    Tree tree;
    std::vector<Tree::Node> ends;  // after the drafts, so that these stand above them
    int parent = -1;
    for (int i = 0; i < levels; ++i) {
        const bool passed = front.place > i || (front.place == i && front.drafted);
        const bool ended = front.place == i && !front.drafted;
        tree.nodes.push_back(
            {parent, std::to_string(i + 1), i > 0 ? go : "", passed ? Role::subject : Role::muted});
        parent = static_cast<int>(tree.nodes.size()) - 1;
        ends.push_back({parent, fmt::format("{:.2f}", share[static_cast<std::size_t>(i)]), stop,
                        ended ? Role::limit : Role::muted});
    }
    tree.nodes.push_back(levels == s.k
                             ? Tree::Node{parent, fmt::format("{:.2f}", share.back()), go,
                                          front.place == s.k ? category(2) : Role::muted}
                             : Tree::Node{parent, fmt::format("… {}", s.k), go,
                                          front.place >= levels ? Role::subject : Role::muted});
    tree.nodes.insert(tree.nodes.end(), ends.begin(), ends.end());
    f.marks.emplace_back(std::move(tree));
    f.width = 1.7;
    return f;
}

/// One row a target step: accepted drafts, the token of the target, drafts thrown away.
Figure falling_figure(const Data& d, const std::vector<Fallen>& tokens, int shown) {
    const int k = d.settings.k;
    Figure f;
    f.id = "falling";
    f.alt_text =
        "Rows of cells, one a target step: accepted drafts, then the correction or the bonus, "
        "then the drafts that were thrown away.";
    f.x.hidden = f.y.hidden = true;
    Cells cells;
    cells.columns = k + 1;
    cells.stretch = 3;
    cells.items.assign(static_cast<std::size_t>(shown_steps * (k + 1)),
                       {Role::muted, 0, "", "not yet", true});
    for (int i = 0; i < shown_steps; ++i) {
        cells.row_names.push_back(std::to_string(i + 1));
    }
    const auto cell = [&](int step, int place) -> Cells::Item& {
        return cells.items[static_cast<std::size_t>(step * (k + 1) + place)];
    };
    int steps = 0;
    for (int i = 0; i < shown; ++i) {
        const Fallen& t = tokens[static_cast<std::size_t>(i)];
        steps = t.step + 1;
        if (t.drafted) {
            cell(t.step, t.place) = {Role::subject, 1, "", "draft, accepted"};
        } else if (t.place == k) {
            cell(t.step, t.place) = {category(2), 1, "+", "bonus of the target"};
        } else {
            cell(t.step, t.place) = {Role::limit, 1, "!", "rejected, corrected by the target"};
            for (int rest = t.place + 1; rest < k; ++rest) {
                cell(t.step, rest) = {Role::muted, 1, "", "draft, thrown away"};
            }
        }
    }
    f.title =
        fmt::format("{} tokens after {} target {}", shown, steps, steps == 1 ? "step" : "steps");
    f.footnote = "! corrected, + bonus";
    f.marks.emplace_back(std::move(cells));
    return f;
}

Figure by_drafts_figure(const Data& d) {
    const Settings& s = d.settings;
    Figure f;
    f.id = "by-drafts";
    f.title = d.best_k > 0 ? fmt::format("Fastest: K = {}", d.best_k) : "No draft pays";
    f.alt_text =
        "Tokens of a target step and the wall-time factor against the number of drafts, "
        "with the best number marked.";
    const int last = std::max({16, s.k + 2, std::min(d.best_k + 4, most_drafts)});
    f.x = {.label = "drafts K", .limits = std::pair(0.0, double(last))};
    f.y = {.label = "tokens, times"};
    Line tokens{"tokens a step", Role::baseline, {}, {}},
        factor{"times as fast", Role::subject, {}, {}};
    double top = 1;
    for (int k = 0; k <= last; ++k) {
        tokens.x.push_back(k);
        tokens.y.push_back(expected_tokens(s.alpha, k));
        factor.x.push_back(k);
        factor.y.push_back(walltime_factor(s.alpha, k, s.cost));
        top = std::max(top, tokens.y.back());
    }
    f.y.limits = std::pair(0.0, 1.1 * top);
    f.marks = {tokens, factor, Rule{"", Role::muted, false, 1}};
    f.marks.emplace_back(Points{"best", category(2), {double(d.best_k)}, {d.best_walltime}});
    Handle h;
    h.label = fmt::format("K = {}", s.k);
    h.hint = "drag me";
    h.x = s.k;
    h.x_param = "k";
    f.marks.emplace_back(std::move(h));
    return f;
}

Figure accepted_figure(const Data& d, Domain domain) {
    const Settings& s = d.settings;
    Figure f;
    f.id = "accepted";
    f.title = "Dice and real text";
    f.alt_text =
        "Histogram of accepted drafts in the simulated steps with 95 percent intervals, the closed "
        "form, and the shares that the shipped pair of models was measured at.";
    f.x = {.label = "drafts kept", .limits = std::pair(-0.6, s.k + 0.6)};
    f.y = {.label = "share of steps", .style = NumberStyle::percent};
    const std::vector<double> share = accepted_distribution(s.alpha, s.k);
    double top = 0;
    Histogram dice{"dice", category(7), {-0.5}, {}};
    Line closed{"closed form", Role::subject, {}, {}};
    std::vector<Band> intervals;
    for (std::size_t n = 0; n < share.size(); ++n) {
        const double left = static_cast<double>(n) - 0.46, right = static_cast<double>(n) + 0.46;
        const Estimate e = d.counts.share_interval(n);
        dice.edges.push_back(static_cast<double>(n) + 0.5);
        dice.counts.push_back(d.counts.share(n));
        closed.x.insert(closed.x.end(), {left, right, right});
        closed.y.insert(closed.y.end(), {share[n], share[n], std::nan("")});
        intervals.push_back({n == 0 ? "95 % interval" : "",
                             Role::limit,
                             {left, right},
                             {e.low(), e.low()},
                             {e.high(), e.high()}});
        top = std::max({top, share[n], e.high()});
    }
    f.marks.emplace_back(std::move(dice));
    f.marks.insert(f.marks.end(), intervals.begin(), intervals.end());
    f.marks.emplace_back(std::move(closed));
    if (const MeasuredChain* real = d.of(domain); real && real->counts.total() > 0) {
        Points measured{fmt::format("real pair, α = {}", format_number(real->alpha(), 2)),
                        Role::reference,
                        {},
                        {}};
        for (std::size_t n = 0; n < share.size(); ++n) {
            measured.x.push_back(static_cast<double>(n));
            measured.y.push_back(real->counts.share(n));
            top = std::max(top, measured.y.back());
        }
        f.footnote =
            fmt::format("real pair: {} steps of {}",
                        format_count(static_cast<double>(real->counts.total())), name(domain));
        f.marks.emplace_back(std::move(measured));
    }
    f.y.limits = std::pair(0.0, 1.15 * top);
    return f;
}

Figure by_acceptance_figure(const Data& d) {
    const Settings& s = d.settings;
    Figure f;
    f.id = "by-acceptance";
    f.title = fmt::format("Yield at K = {}", s.k);
    f.alt_text =
        "Tokens of a target step against the acceptance, a curve that rises steeply, with the "
        "shipped pair of models as a point for each kind of text.";
    f.x = {.label = "acceptance α", .limits = std::pair(0.0, 1.0)};
    f.y = {.label = "tokens a step", .limits = std::pair(0.0, 1.05 * (s.k + 1))};
    Line curve{"closed form", Role::baseline, {}, {}};
    for (int i = 0; i <= 100; ++i) {
        curve.x.push_back(i / 100.0);
        curve.y.push_back(expected_tokens(i / 100.0, s.k));
    }
    f.marks.emplace_back(std::move(curve));
    Points real{"", Role::reference, {}, {}, {}, {"alpha", {}}};
    for (const MeasuredChain& c : d.measured) {
        if (c.judged > 0) {
            real.x.push_back(c.alpha());
            real.y.push_back(c.counts.tokens().mean);
            real.names.emplace_back(name(c.domain));
            real.pick.values.emplace_back(c.alpha());
        }
    }
    if (!real.x.empty()) {
        f.footnote = "points: Nibble's own models";
        f.marks.emplace_back(std::move(real));
    }
    Handle h;
    h.label = fmt::format("α = {}", format_number(s.alpha));
    h.hint = "drag me";
    h.x = s.alpha;
    h.y = d.expected;
    h.x_param = "alpha";
    f.marks.emplace_back(std::move(h));
    return f;
}

}  // namespace

std::vector<Fallen> fallen_tokens(const Data& d) {
    std::vector<Fallen> tokens;
    for (std::size_t step = 0; step < d.falling.size(); ++step) {
        for (int place = 0; place <= d.falling[step]; ++place) {
            tokens.push_back({static_cast<int>(step), place, place < d.falling[step]});
        }
    }
    return tokens;
}

const MeasuredChain* Data::of(Domain domain) const {
    const auto found = std::find_if(measured.begin(), measured.end(),
                                    [&](const MeasuredChain& c) { return c.domain == domain; });
    return found == measured.end() ? nullptr : &*found;
}

std::vector<FigureRow> figures(const Data& d, int shown, Domain domain) {
    const std::vector<Fallen> tokens = fallen_tokens(d);
    return {{1, {tree_figure(d, tokens, shown), falling_figure(d, tokens, shown)}},
            {1.35, {by_drafts_figure(d), by_acceptance_figure(d), accepted_figure(d, domain)}}};
}

}  // namespace nibble::acceptance_chain_lab
