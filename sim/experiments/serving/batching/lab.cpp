// The same requests in static, dynamic, continuous and chunked batches, place by place: who sits
// where, who waits for whom, and which places stay empty.
#include "sim/experiments/serving/batching/show.hpp"

namespace nibble::batching_lab {
namespace {

using batching_lab::Data;
using Params = batching_lab::Settings;

Data run(const Params& p, const RunContext& context) {
    return batching_lab::compare(p, context);
}

Outcome show(const Params& p, const Data& data) {
    Outcome outcome;
    outcome.rows = batching_lab::figures(p, data);
    batching_lab::describe(p, data, outcome);
    return outcome;
}

void add_requests(Schema<Params>& schema) {
    schema.push_back(integer<Params>("requests", static_cast<int Params::*>(&Params::requests),
                                     {2, 100, Scale::linear, {{4, 60}}})
                         .help("How many come, one after the other.")
                         .advanced());
    schema.push_back(
        integer("longest_prompt", &Params::longest_prompt, {1, 20000, Scale::log10, {{64, 16000}}})
            .unit("tokens")
            .help("Prompts are this long down to a 64th of it: longer ones take more "
                  "of a step, and hold up those who share it.")
            .advanced());
    schema.push_back(
        integer("longest_answer", &Params::longest_answer, {1, 1000, Scale::log2, {{8, 512}}})
            .unit("tokens")
            .help("Answers are this long down to a 16th of it: the longest of a "
                  "static batch keeps all its places.")
            .advanced());
}

void add_limits(Schema<Params>& schema) {
    using namespace serving::serving_params;
    schema.push_back(max_wait<Params>().advanced());
    schema.push_back(blocks<Params>().advanced());
    schema.push_back(block_size<Params>().advanced());
    schema.push_back(watermark<Params>().advanced());
    schema.push_back(preemption<Params>().advanced());
    add_clock(schema);
}

void add_views(Schema<Params>& schema) {
    schema.push_back(integer("step", &Params::step, {0, 100000, Scale::linear, {{0, 400}}})
                         .help("The step at whose end the line stands; beyond the last, the last.")
                         .view());
    schema.push_back(integer("request", &Params::request, {0, 99, Scale::linear, {{0, 60}}})
                         .help("The request to follow: click one in a chart.")
                         .view());
}

Schema<Params> schema() {
    using namespace serving::serving_params;
    Schema<Params> all = {
        choice("scheduler", &Params::focus,
               {{"static", "static"},
                {"dynamic", "dynamic"},
                {"continuous", "continuous"},
                {"chunked", "chunked"}})
            .help("Whose steps and times stand beside; all four are drawn.")
            .view(),
        integer<Params>("max_seqs", static_cast<int Params::*>(&Params::max_seqs),
                        {1, 64, Scale::linear, {{1, 16}}})
            .label("Places in the batch")
            .help("More places: more answers side by side, and more of them empty at the end of a "
                  "static batch."),
        token_budget<Params>(),
        rate<Params>(),
    };
    add_requests(all);
    add_limits(all);
    add_views(all);
    return all;
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("batching", "Serving", "Batching",
                                "Why does nobody wait for a batch to finish any more?", schema(),
                                run, show);
}

}  // namespace nibble::batching_lab
