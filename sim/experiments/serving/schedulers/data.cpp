#include "sim/experiments/serving/schedulers/data.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "sim/serving/disaggregated.hpp"

namespace nibble::schedulers_lab {
namespace {

using namespace serving;

constexpr std::size_t most_detailed = 1000;        // requests whose records are always kept
constexpr std::size_t most_rows = 1'000'000;       // of the table of steps
constexpr std::size_t most_stretches = 4000;       // of the picture
constexpr std::size_t most_requests = 20'000'000;  // of a trace
constexpr std::size_t most_storm = 1000;
constexpr std::size_t most_previewed = 300;
constexpr std::int32_t usual_whole_budget = 8192;

/// Short questions and answers, four a second, and one long document among them.
std::vector<Request> with_long_prompt(const Settings& s, const Rng& rng) {
    std::vector<Lengths> mix;
    for (std::int32_t i = 0; i < 16; ++i) {
        mix.push_back({40 + 20 * i, 160 + 10 * ((7 * i) % 16)});
    }
    RandomArrivals arrivals(mix, 60, 12, 1, rng);
    std::vector<Request> list = drawn(arrivals);
    list[20].prompt = s.long_prompt;
    list[20].output = 100;
    return list;
}

/// Short questions with long answers: what they need is not seen when they are admitted.
std::vector<Request> with_long_answers(const Rng& rng) {
    std::vector<Lengths> mix;
    for (std::int32_t i = 0; i < 16; ++i) {
        mix.push_back({20 + 10 * i, 700 + 40 * ((5 * i) % 16)});
    }
    RandomArrivals arrivals(mix, 120, 30, 1, rng);
    return drawn(arrivals);
}

/// Questions behind one of four long instructions.
std::vector<Request> with_prefixes(const Rng& rng) {
    constexpr std::int32_t prefix = 3000;
    std::vector<Lengths> mix;
    for (std::int32_t i = 0; i < 16; ++i) {
        mix.push_back({prefix + 20 + 10 * i, 40 + 10 * ((7 * i) % 16)});
    }
    RandomArrivals arrivals(mix, 120, 15, 1, rng);
    std::vector<Request> list = drawn(arrivals);
    const Rng whose = rng.stream("prefixes");
    for (std::size_t i = 0; i < list.size(); ++i) {
        list[i].prefix_id = static_cast<std::int32_t>(whose.below(i, 4));
        list[i].prefix_len = prefix;
    }
    return list;
}

struct Work {
    std::shared_ptr<const std::vector<Request>> requests;
    std::string source;
    std::string sampling;
    std::optional<RequestTrace> trace;
};

Work work_of(const Settings& s, const RunContext& context) {
    const Rng rng = context.rng("requests");
    Work w;
    std::vector<Request> list;
    if (!s.trace.empty()) {
        w.trace = read_trace(s.trace, {.arrivals = true, .most_requests = most_requests});
        list = w.trace->requests;
        w.source = w.trace->name;
    } else if (s.workload == Workload::long_prompt) {
        list = with_long_prompt(s, rng);
        w.source =
            fmt::format("60 short requests, one of them with a prompt of {} tokens", s.long_prompt);
    } else if (s.workload == Workload::short_memory) {
        list = with_long_answers(rng);
        w.source = "120 short questions with long answers";
    } else if (s.workload == Workload::prefixes) {
        list = with_prefixes(rng);
        w.source = "120 questions, each behind one of four instructions of 3000 tokens";
    } else {
        RandomArrivals arrivals(s.mix(), s.requests, s.rate, 1, rng);
        list = drawn(arrivals);
        w.source = fmt::format("{} requests as long as in {}", s.requests, source_of(s.lengths));
    }
    if (context.preview && list.size() > most_previewed) {
        w.sampling = fmt::format("the first {} requests of {}", most_previewed, list.size());
        list.resize(most_previewed);
    }
    w.requests = std::make_shared<const std::vector<Request>>(std::move(list));
    return w;
}

/// The limits of a scheduler in the comparison. With a trace exactly those that were asked for;
/// among made-up requests, a scheduler that takes prompts whole is given the room that servers give
/// it, and enough for the longest.
Rules rules_of(const Settings& s, Scheduler scheduler, std::int32_t longest_prompt) {
    Rules rules = s.rules(policy_of(scheduler));
    if (s.trace.empty() && !rules.is_chunked()) {
        rules.token_budget =
            std::max({rules.token_budget, longest_prompt + rules.max_seqs, usual_whole_budget});
    }
    return rules;
}

/// The first request that can never be served, in words.
std::string refusal_of(const std::vector<Request>& requests, const Rules& rules) {
    for (const Request& r : requests) {
        const Refusal no = refusal(r, rules);
        if (!no.why.empty()) {
            return fmt::format("request {}: {}; {}", r.id, no.why, no.hint);
        }
    }
    return {};
}

Content content_of(const Step& step) {
    bool prompts = false, answers = false;
    for (const Share& share : step.shares) {
        (share.is_prompt ? prompts : answers) = true;
    }
    return prompts && answers ? Content::both : prompts ? Content::prompts : Content::answers;
}

/// Collects what the lab shows of a run.
class Collector {
public:
    Collector(Run& run, const Rules& rules, const RunContext& context, bool records, bool rows)
        : run_(run), rules_(rules), context_(context), records_(records), rows_(rows) {}

