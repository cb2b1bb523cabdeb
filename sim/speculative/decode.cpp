#include "sim/speculative/decode.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numeric>

namespace nibble {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
    throw Error(Error::Code::bad_param, what, hint);
}

void check(const SequenceModel& target, std::span<const std::int32_t> prompt,
           const SpeculationSettings& settings) {
    const auto size = static_cast<Index>(prompt.size());
    const auto levels = static_cast<Index>(settings.branching.size());
    check(settings.sampling);
    if (size == 0) {
        refuse("the prompt has no tokens", "give the model some text to go on with");
    }
    if (size >= target.positions()) {
        refuse(fmt::format("the prompt has {} tokens", size),
               fmt::format("the model has {} positions", target.positions()));
    }
    if (levels >= target.positions()) {
        refuse(fmt::format("k = {} drafts do not fit the model's {} positions", levels,
                           target.positions()),
               fmt::format("k is at most {}", target.positions() - 1));
    }
    for (const Index children : settings.branching) {
        if (children < 1) {
            refuse(fmt::format("a level of the tree has {} children", children), "at least one");
        }
    }
    if (settings.adaptive && !is_chain(settings.branching)) {
        refuse("an adaptive tree", "only the length of a chain adapts: leave the tree out");
    }
}

bool ends(std::int32_t token, const SpeculationSettings& settings) {
    return std::find(settings.eos.begin(), settings.eos.end(), token) != settings.eos.end();
}

/// What the target said to the tree, and what was made of it.
struct Walk {
    std::vector<Index> path;  // accepted tokens of the tree
    std::vector<SpeculatedToken> tokens;
};

/// From the end of the text down the tree; logits: one row for the text's last token, then one for
/// each token of the tree.
Walk walk(const DraftTree& tree, View<const float> logits, const SpeculationSettings& settings,
          Dice& dice, std::vector<PositionCount>& positions) {
    std::vector<double> accept(tree.size());
    for (double& u : accept) {
        u = dice.roll();
    }
    const double last = dice.roll();
    const double extra = settings.rule == SpeculationRule::bonus_after_rejection ? dice.roll() : 0;
    const auto after = [&](Index node) {
        return next_token({logits.row(node + 1), static_cast<std::size_t>(logits.cols)},
                          settings.sampling, "the target");
    };
    Walk out;
    Index node = -1;
    for (;;) {
        const Distribution p = after(node);
        std::vector<Proposal> children;
        std::vector<Index> nodes;
        std::vector<double> own_accept;
        for (std::size_t i = 0; i < tree.size(); ++i) {
            if (tree.parents[i] == node) {
                children.push_back({tree.ids[i], tree.q[i]});
                nodes.push_back(static_cast<Index>(i));
                own_accept.push_back(accept[i]);
            }
        }
        if (children.empty()) {
            const std::int32_t token = bonus_token(p, last, settings.rule);
            out.tokens.push_back({token, Written::bonus, 0, p[static_cast<std::size_t>(token)]});
            return out;
        }
        PositionCount& position = positions[out.path.size()];
        ++position.reached;
        const Settled settled = settle(p, children, own_accept, last, settings.rule);
        const double probability = p[static_cast<std::size_t>(settled.token)];
        if (settled.accepted < 0) {
            out.tokens.push_back({settled.token, Written::corrected, 0, probability});
            if (settings.rule == SpeculationRule::bonus_after_rejection &&
                nodes.back() + 1 == static_cast<Index>(tree.size())) {
                const Distribution wrong = after(nodes.back());
                const std::int32_t token = draw(wrong, extra);
                out.tokens.push_back(
                    {token, Written::bonus, 0, wrong[static_cast<std::size_t>(token)]});
            }
            return out;
        }
        ++position.accepted;
        node = nodes[static_cast<std::size_t>(settled.accepted)];
        out.path.push_back(node);
        out.tokens.push_back({settled.token, Written::accepted, 0, probability});
    }
}

/// The depth of a tree whose tokens come level by level.
std::size_t levels_of(const DraftTree& tree) {
    std::size_t levels = 0;
    for (Index node = static_cast<Index>(tree.size()) - 1; node >= 0;
         node = tree.parents[static_cast<std::size_t>(node)]) {
        ++levels;
    }
    return levels;
}

/// The text and what is needed to go on with it.
class Decoder {
public:
    Decoder(SequenceModel& target, Drafter& drafter, const SpeculationSettings& settings)
        : target_(target), drafter_(drafter), settings_(settings), dice_(settings.sampling.seed) {
        drafts_ = static_cast<Index>(settings.branching.size());
    }

    void read_prompt(std::span<const std::int32_t> prompt) {
        text_.assign(prompt.begin(), prompt.end());
        const auto begin = Clock::now();
        const Distribution p = next_token(target_.read(prompt), settings_.sampling, "the target");
        const std::int32_t token = draw(p, dice_.roll());
        result_.prompt_seconds = seconds_since(begin);
        write({{token, Written::first, 0, p[static_cast<std::size_t>(token)]}});
    }

    bool goes_on() const {
        return !ended_ && static_cast<Index>(result_.tokens.size()) < settings_.count &&
               target_.length() < target_.positions() && !settings_.stop.stop_requested();
    }

