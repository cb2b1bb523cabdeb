// One machine that serves requests: the scheduler of rules.hpp over a clock that jumps from step to
// step.
//
//     Replay arrivals(trace);
//     Engine engine(rules, arrivals, StepTime::constant(1));
//     while (engine.step()) {
//         ... engine.last() ...
//     }
//
// Deterministic: what happens follows from the rules, the arrivals and the step times alone. Memory
// grows with the requests in the system, not with those that were answered.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "sim/kvcache/block_budget.hpp"
#include "sim/kvcache/prefix_blocks.hpp"
#include "sim/serving/arrivals.hpp"
#include "sim/serving/rules.hpp"
#include "sim/serving/step_time.hpp"

namespace nibble::serving {

/// A request's part in a step.
struct Share {
    std::int64_t request = 0;
    std::int32_t tokens = 0;
    std::int32_t before = 0;  // tokens computed before the step
    bool is_prompt = false;   // prompt, or what a preemption made it compute again
    bool yields = false;      // a token at the end of the step
};

/// What happened in a step.
struct Step {
    std::int64_t number = 0;
    double start = 0, seconds = 0;
    std::vector<Share> shares;            // in the order in which they were scheduled
    std::vector<std::int64_t> preempted;  // in the order in which they lost their blocks
    std::vector<Record> finished;  // leave at the end of the step; unanswered (finish < 0) for
                                   // another machine
    std::int64_t running = 0, waiting = 0;
    std::int64_t free_blocks = 0;    // while the step runs
    std::int64_t stored_tokens = 0;  // in the cache at the end of the step, before it gives back
    StepLoad load;

    double end() const { return start + seconds; }
};

class Engine {
public:
    /// Keeps references to `arrivals` and to the step times. Requests that `rules` can never serve
    /// are the caller's to keep away: see refusal().
    Engine(const Rules& rules, Arrivals& arrivals, const StepTime& step_time);

    /// Runs the next step; false when every request has been answered. Throws Error::bad_param when
    /// a request arrives that can never be served.
    bool step();
    /// Valid until the next step.
    const Step& last() const { return last_; }
    /// The end of the last step.
    double now() const { return now_; }
    const Rules& rules() const { return rules_; }

private:
    struct Sequence {
        std::int32_t computed = 0, length = 0;  // tokens: of prompt and generated ones
        std::int32_t room = 0;                  // tokens that its blocks could hold
        std::int32_t scheduled = 0;             // in this step
        std::int32_t generated = 0;
        bool swapped = false;
        Record record;

        std::int32_t to_compute() const { return length - computed; }
    };

    /// What the cache of prefixes knows of a sequence.
    struct Prefixed {
        CachedTokens tokens;
        PrefixTable table;
    };

    void take_arrivals();
    void enter(const Incoming& incoming);
    bool wait_for_work();
    void jump_to(double time);
    void schedule_running();
    void preempt_last();
    void admit();
    std::size_t next_in_line() const;
    bool admit(std::size_t in_line);
    bool reuse_prefix(Sequence& s, std::int64_t watermark);
    PrefixBlocks::Match match(const Sequence& s) const;
    bool grow(Sequence& s, std::int64_t tokens, std::int64_t watermark);
    void schedule(Sequence& s, std::int32_t tokens);
    void end_step();
    bool yield(Sequence& s);
    void leave(std::uint32_t place);
    void release(Sequence& s);

    std::int64_t free_blocks() const { return prefixes_ ? prefixes_->free() : blocks_.free(); }
    std::size_t place_of(const Sequence& s) const {
        return static_cast<std::size_t>(&s - pool_.data());
    }

    Rules rules_;
    Arrivals& arrivals_;
    const StepTime& step_time_;
    BlockBudget blocks_;
    std::optional<PrefixBlocks> prefixes_;  // instead of the count, where prefixes are found again
    std::vector<Prefixed> prefixed_;        // beside pool_

    std::vector<Sequence> pool_;          // sequences in the system
    std::vector<std::uint32_t> vacant_;   // places of the pool
    std::vector<std::uint32_t> running_;  // by admission
    std::deque<std::uint32_t> waiting_;   // by arrival, preempted ones in front
    std::size_t scheduled_ = 0;           // of running_, in this step
    std::int32_t budget_ = 0;
    std::int64_t tick_ = 0;  // number of the next step
    double now_ = 0;
    std::int64_t unfilled_ = 0;  // places for tokens in the blocks of all sequences
    Step last_;
};

}  // namespace nibble::serving
