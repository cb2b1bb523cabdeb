#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/serving/batching/show.hpp"

namespace nibble::batching_lab {
namespace {

using namespace serving;

std::string seconds(double value) {
    return format_si(value) + "s";
}

std::string percent(double share) {
    return format_number(100 * share, 2) + " %";
}

const Record& record(const Run& run, std::int64_t request) {
    return run.records[static_cast<std::size_t>(request)];
}

std::string finding(const Data& d) {
    const Run &batches = d.of(Policy::static_batch), &continuous = d.of(Policy::continuous),
              &pieces = d.of(Policy::chunked);
    if (batches.end > 1.02 * continuous.end) {
        return fmt::format(
            "Static batches leave {} of the places empty and take {} times as long as continuous "
            "batching, which leaves {}",
            percent(batches.idle), format_number(batches.end / continuous.end),
            percent(continuous.idle));
    }
    if (continuous.longest_pause > 1.5 * pieces.longest_pause) {
        return fmt::format("Prompts taken whole stop an answer for up to {}; in pieces, for {}",
                           seconds(continuous.longest_pause), seconds(pieces.longest_pause));
    }
    return "These requests keep every scheduler's places equally busy";
}

std::string explanation(const Settings& s, const Data& d) {
    const std::int64_t request = chosen(s, d);
    const Run &batches = d.of(Policy::static_batch), &whole = d.of(Policy::continuous),
              &pieces = d.of(Policy::chunked);
    const Record& r = record(whole, request);
    return fmt::format(
        "A place in a static batch stays empty until the longest answer is done. Request {} (a "
        "prompt of {} tokens, an answer of {}) has its first token after {} in static batches, {} "
        "in continuous ones, {} with chunked prompts. The longest pause within any answer is {} "
        "beside whole prompts and {} beside pieces of {} tokens. {}.",
        request, format_count(r.request.prompt), r.request.output,
        seconds(record(batches, request).ttft()), seconds(r.ttft()),
        seconds(record(pieces, request).ttft()), seconds(whole.longest_pause),
        seconds(pieces.longest_pause), pieces.rules.token_budget, d.clock);
}

std::vector<Metric> metrics(const Settings& s, const Data& d) {
    const Run& run = d.of(s.focus);
    const Record& r = record(run, chosen(s, d));
    const auto time = [](std::string id, std::string label, double value) {
        return Metric{std::move(id), std::move(label), value, "s", {},
                      Better::lower, NumberStyle::si};
    };
    std::vector<Metric> list = {
        time("ttft", fmt::format("First token of request {}", r.request.id), r.ttft())};
    if (r.request.output > 1) {
        list.push_back(time("tpot", "Then a token every", r.tpot()));
    }
    list.push_back(time("latency", "Its last token after", r.latency()));
    list.push_back(
        {"idle_share", "Places empty", run.idle, "", {}, Better::lower, NumberStyle::percent});
    list.push_back(time("duration", "All done after", run.end));
    list.push_back(time("longest_pause", "Longest pause in an answer", run.longest_pause));
    list.push_back({"steps",
                    "Steps",
                    static_cast<double>(run.steps.size()),
                    "",
                    {},
                    Better::lower,
                    NumberStyle::plain,
                    9});
    list.push_back({"preemptions",
                    "Preemptions",
                    static_cast<double>(run.preemptions),
                    "",
                    {},
                    Better::lower,
                    NumberStyle::plain,
                    9});
    return list;
}

Table runs_table(const Data& d) {
    Table t{"schedulers",
            {{"scheduler"},
             {"steps"},
             {"duration", "s"},
             {"idle_share"},
             {"longest_pause", "s"},
             {"preemptions"}},
            {}};
    for (const Run& run : d.runs) {
        t.rows.push_back({std::string(name(run.policy)),
                          static_cast<std::int64_t>(run.steps.size()), run.end, run.idle,
                          run.longest_pause, run.preemptions});
    }
    return t;
}

Table requests_table(const Data& d) {
    Table t{"requests",
            {{"scheduler"},
             {"request"},
             {"arrival", "s"},
             {"prompt", "tokens"},
             {"output", "tokens"},
             {"first_token_step"},
             {"finish_step"},
             {"preemptions"},
             {"ttft", "s"},
             {"tpot", "s"},
             {"latency", "s"}},
            {}};
    for (const Run& run : d.runs) {
        for (const Record& r : run.records) {
            t.rows.push_back({std::string(name(run.policy)), r.request.id, r.request.arrival,
                              std::int64_t{r.request.prompt}, std::int64_t{r.request.output},
                              r.first_token_step, r.finish_step, std::int64_t{r.preemptions},
                              r.ttft(), r.request.output > 1 ? r.tpot() : std::nan(""),
                              r.latency()});
        }
    }
    return t;
}

/// What .trace.json writes: a group of lanes for each scheduler.
Table timeline_table(const Data& d) {
    Table t{"timeline",
            {{"group"}, {"lane"}, {"name"}, {"start", "s"}, {"duration", "s"}, {"tokens"}},
            {}};
    for (const Run& run : d.runs) {
        for (const Slice& s : run.slices) {
            t.rows.push_back({std::string(name(run.policy)), fmt::format("place {}", s.seat + 1),
                              fmt::format("{} of request {}", name(s.doing), s.request), s.start,
                              s.end - s.start, s.tokens});
        }
    }
    return t;
}

std::vector<Equation> equations(const Settings& s, const Data& d) {
    const Record& r = record(d.of(s.focus), chosen(s, d));
    const Moment& m = moment_of(s, d);
    std::vector<Equation> list = {
        {"TTFT = first token - arrival",
         fmt::format("{} = {} - {}", seconds(r.ttft()), format_number(r.first_token, 5),
                     format_number(r.request.arrival, 5)),
         fmt::format("request {}, {}", r.request.id, name(s.focus))}};
    if (r.request.output > 1) {
        list.push_back(
            {"TPOT = (last token - first token) / (tokens - 1)",
             fmt::format("{} = ({} - {}) / {}", seconds(r.tpot()), format_number(r.finish, 5),
                         format_number(r.first_token, 5), r.request.output - 1),
             ""});
    }
    list.push_back(
        {"tokens of the step ≤ budget",
         fmt::format("{} ≤ {}", m.tokens, d.of(s.focus).rules.token_budget),
         fmt::format("step {}: {} running, {} of them with a prompt, {} waiting, {} long", m.number,
                     m.running, m.prompts, m.waiting, seconds(m.end - m.start))});
    return list;
}

Timeline timeline(const Settings& s, const Data& d) {
    const Run& run = d.of(s.focus);
    Timeline t;
    t.param = "step";
    t.last = static_cast<std::int64_t>(run.steps.size()) - 1;
    t.steps_a_second = 12;
    t.marks_meaning = run.preemptions > 0 ? "preemptions" : "prompts";
    for (std::size_t i = 0; i < run.steps.size(); ++i) {
        const Moment& m = run.steps[i];
        for (const std::int64_t request : m.preempted) {
            t.marks.push_back(
                {static_cast<std::int64_t>(i), fmt::format("request {} is thrown out", request)});
        }
        if (run.preemptions == 0 && m.prompts > 0) {
            t.marks.push_back({static_cast<std::int64_t>(i),
                               fmt::format("{} prompts, {} tokens", m.prompts, m.tokens)});
        }
    }
    return t;
}

}  // namespace

void describe(const Settings& s, const Data& d, Outcome& outcome) {
    outcome.finding = finding(d);
    outcome.explanation = explanation(s, d);
    outcome.metrics = metrics(s, d);
    outcome.equations = equations(s, d);
    outcome.tables = {runs_table(d), requests_table(d), timeline_table(d)};
    outcome.timeline = timeline(s, d);
}

}  // namespace nibble::batching_lab
