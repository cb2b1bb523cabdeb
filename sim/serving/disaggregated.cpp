#include "sim/serving/disaggregated.hpp"

namespace nibble::serving {
namespace {

Rules for_prompts(Rules rules) {
    rules.prompts_only = true;
    return rules;
}

}  // namespace

PromptMachine::PromptMachine(Rules rules, Arrivals& arrivals, const StepTime& step_time,
                             double transfer_per_token, OnStep on_step)
    : engine_(for_prompts(rules), arrivals, step_time),
      transfer_per_token_(transfer_per_token),
      on_step_(std::move(on_step)) {}

/// What comes out of later steps comes later than the end of this one, so the first in the queue is
/// the next one as soon as it lies before that.
const Incoming* PromptMachine::peek() {
    while (handed_over_.empty() || handed_over_.top().at > engine_.now()) {
        if (!step()) {
            break;
        }
    }
    return handed_over_.empty() ? nullptr : &handed_over_.top();
}

bool PromptMachine::step() {
    if (!engine_.step()) {
        return false;
    }
    on_step_(engine_.last());
    for (const Record& r : engine_.last().finished) {
        if (r.finish < 0) {
            handed_over_.push({r.first_token + transfer_per_token_ * r.request.prompt, r});
        }
    }
    return true;
}

Pair simulate_disaggregated(const Rules& rules, Arrivals& arrivals, const StepTime& step_time,
                            double transfer_per_token, Slo slo,
                            const std::function<void(const Step&, Stage)>& on_step) {
    Rules pieces = rules;  // should the second machine have to compute a prompt again
    pieces.policy = Policy::chunked;
    Pair pair{Statistics(rules, slo), Statistics(pieces, slo)};
    PromptMachine prompts(rules, arrivals, step_time, transfer_per_token, [&](const Step& step) {
        pair.prompts.add(step);
        for (const Record& r : step.finished) {
            if (r.finish >= 0) {
                pair.answers.add(r);  // a single token: the second machine never sees it
            }
        }
        on_step(step, Stage::prompts);
    });
    Engine engine(pieces, prompts, step_time);
    while (engine.step()) {
        pair.answers.add(engine.last());
        on_step(engine.last(), Stage::answers);
    }
    return pair;
}

}  // namespace nibble::serving
