#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/serving/schedulers/show.hpp"

namespace nibble::schedulers_lab {
namespace {

using namespace serving;

std::string seconds(double value) {
    return format_si(value) + "s";
}

std::string times(double ratio) {
    return format_number(ratio, ratio < 10 ? 2 : 3);
}

double ttft(const Run& r) {
    return r.statistics->ttft.quantile(0.99);
}
double pause(const Run& r) {
    return r.statistics->pause.quantile(0.99);
}

/// Where a long prompt or anything else stops the answers of others, and pieces do not.
std::string about_pauses(const Settings& s, const Data& d) {
    const Run *whole = d.of(Scheduler::continuous), *pieces = d.of(Scheduler::chunked);
    if (!whole || !pieces || !(pause(*whole) > 1.5 * pause(*pieces))) {
        return {};
    }
    return fmt::format(
        "A prompt of {} tokens, taken whole, stops all answers for {}; in pieces of {} tokens, for "
        "{}",
        format_count(d.longest_prompt), seconds(pause(*whole)), s.token_budget,
        seconds(pause(*pieces)));
}

std::string about_storms(const Data& d) {
    const Statistics& s = *d.own().statistics;
    if (s.preemptions == 0) {
        return {};
    }
    return fmt::format("Memory is short: {} throws out {} {} times and computes {} tokens again",
                       name(d.own().scheduler), s.preemptions == 1 ? "a request" : "requests",
                       format_count(static_cast<double>(s.preemptions)),
                       format_count(static_cast<double>(s.recomputed_tokens())));
}

std::string about_prefixes(const Data& d) {
    const Run *found = d.of(Scheduler::prefix_aware), *pieces = d.of(Scheduler::chunked);
    if (!found || !pieces || found->statistics->reused_tokens == 0) {
        return {};
    }
    const Statistics& s = *found->statistics;
    return fmt::format(
        "{} % of the prompts are found in the cache: the slowest 1 % wait {} for a first token "
        "instead of {}",
        format_number(100 * static_cast<double>(s.reused_tokens) /
                      static_cast<double>(s.prompt_tokens)),
        seconds(ttft(*found)), seconds(ttft(*pieces)));
}

std::string about_waiting(const Data& d) {
    const Run *slow = nullptr, *fast = nullptr;
    for (const Run& r : d.runs) {
        if (r.has_run()) {
            slow = !slow || ttft(r) > ttft(*slow) ? &r : slow;
            fast = !fast || ttft(r) < ttft(*fast) ? &r : fast;
        }
    }
    if (ttft(*fast) <= 0 || ttft(*slow) < 1.05 * ttft(*fast)) {
        return "All schedulers answer these requests alike: there is nothing to decide";
    }
    return fmt::format("The slowest 1 % wait {} for a first token under {} and {} under {}",
                       seconds(ttft(*slow)), name(slow->scheduler), seconds(ttft(*fast)),
                       name(fast->scheduler));
}

std::string finding(const Settings& s, const Data& d) {
    const std::string storms = about_storms(d), pauses = about_pauses(s, d);
    if (const std::string prefixes = about_prefixes(d); !prefixes.empty()) {
        return prefixes;
    }
    const bool is_storm = 4 * d.own().statistics->preemptions > d.own().statistics->requests;
    return is_storm          ? storms
           : !pauses.empty() ? pauses
           : !storms.empty() ? storms
                             : about_waiting(d);
}

/// How another scheduler differs from the chosen one, in words; empty where it hardly does.
std::string difference(const Run& own, const Run& other) {
    std::string text;
    const auto say = [&](const char* what, double a, double b, const char* more, const char* less) {
        if (a > 0 && b > 0 && (b > 1.1 * a || a > 1.1 * b)) {
            text += fmt::format("{}{} {} × {}", text.empty() ? "" : ", ", what,
                                times(b > a ? b / a : a / b), b > a ? more : less);
        }
    };
    say("first tokens", ttft(own), ttft(other), "later", "sooner");
    say("pauses", pause(own), pause(other), "longer", "shorter");
    say("throughput", own.statistics->tokens_per_second(), other.statistics->tokens_per_second(),
        "higher", "lower");
    return text;
}

std::string explanation(const Data& d) {
    const Statistics& s = *d.own().statistics;
    std::string text;
    for (const Run& r : d.runs) {
        const std::string words =
            &r != &d.own() && r.has_run() ? difference(d.own(), r) : std::string();
        if (!words.empty()) {
            text += fmt::format("{}{}: {}.", text.empty() ? "" : " ", name(r.scheduler), words);
        }
    }
    const std::string work = fmt::format("({}; {}.)", d.source, d.clock);
    if (text.empty()) {
        return fmt::format("{} of {} requests are answered within the objective. {}",
                           format_count(static_cast<double>(s.within_slo)),
                           format_count(static_cast<double>(s.requests)), work);
    }
    return fmt::format("Beside {}, {} {}", name(d.own().scheduler), text, work);
}

void add_percentiles(std::vector<Metric>& list, const char* id, const char* label,
                     const Distribution& of) {
    for (const int p : {50, 95, 99}) {
        list.push_back({fmt::format("{}_p{}", id, p),
                        fmt::format("{}, p{}", label, p),
                        of.quantile(p / 100.0),
                        "s",
                        {},
                        Better::lower,
                        NumberStyle::si});
    }
}

std::vector<Metric> metrics(const Run& run) {
    const Statistics& s = *run.statistics;
    const auto count = [](const char* id, const char* label, std::int64_t value,
                          Better better = Better::neither) {
        return Metric{id, label, static_cast<double>(value), "", {}, better, NumberStyle::plain, 9};
    };
    const auto rate = [](const char* id, const char* label, double value, const char* unit) {
        return Metric{id, label, value, unit, {}, Better::higher};
    };
    std::vector<Metric> list = {
        {"ttft_p99",
         "First token, p99",
         s.ttft.quantile(0.99),
         "s",
         {},
         Better::lower,
         NumberStyle::si},
        {"pause_p99",
         "Longest pause, p99",
         s.pause.quantile(0.99),
         "s",
         {},
         Better::lower,
         NumberStyle::si},
        rate("tokens_per_second", "Throughput", s.tokens_per_second(), "tokens/s"),
        rate("goodput", "Goodput", s.goodput(), "requests/s"),
        count("preemptions", "Preemptions", s.preemptions, Better::lower),
        {"ttft_p50",
         "First token, p50",
         s.ttft.quantile(0.5),
         "s",
         {},
         Better::lower,
         NumberStyle::si},
        {"ttft_p95",
         "First token, p95",
         s.ttft.quantile(0.95),
         "s",
         {},
         Better::lower,
         NumberStyle::si}};
    add_percentiles(list, "tpot", "Time per token", s.tpot);
    add_percentiles(list, "latency", "Latency", s.latency);
    add_percentiles(list, "queue", "Queue", s.queue);
    list.push_back(
        rate("requests_per_second", "Requests a second", s.requests_per_second(), "requests/s"));
    list.push_back(count("requests", "Requests", s.requests));
    list.push_back(count("steps", "Steps", s.steps, Better::lower));
    list.push_back(count("prompt_tokens", "Tokens of prompts", s.prompt_tokens));
    list.push_back(count("output_tokens", "Tokens of answers", s.output_tokens));
    list.push_back(count("computed_tokens", "Tokens computed", s.computed_tokens, Better::lower));
    list.push_back(
        count("recomputed_tokens", "Computed again", s.recomputed_tokens(), Better::lower));
    list.push_back(count("reused_tokens", "Found in the cache", s.reused_tokens, Better::higher));
    list.push_back(count("most_used_blocks", "Most blocks in use", s.most_used_blocks));
    list.push_back({"duration",
                    "From first arrival to last answer",
                    s.duration(),
                    "s",
                    {},
                    Better::lower,
                    NumberStyle::si});
    list.push_back({"mean_running", "Requests running, on average", s.mean_running()});
    list.push_back({"mean_in_system", "Requests in the system, on average", s.mean_in_system()});
    list.push_back({"mean_used",
                    "Cache in use, on average",
                    s.mean_used(),
                    "",
                    {},
                    Better::neither,
                    NumberStyle::percent});
    list.push_back({"mean_waste",
                    "Cache held and empty, on average",
                    s.mean_waste(),
                    "",
                    {},
                    Better::lower,
                    NumberStyle::percent});
    return list;
}

Table schedulers_table(const Data& d) {
    Table t{"schedulers",
            {{"scheduler"},
             {"ttft_p50", "s"},
             {"ttft_p99", "s"},
             {"tpot_p50", "s"},
             {"tpot_p99", "s"},
             {"pause_p99", "s"},
             {"latency_p99", "s"},
             {"tokens_per_second"},
             {"goodput", "requests/s"},
             {"steps"},
             {"preemptions"},
             {"refusal"}},
            {}};
    for (const Run& r : d.runs) {
        std::vector<Table::Cell> row = {std::string(name(r.scheduler))};
        if (r.has_run()) {
            const Statistics& s = *r.statistics;
            row.insert(row.end(),
                       {s.ttft.quantile(0.5), s.ttft.quantile(0.99), s.tpot.quantile(0.5),
                        s.tpot.quantile(0.99), s.pause.quantile(0.99), s.latency.quantile(0.99),
                        s.tokens_per_second(), s.goodput(), s.steps, s.preemptions, std::string()});
        } else {
            row.insert(row.end(), 10, std::nan(""));
            row.emplace_back(r.refusal);
        }
        t.rows.push_back(std::move(row));
    }
    return t;
}

Table steps_table(const Run& run) {
    Table t{"steps", {{"t"}, {"request"}, {"tokens"}, {"preempted"}, {"free_blocks"}}, {}};
    for (const StepRow& r : run.rows) {
        t.rows.push_back(
            {r.step, r.request, std::int64_t{r.tokens}, std::int64_t{r.preempted}, r.free_blocks});
    }
    return t;
}

Table requests_table(const Run& run) {
    Table t{"requests",
            {{"request"},
             {"arrival", "s"},
             {"prompt", "tokens"},
             {"output", "tokens"},
             {"first_token_step"},
             {"finish_step"},
             {"preemptions"},
             {"queue", "s"},
             {"ttft", "s"},
             {"tpot", "s"},
             {"longest_pause", "s"},
             {"latency", "s"},
             {"reused", "tokens"}},
            {}};
    for (const Record& r : run.records) {
        t.rows.push_back({r.request.id, r.request.arrival, std::int64_t{r.request.prompt},
                          std::int64_t{r.request.output}, r.first_token_step, r.finish_step,
                          std::int64_t{r.preemptions}, r.queue(), r.ttft(),
                          r.request.output > 1 ? r.tpot() : std::nan(""), r.longest_pause,
                          r.latency(), std::int64_t{r.reused}});
    }
    return t;
}

/// What .trace.json writes.
Table timeline_table(const Run& run) {
    Table t{"timeline",
            {{"lane"}, {"name"}, {"start", "s"}, {"duration", "s"}, {"request"}, {"tokens"}},
            {}};
    for (const Slice& s : run.slices) {
        t.rows.push_back({fmt::format("seat {}", s.seat),
                          fmt::format("{} of request {}", name(s.doing), s.request), s.start,
                          s.end - s.start, s.request, s.tokens});
    }
    return t;
}

}  // namespace

void describe(const Settings& settings, const Data& d, Outcome& outcome) {
    outcome.finding = finding(settings, d);
    outcome.explanation = explanation(d);
    outcome.sampling = d.sampling;
    outcome.metrics = metrics(d.own());
    outcome.tables.push_back(schedulers_table(d));
    if (settings.per_step) {
        outcome.tables.push_back(steps_table(d.own()));
    }
    if (!d.own().records.empty()) {
        outcome.tables.push_back(requests_table(d.own()));
        outcome.tables.push_back(timeline_table(d.own()));
    }
}

}  // namespace nibble::schedulers_lab
