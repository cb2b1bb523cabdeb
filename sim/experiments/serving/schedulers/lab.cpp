// One list of requests, every scheduler: who waits, who is interrupted, what it costs.
#include "sim/experiments/serving/schedulers/show.hpp"

namespace nibble::schedulers_lab {
namespace {

using schedulers_lab::Data;
using schedulers_lab::Workload;
using Params = schedulers_lab::Settings;

Data run(const Params& p, const RunContext& context) {
    return schedulers_lab::compare(p, context);
}

Outcome show(const Params& p, const Data& data) {
    Outcome outcome;
    outcome.rows = schedulers_lab::figures(data);
    schedulers_lab::describe(p, data, outcome);
    return outcome;
}

bool made_up(const Params& p) {
    return p.trace.empty();
}

void add_work(Schema<Params>& schema) {
    schema.push_back(file("trace", &Params::trace, {".csv"})
                         .label("Trace file")
                         .help("Requests of yours: a CSV file with the columns arrival (seconds), "
                               "prompt and output (tokens), and perhaps prefix_id and prefix_len.")
                         .advanced());
    using namespace serving::serving_params;
    const auto drawn = [](const Params& p) { return made_up(p) && p.workload == Workload::mix; };
    schema.push_back(integer<Params>("requests", static_cast<int Params::*>(&Params::requests),
                                     {1, 2000, Scale::log10, {{10, 2000}}})
                         .help("How many are drawn: more of them steady the percentiles.")
                         .when(drawn)
                         .advanced());
    schema.push_back(rate<Params>().when(drawn).advanced());
    schema.push_back(lengths<Params>().when(drawn).advanced());
    schema.push_back(boolean("per_step", &Params::per_step)
                         .label("Every step in tables")
                         .help("Adds what each request computed in each step, and when it got its "
                               "first and its last token.")
                         .advanced());
}

void add_limits(Schema<Params>& schema) {
    using namespace serving::serving_params;
    schema.push_back(max_seqs<Params>().advanced());
    schema.push_back(block_size<Params>().advanced());
    schema.push_back(watermark<Params>().advanced());
    schema.push_back(preemption<Params>().advanced());
    schema.push_back(max_wait<Params>().advanced());
    schema.push_back(slo_ttft_ms<Params>().advanced());
    schema.push_back(slo_tpot_ms<Params>().advanced());
}

Schema<Params> schema() {
    using namespace serving::serving_params;
    Schema<Params> all = {
        choice("workload", &Params::workload,
               {{"long_prompt", "one long prompt"},
                {"short_memory", "long answers"},
                {"prefixes", "shared prefixes"},
                {"mix", "real lengths"}})
            .help("Whose requests: short ones and a document among them, questions whose long "
                  "answers outgrow the memory, prompts that begin alike, or lengths of a real "
                  "service.")
            .when(made_up),
        scheduler<Params>(),
        integer("long_prompt", &Params::long_prompt, {1, 100000, Scale::log10, {{100, 30000}}})
            .label("The long prompt")
            .unit("tokens")
            .help("Taken whole it stops everyone's answers for as long as it takes.")
            .when([](const Params& p) { return made_up(p) && p.workload == Workload::long_prompt; })
            .advanced(),
        token_budget<Params>(),
        blocks<Params>(),
    };
    add_work(all);
    add_limits(all);
    add_clock(all);
    all.push_back(link_gb_s<Params>().advanced());
    return all;
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("schedulers", "Serving", "Schedulers",
                                "Who should be next, and how much of a prompt at once?", schema(),
                                run, show);
}

}  // namespace nibble::schedulers_lab
