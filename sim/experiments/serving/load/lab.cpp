// Where the knee is: waiting, flowing and what comes out of a machine as more and more requests
// arrive, for one scheduler and another.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/serving/load/data.hpp"

namespace nibble::load_lab {
namespace {

using serving::LoadPoint;

constexpr double shares[] = {0.05, 0.15, 0.3,  0.45, 0.6, 0.7, 0.78,
                             0.85, 0.9,  0.95, 1.0,  1.1, 1.25};
constexpr double coarse_shares[] = {0.15, 0.5, 0.75, 0.9, 1.0, 1.2};
constexpr int coarse_requests = 150;
constexpr int most_users = 1024;

/// The loads that are tried, rising.
std::vector<double> grid(const Params& p, double capacity, bool coarse) {
    std::vector<double> loads;
    if (p.is_closed()) {
        for (int users = 1; users <= std::min(most_users, 4 * p.max_seqs);
             users *= coarse ? 4 : 2) {
            loads.push_back(users);
        }
        return loads;
    }
    for (const double share :
         coarse ? std::span<const double>(coarse_shares) : std::span<const double>(shares)) {
        loads.push_back(share * capacity);
    }
    return loads;
}

Data run(const Params& p, const RunContext& context) {
    Params setting = p;
    if (context.preview) {
        setting.requests = std::min(p.requests, coarse_requests);
    }
    Params other = setting;
    if (p.against != Against::none) {
        other.scheduler = static_cast<serving::Scheduler>(static_cast<int>(p.against) - 1);
    }
    const bool compares = p.against != Against::none && other.scheduler != p.scheduler;
    const serving::StepTime clock = p.clock();
    Data d;
    d.capacity = serving::capacity(setting, clock, context);
    d.now = serving::run_load(setting, p.load(), clock, context);
    if (compares) {
        d.other_now = serving::run_load(other, p.load(), clock, context);
    }
    const std::vector<double> loads = grid(p, d.capacity, context.preview);
    for (std::size_t i = 0; i < loads.size(); ++i) {
        d.points.push_back(serving::run_load(setting, loads[i], clock, context));
        if (compares) {
            d.others.push_back(serving::run_load(other, loads[i], clock, context));
        }
        context.progress(static_cast<double>(i + 1) / static_cast<double>(loads.size()));
        context.publish(d);
    }
    d.finished = true;
    return d;
}

std::string milliseconds(double seconds) {
    return format_number(1000 * seconds, 3) + " ms";
}

/// "8.2 requests a second", "16 users".
std::string load_words(const Params& p, double load) {
    return p.is_closed() ? fmt::format("{} users", std::lround(load))
                         : fmt::format("{} requests a second", format_number(load, 3));
}

/// The first of those that were tried.
std::string lowest_load(const Params& p, const std::vector<LoadPoint>& points) {
    return points.empty() ? "the lowest load" : load_words(p, points.front().load);
}

void say(const Params& p, const Data& d, Outcome& o) {
    const auto kept = [&](const std::string& scheduler, const std::vector<LoadPoint>& points) {
        const auto at = serving::knee(points, knee_share);
        return at ? fmt::format("{} keeps 9 of 10 within the objective up to {}", scheduler,
                                load_words(p, *at))
                  : fmt::format("{} keeps fewer than 9 of 10 even at {}", scheduler,
                                lowest_load(p, points));
    };
    o.finding = kept(std::string(name(p.scheduler)), d.points);
    if (!d.others.empty()) {
        o.finding += "; " + kept(other_name(p), d.others);
    }
    o.finding += ".";
    o.finding[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(o.finding[0])));
    o.explanation = fmt::format(
        "At {} the first token takes {} at the median and {} for one in a hundred; then a token "
        "comes every {}. {} % keep {} and {}. With a line that is never empty {} requests a second "
        "are answered: beyond that waiting only tells how long the run was.",
        load_words(p, p.load()), milliseconds(d.now.ttft.p50), milliseconds(d.now.ttft.p99),
        milliseconds(d.now.tpot.p50), format_number(100 * d.now.kept, 3),
        milliseconds(p.slo_ttft_ms / 1000), milliseconds(p.slo_tpot_ms / 1000),
        format_number(d.capacity, 3));
}

void add_metrics(const Params& p, const Data& d, Outcome& o) {
    const Origin computed{};
    const auto time = [&](const char* id, const char* label, double seconds) {
        o.metrics.push_back({id, label, seconds, "s", computed, Better::lower, NumberStyle::si});
    };
    time("ttft_p50", "First token, median", d.now.ttft.p50);
    time("ttft_p99", "First token, p99", d.now.ttft.p99);
    time("tpot_p99", "A token after it, p99", d.now.tpot.p99);
    o.metrics.push_back(
        {"goodput", "Within the objective", d.now.goodput, "requests/s", computed, Better::higher});
    if (const auto at = serving::knee(d.points, knee_share)) {
        o.metrics.push_back({"knee", "Knee, 9 of 10 within", *at,
                             p.is_closed() ? "users" : "requests/s", computed, Better::higher});
    }
    time("tpot_p50", "A token after it, median", d.now.tpot.p50);
    time("latency_p50", "Whole answer, median", d.now.latency.p50);
    time("latency_p99", "Whole answer, p99", d.now.latency.p99);
    o.metrics.push_back(
        {"throughput", "Answers", d.now.throughput, "1/s", computed, Better::higher});
    o.metrics.push_back({"tokens_per_second", "Tokens a second", d.now.tokens_per_second, "1/s",
                         computed, Better::higher, NumberStyle::si});
    o.metrics.push_back({"capacity", "With a line that is never empty", d.capacity, "requests/s",
                         computed, Better::higher});
    o.metrics.push_back({"kept", "Keep the objective", d.now.kept, "", computed, Better::higher,
                         NumberStyle::percent});
    o.metrics.push_back(
        {"mean_in_system", "In the system, counted", d.now.mean_in_system, "requests", computed});
    o.metrics.push_back(
        {"little", "In the system, by Little's law", d.now.little(), "requests", computed});
    o.metrics.push_back({"cache_used", "Cache in use", d.now.used, "", computed, Better::neither,
                         NumberStyle::percent});
    o.metrics.push_back(
        {"preemptions", "Preemptions a request", d.now.preemptions, "", computed, Better::lower});
}

Table load_table(const Data& d) {
    Table t{"loads",
            {{"load"},
             {"throughput", "1/s"},
             {"goodput", "1/s"},
             {"kept"},
             {"ttft_p50", "s"},
             {"ttft_p95", "s"},
             {"ttft_p99", "s"},
             {"tpot_p50", "s"},
             {"tpot_p95", "s"},
             {"tpot_p99", "s"},
             {"mean_latency", "s"},
             {"mean_in_system"},
             {"little"},
             {"cache_used"},
             {"preemptions"}},
            {}};
    for (const LoadPoint& p : d.points) {
        t.rows.push_back({p.load, p.throughput, p.goodput, p.kept, p.ttft.p50, p.ttft.p95,
                          p.ttft.p99, p.tpot.p50, p.tpot.p95, p.tpot.p99, p.mean_latency,
                          p.mean_in_system, p.little(), p.used, p.preemptions});
    }
    return t;
}

Outcome show(const Params& p, const Data& d) {
    Outcome o;
    say(p, d, o);
    o.rows = figures(p, d);
    add_metrics(p, d, o);
    o.tables = {load_table(d)};
    o.equations = {
        {"L = λ × W",
         fmt::format("{} × {} = {}", format_number(d.now.throughput, 3),
                     format_number(d.now.mean_latency, 3), format_number(d.now.little(), 3)),
         fmt::format("Little's law; counted: {}", format_number(d.now.mean_in_system, 3))}};
    if (!d.finished) {
        o.sampling = fmt::format("{} loads so far", d.points.size());
    }
    return o;
}

Schema<Params> schema() {
    using namespace serving::serving_params;
    Schema<Params> schema = {
        scheduler<Params>(),
        rate<Params>(),
        users<Params>(),
        max_seqs<Params>(),
        token_budget<Params>(),
        choice("against", &Params::against,
               {{"none", "nothing"},
                {"static", "static"},
                {"dynamic", "dynamic"},
                {"continuous", "continuous"},
                {"chunked", "chunked"},
                {"prefix_aware", "prefix-aware"},
                {"disaggregated", "disaggregated"}})
            .label("Compare with")
            .help("Another scheduler under the same requests, drawn behind this one.")
            .advanced(),
        slo_ttft_ms<Params>().advanced(),
        slo_tpot_ms<Params>().advanced(),
        lengths<Params>().advanced(),
        pattern<Params>().advanced(),
        variation<Params>().advanced(),
        think<Params>().advanced(),
        integer("requests", static_cast<int Params::*>(&Params::requests),
                {20, 20000, Scale::log10})
            .help("How many are made at every load: more of them steady the percentiles.")
            .advanced(),
        blocks<Params>().advanced(),
        block_size<Params>().advanced(),
        watermark<Params>().advanced(),
        preemption<Params>().advanced(),
        max_wait<Params>().advanced(),
    };
    add_clock(schema);
    schema.push_back(link_gb_s<Params>().advanced());
    return schema;
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("load", "Serving", "Load",
                                "How many requests a second can a machine take before they wait?",
                                schema(), run, show);
}

}  // namespace nibble::load_lab