    void step() {
        SpeculationStep step;
        auto begin = Clock::now();
        step.tree = drafter_.draft(text_, branching_now(), dice_);
        step.draft_seconds = seconds_since(begin);
        step.levels = levels_of(step.tree);
        result_.positions.resize(std::max(result_.positions.size(), step.levels));
        for (std::size_t i = 0; i < step.levels; ++i) {
            ++result_.positions[i].drafted;
        }

        begin = Clock::now();
        const Index first = target_.length();
        // What the target has not read of the text: its last token.
        TokenIds ids(text_.begin() + first, text_.end());
        const auto unread = static_cast<Index>(ids.size());
        ids.insert(ids.end(), step.tree.ids.begin(), step.tree.ids.end());
        std::vector<Index> parents(ids.size());
        std::iota(parents.begin(), parents.begin() + unread, Index{-1});
        std::transform(step.tree.parents.begin(), step.tree.parents.end(), parents.begin() + unread,
                       [&](Index parent) { return parent + unread; });
        const Matrix<float> all = target_.read_tree(ids, parents);
        const View<const float> logits = all.view().row_range(unread - 1, all.rows() - unread + 1);
        step.target_seconds = seconds_since(begin);

        begin = Clock::now();
        Walk out = walk(step.tree, logits, settings_, dice_, result_.positions);
        std::vector<Index> kept(static_cast<std::size_t>(unread));
        std::iota(kept.begin(), kept.end(), Index{0});
        for (const Index node : out.path) {
            kept.push_back(node + unread);
        }
        target_.keep(first, kept);
        step.rule_seconds = seconds_since(begin);
        adapt(step.levels, out.path.size());
        step.accepted = std::move(out.path);
        step.tree.q.clear();
        result_.steps.push_back(std::move(step));
        write(out.tokens);
    }

    Speculation result_;

private:
    /// No further than the text may go: the last token is the target's own in every step.
    Branching branching_now() const {
        const Index left = settings_.count - static_cast<Index>(result_.tokens.size());
        const Index room = target_.positions() - target_.length();
        const auto levels =
            static_cast<std::size_t>(std::max<Index>(0, std::min({drafts_, left - 1, room - 1})));
        if (settings_.adaptive) {
            return chain_of(static_cast<Index>(levels));
        }
        return {settings_.branching.begin(),
                settings_.branching.begin() + static_cast<std::ptrdiff_t>(levels)};
    }

    void adapt(std::size_t drafted, std::size_t accepted) {
        if (settings_.adaptive && drafted > 0) {
            drafts_ = accepted == drafted ? std::min(drafts_ + 2, settings_.most_drafts)
                                          : std::max<Index>(drafts_ - 1, 1);
        }
    }

    void write(const std::vector<SpeculatedToken>& tokens) {
        for (SpeculatedToken token : tokens) {
            if (ended_ || static_cast<Index>(result_.tokens.size()) >= settings_.count) {
                return;
            }
            if (ends(token.id, settings_)) {
                ended_ = true;
                return;
            }
            token.step = result_.steps.size();
            result_.tokens.push_back(token);
            text_.push_back(token.id);
        }
    }

    SequenceModel& target_;
    Drafter& drafter_;
    const SpeculationSettings& settings_;
    Dice dice_;
    Index drafts_;
    TokenIds text_;
    bool ended_ = false;
};

}  // namespace

std::string_view name(Written how) {
    static constexpr std::string_view names[] = {"first", "accepted", "corrected", "bonus"};
    return names[static_cast<std::size_t>(how)];
}

double PositionCount::acceptance() const {
    return reached == 0 ? std::numeric_limits<double>::quiet_NaN()
                        : static_cast<double>(accepted) / static_cast<double>(reached);
}

double Speculation::acceptance_rate() const {
    PositionCount all;
    for (const PositionCount& p : positions) {
        all.reached += p.reached;
        all.accepted += p.accepted;
    }
    return all.acceptance();
}

double Speculation::tokens_per_step() const {
    return steps.empty()
               ? std::numeric_limits<double>::quiet_NaN()
               : static_cast<double>(tokens.size() - 1) / static_cast<double>(steps.size());
}

double Speculation::seconds() const {
    double sum = 0;
    for (const SpeculationStep& s : steps) {
        sum += s.seconds();
    }
    return sum;
}

Speculation speculate(SequenceModel& target, Drafter& drafter, std::span<const std::int32_t> prompt,
                      const SpeculationSettings& settings,
                      const std::function<bool(const Speculation&)>& on_step) {
    check(target, prompt, settings);
    Decoder decoder(target, drafter, settings);
    decoder.read_prompt(prompt);
    while (decoder.goes_on()) {
        decoder.step();
        if (on_step && !on_step(decoder.result_)) {
            break;
        }
    }
    return std::move(decoder.result_);
}

PlainText decode_plainly(SequenceModel& target, std::span<const std::int32_t> prompt,
                         const SpeculationSettings& settings) {
    check(target, prompt, settings);
    Dice dice(settings.sampling.seed);
    PlainText out;
    auto begin = Clock::now();
    TokenIds next(prompt.begin(), prompt.end());
    while (static_cast<Index>(out.tokens.size()) < settings.count &&
           target.length() < target.positions() && !settings.stop.stop_requested()) {
        const Distribution p = next_token(target.read(next), settings.sampling, "the target");
        const std::int32_t token = draw(p, dice.roll());
        if (out.prompt_seconds == 0) {
            out.prompt_seconds = seconds_since(begin);
            begin = Clock::now();
        }
        if (ends(token, settings)) {
            break;
        }
        out.tokens.push_back(token);
        next = {token};
    }
    out.seconds = seconds_since(begin);
    return out;
}

}  // namespace nibble