    void operator()(const Step& step, Stage stage = Stage::answers) {
        if (++steps_ % 1024 == 0) {
            context_.check();
        }
        if (records_) {
            std::copy_if(step.finished.begin(), step.finished.end(),
                         std::back_inserter(run_.records),
                         [](const Record& r) { return r.finish >= 0; });
        }
        if (stage == Stage::prompts) {
            return;  // of the two machines, the one that answers is shown
        }
        const auto pool = static_cast<double>(rules_.blocks);
        const auto used = static_cast<double>(rules_.blocks - step.free_blocks);
        run_.used.add(step.end(), used / pool);
        run_.empty.add(step.end(),
                       (used - static_cast<double>(step.stored_tokens) / rules_.block_size) / pool);
        run_.longest_step = std::max(run_.longest_step, step.seconds);
        for (std::size_t i = 0; i < step.preempted.size() && run_.stormy.size() < most_storm; ++i) {
            run_.stormy.push_back(step.start);
        }
        add_content(step);
        if (rows_) {
            add_rows(step);
        }
        if (records_) {
            seats_.add(step);
        }
    }

    void finish() {
        if (run_.content.size() > most_stretches) {
            run_.content.clear();
        }
        std::sort(run_.records.begin(), run_.records.end(),
                  [](const Record& a, const Record& b) { return a.request.id < b.request.id; });
        run_.slices = seats_.slices();
    }

private:
    void add_content(const Step& step) {
        const Content content = content_of(step);
        if (run_.content.size() > most_stretches) {
            return;
        }
        Stretch* last = run_.content.empty() ? nullptr : &run_.content.back();
        if (last && last->content == content && last->end == step.start) {
            last->end = step.end();
        } else {
            run_.content.push_back({step.start, step.end(), content});
        }
    }

    void add_rows(const Step& step) {
        if (run_.rows.size() > most_rows) {
            throw Error(Error::Code::bad_param,
                        fmt::format("per_step: more than {} rows", most_rows),
                        "take a shorter trace, or leave the steps out");
        }
        for (const Share& share : step.shares) {
            run_.rows.push_back(
                {step.number, share.request, share.tokens, false, step.free_blocks});
        }
        for (const std::int64_t request : step.preempted) {
            run_.rows.push_back({step.number, request, 0, true, step.free_blocks});
        }
    }

    Run& run_;
    const Rules& rules_;
    const RunContext& context_;
    bool records_, rows_;
    std::size_t steps_ = 0;
    Seats seats_;
};

Run run_one(const Settings& s, Scheduler scheduler, const Rules& rules,
            const std::vector<Request>& requests, const StepTime& clock,
            const RunContext& context) {
    Run run;
    run.scheduler = scheduler;
    run.refusal = refusal_of(requests, rules);
    if (!run.refusal.empty()) {
        return run;
    }
    const bool own = scheduler == s.scheduler;
    Replay arrivals(requests);
    Collector collect(run, rules, context, own && (s.per_step || requests.size() <= most_detailed),
                      own && s.per_step);
    if (scheduler == Scheduler::disaggregated) {
        const double transfer = clock.transfer_per_token(s.link_gb_s * 1e9);
        Pair pair =
            simulate_disaggregated(rules, arrivals, clock, transfer, s.slo(),
                                   [&](const Step& step, Stage stage) { collect(step, stage); });
        pair.answers.computed_tokens += pair.prompts.computed_tokens;
        pair.answers.preemptions += pair.prompts.preemptions;
        run.statistics = std::move(pair.answers);
    } else {
        run.statistics =
            simulate(rules, arrivals, clock, s.slo(), [&](const Step& step) { collect(step); });
    }
    collect.finish();
    return run;
}

}  // namespace

void Course::add(double time, double value) {
    if (steps_++ % steps_in_point_ == 0) {
        if (values_.size() == most) {  // every other point goes, the larger of two stays
            for (std::size_t i = 0; i < most / 2; ++i) {
                times_[i] = times_[2 * i + 1];
                values_[i] = std::max(values_[2 * i], values_[2 * i + 1]);
            }
            times_.resize(most / 2);
            values_.resize(most / 2);
            steps_in_point_ *= 2;
        }
        times_.push_back(time);
        values_.push_back(value);
        return;
    }
    times_.back() = time;
    values_.back() = std::max(values_.back(), value);
}

const Run* Data::of(Scheduler scheduler) const {
    for (const Run& r : runs) {
        if (r.scheduler == scheduler && r.has_run()) {
            return &r;
        }
    }
    return nullptr;
}

Data compare(const Settings& s, const RunContext& context) {
    const Work work = work_of(s, context);
    Data d;
    d.requests = work.requests;
    d.source = work.source;
    d.sampling = work.sampling;
    d.clock = describe_clock(s);
    for (const Request& r : *work.requests) {
        d.has_prefixes = d.has_prefixes || r.prefix_id >= 0;
        d.longest_prompt = std::max(d.longest_prompt, r.prompt);
    }
    const Rules own = rules_of(s, s.scheduler, d.longest_prompt);
    if (work.trace) {
        check_fits(*work.trace, own);
    } else if (const std::string no = refusal_of(*work.requests, own); !no.empty()) {
        throw Error(Error::Code::bad_param, no, "take other limits or another scheduler");
    }
    const StepTime clock = s.clock();
    for (const Scheduler scheduler : all_schedulers) {
        const bool can_find = d.has_prefixes && s.blocks <= most_prefix_blocks;
        if (scheduler == Scheduler::prefix_aware && !can_find && scheduler != s.scheduler) {
            continue;
        }
        d.chosen = scheduler == s.scheduler ? d.runs.size() : d.chosen;
        d.runs.push_back(run_one(s, scheduler, rules_of(s, scheduler, d.longest_prompt),
                                 *work.requests, clock, context));
        context.progress(static_cast<double>(d.runs.size()) / std::size(all_schedulers));
    }
    return d;
}

}  // namespace nibble::schedulers_lab
