#include "sim/serving/disaggregated.hpp"

namespace nibble::serving {
namespace {

Rules for_prompts(Rules rules) {
    rules.prompts_only = true;
    return rules;
}

}  // namespace

PromptMachine::PromptMachine(Rules rules, Arrivals& arrivals, const StepTime& step_time,
                             double transfer_per_token, Slo slo)
    : engine_(for_prompts(rules), arrivals, step_time),
      statistics_(rules, slo),
      transfer_per_token_(transfer_per_token) {}

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
    statistics_.add(engine_.last());
    for (const Record& r : engine_.last().finished) {
        if (r.finish >= 0) {
            answered_.push_back(r);
        } else {
            handed_over_.push({r.first_token + transfer_per_token_ * r.request.prompt, r});
        }
    }
    return true;
}

Pair simulate_disaggregated(const Rules& rules, Arrivals& arrivals, const StepTime& step_time,
                            double transfer_per_token, Slo slo) {
    PromptMachine prompts(rules, arrivals, step_time, transfer_per_token, slo);
    Rules pieces = rules;  // should it have to compute a prompt again
    pieces.policy = Policy::chunked;
    Engine engine(pieces, prompts, step_time);
    Statistics answers(pieces, slo);
    const auto take_over = [&] {
        for (const Record& r : prompts.take_answered()) {
            answers.add(r);
        }
    };
    while (engine.step()) {
        answers.add(engine.last());
        take_over();
    }
    take_over();
    return {prompts.statistics(), answers};
}

}  // namespace nibble::serving
