#include "sim/speculative/decode.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numeric>

#include "sim/core/stopwatch.hpp"
#include "sim/speculative/judge.hpp"

namespace nibble {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void refuse_decode(const std::string& what, const std::string& hint) {
    throw Error(Error::Code::bad_param, what, hint);
}

void check(const SequenceModel& target, std::span<const std::int32_t> prompt,
           const SpeculationSettings& settings) {
    const auto size = static_cast<Index>(prompt.size());
    const auto levels = static_cast<Index>(settings.branching.size());
    check(settings.sampling);
    if (size == 0) {
        refuse_decode("the prompt has no tokens", "give the model some text to go on with");
    }
    if (size >= target.positions()) {
        refuse_decode(fmt::format("the prompt has {} tokens", size),
               fmt::format("the model has {} positions", target.positions()));
    }
    if (levels >= target.positions()) {
        refuse_decode(fmt::format("k = {} drafts do not fit the model's {} positions", levels,
                           target.positions()),
               fmt::format("k is at most {}", target.positions() - 1));
    }
    for (const Index children : settings.branching) {
        if (children < 1) {
            refuse_decode(fmt::format("a level of the tree has {} children", children), "at least one");
        }
    }
    if (settings.adaptive && !is_chain(settings.branching)) {
        refuse_decode("an adaptive tree", "only the length of a chain adapts: leave the tree out");
    }
}

bool ends(std::int32_t token, const SpeculationSettings& settings) {
    return std::find(settings.eos.begin(), settings.eos.end(), token) != settings.eos.end();
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
        Walk out = judge(step.tree, logits);
        std::vector<Index> kept(static_cast<std::size_t>(unread));
        std::iota(kept.begin(), kept.end(), Index{0});
        for (const Index node : out.path) {
            kept.push_back(node + unread);
        }
        target_.keep(first, kept);
        step.rule_seconds = seconds_since(begin);
        count_positions(step.tree, out);
        adapt(step.levels, out.path.size());
        std::vector<SpeculatedToken> tokens;
        for (std::size_t i = 0; i < out.tokens.size(); ++i) {
            tokens.push_back({out.tokens[i],
                              i < out.path.size()                     ? Written::accepted
                              : out.corrected && i == out.path.size() ? Written::corrected
                                                                      : Written::bonus,
                              0, out.probabilities[i]});
        }
        step.accepted = std::move(out.path);
        step.tree.q.clear();
        result_.steps.push_back(std::move(step));
        write(tokens);
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

    /// Which drafts stand, and the target's own token after them.
    Walk judge(const DraftTree& tree, View<const float> logits) {
        std::vector<Distribution> p;
        for (Index row = 0; row < logits.rows; ++row) {
            p.push_back(next_token({logits.row(row), static_cast<std::size_t>(logits.cols)},
                                   settings_.sampling, "the target"));
        }
        std::vector<double> accept(tree.size());
        for (double& u : accept) {
            u = dice_.roll();
        }
        const double own = dice_.roll();
        if (settings_.rule != SpeculationRule::exact) {
            return judge_tree(tree, p, accept, own, settings_.rule, dice_.roll());
        }
        return is_chain(settings_.branching) ? judge_chain(tree, p, accept, own)
                                             : judge_tree(tree, p, accept, own);
    }

    /// Every position that was judged: those of the accepted drafts and, unless all stand, the
    /// next.
    void count_positions(const DraftTree& tree, const Walk& out) {
        const std::size_t levels = levels_of(tree);
        result_.positions.resize(std::max(result_.positions.size(), levels));
        for (std::size_t i = 0; i < levels; ++i) {
            PositionCount& position = result_.positions[i];
            ++position.drafted;
            position.reached += i < out.path.size() + (out.corrected ? 1 : 0) ? 1 : 0;
            position.accepted += i < out.path.size() ? 1 : 0;
        }
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

double PlainText::seconds() const {
    return std::accumulate(token_seconds.begin(), token_seconds.end(), 0.0);
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
    TokenIds next(prompt.begin(), prompt.end());
    while (static_cast<Index>(out.tokens.size()) < settings.count &&
           target.length() < target.positions() && !settings.stop.stop_requested()) {
        const auto begin = Clock::now();
        const Distribution p = next_token(target.read(next), settings.sampling, "the target");
        const std::int32_t token = draw(p, dice.roll());
        if (ends(token, settings)) {
            break;
        }
        if (out.tokens.empty()) {
            out.prompt_seconds = seconds_since(begin);
        } else {
            out.token_seconds.push_back(seconds_since(begin));
        }
        out.tokens.push_back(token);
        next = {token};
    }
    return out;
}

}  // namespace nibble
