// Time of one decoding step by bits and by batch: what each operator takes, where weights in few
// bits stop paying and 8 bits on both sides take over, beside what recorded kernels show.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>

#include "sim/core/experiment.hpp"
#include "sim/core/text.hpp"
#include "sim/roofline/calibration.hpp"
#include "sim/roofline/setting.hpp"

namespace nibble::decode_latency_lab {
namespace {

enum class Roof { ideal, reached };

struct Params : Setting {
    Roof roof = Roof::ideal;

    Params() {
        context = 1024;
        group_size = 128;
    }
};

/// The parts of a bar.
enum Part { projections, feed_forward, attention, head, link, part_count };
constexpr const char* part_names[] = {"q k v o", "feed-forward", "attention", "head", "all-reduce"};

/// One way to store and multiply.
struct Way {
    const char* name;
    int weight_bits, activation_bits;
    bool has_groups;
};
constexpr Way ways[] = {{"W16A16", 16, 16, false},
                        {"W8A16", 8, 16, false},
                        {"W4A16", 4, 16, true},
                        {"W8A8", 8, 8, false}};
constexpr std::size_t way_count = std::size(ways), w16 = 0, w4 = 2, w8a8 = 3;

constexpr int largest_doublings = 10;
constexpr std::int64_t largest_batch = std::int64_t{1} << largest_doublings;

struct Step {
    std::array<Seconds, part_count> parts{};
    std::optional<Seconds> reached;  // at what recorded kernels reach

    Seconds total() const {
        Seconds sum{};
        for (const Seconds s : parts) {
            sum += s;
        }
        return sum;
    }
};

/// Recorded: how much faster INT4 weights were than 16-bit ones, over the shapes measured.
struct SpeedUp {
    double tokens, median, low, high;
};

struct Data {
    ModelShape model;
    DeviceSheet device;
    Workload load;
    const Measurements* measured = nullptr;
    std::array<Step, way_count> now;
    std::vector<std::int64_t> batches;
    std::array<std::vector<Step>, way_count> by_batch;
    std::optional<std::int64_t> crossing;  // from this batch on W8A8 beats W4A16
    std::vector<SpeedUp> recorded;
    std::vector<double> ideal_speed_up;  // of one product of the recorded size, for each of them
    bool reached = false;                // kernels of all four ways were recorded
};

Part part_of(Op op) {
    switch (op) {
        case Op::attention:
        case Op::attention_window:
            return attention;
        case Op::lm_head:
            return head;
        case Op::all_reduce:
            return link;
        case Op::gate_proj:
        case Op::up_proj:
        case Op::down_proj:
        case Op::router:
        case Op::expert_gate_proj:
        case Op::expert_up_proj:
        case Op::expert_down_proj:
        case Op::shared_gate_proj:
        case Op::shared_up_proj:
        case Op::shared_down_proj:
            return feed_forward;
        default:
            return projections;
    }
}

Workload load_of(const Params& p, const Way& way, std::int64_t batch) {
    Workload w = p.workload();
    w.phase = Phase::decode;
    w.batch = batch;
    w.precision.weight_bits = way.weight_bits;
    w.precision.activation_bits = way.activation_bits;
    w.precision.weight_group = way.has_groups ? p.group_size : 0;
    return w;
}

Step step_of(const Params& p, const Data& d, const Machine& machine, const Way& way,
             std::int64_t batch) {
    const Workload w = load_of(p, way, batch);
    const Operators list = operators(d.model, w);
    Step step;
    for (const Operator& o : list) {
        step.parts[part_of(o.op)] += double(o.count) * ideal_time(o, machine, w.precision).total();
    }
    if (const Calibration* c = calibration_of(p.device)) {
        step.reached = c->step(list, w);
    }
    return step;
}

const GemmSeries* series(const Measurements& m, double weight_bits, double activation_bits) {
    for (const GemmSeries& s : m.gemms) {
        if (s.weight_bits == weight_bits && s.activation_bits == activation_bits) {
            return &s;
        }
    }
    return nullptr;
}

/// The medians over the shapes measured, for each number of tokens.
void compare_recorded(Data& d, const Machine& machine) {
    const GemmSeries* wide = series(*d.measured, 16, 16);
    const GemmSeries* narrow = series(*d.measured, 4, 16);
    if (!wide || !narrow) {
        return;
    }
    std::map<double, std::vector<double>> recorded, ideal;
    for (const MeasuredGemm& n : narrow->rows) {
        for (const MeasuredGemm& w : wide->rows) {
            if (w.tokens == n.tokens && w.inputs == n.inputs && w.outputs == n.outputs) {
                recorded[n.tokens].push_back(ratio(w.time, n.time));
                const auto time = [&](const GemmSeries& s, const MeasuredGemm& r) {
                    return ideal_time(operator_of(s, r), machine, precision_of(s)).total();
                };
                ideal[n.tokens].push_back(ratio(time(*wide, w), time(*narrow, n)));
            }
        }
    }
    for (auto& [tokens, ratios] : recorded) {
        std::sort(ratios.begin(), ratios.end());
        std::vector<double>& own = ideal[tokens];
        std::sort(own.begin(), own.end());
        d.recorded.push_back({tokens, ratios[ratios.size() / 2], ratios.front(), ratios.back()});
        d.ideal_speed_up.push_back(own[own.size() / 2]);
    }
}

Data run(const Params& p, const RunContext& context) {
    context.check();
    Data d;
    d.model = model_named(p.model);
    d.device = catalogue().device(p.device);
    d.load = p.workload();
    const Machine machine = machine_of(d.device, p.accumulate);
    for (std::size_t i = 0; i < way_count; ++i) {
        d.now[i] = step_of(p, d, machine, ways[i], p.batch);
    }
    d.reached = std::all_of(d.now.begin(), d.now.end(),
                            [](const Step& s) { return s.reached.has_value(); });
    for (int half = 0; half <= 2 * largest_doublings; ++half) {
        const auto batch = std::llround(std::exp2(half / 2.0));
        if (!d.batches.empty() && d.batches.back() == batch) {
            continue;  // 1 and the root of 2
        }
        d.batches.push_back(batch);
        for (std::size_t i = 0; i < way_count; ++i) {
            d.by_batch[i].push_back(step_of(p, d, machine, ways[i], d.batches.back()));
        }
    }
    for (std::int64_t b = 1; b <= largest_batch && !d.crossing; ++b) {
        const auto total = [&](std::size_t way) {
            return ideal_step(d.model, load_of(p, ways[way], b), machine).seconds;
        };
        if (total(w8a8) < total(w4)) {
            d.crossing = b;
        }
    }
    d.measured = catalogue().measured(p.device);
    if (d.measured) {
        compare_recorded(d, machine);
    }
    return d;
}

bool shows_reached(const Params& p, const Data& d) {
    return p.roof == Roof::reached && d.reached;
}

double shown(const Step& s, bool reached) {
    return 1e3 * (reached ? *s.reached : s.total()).value;
}

Figure parts_figure(const Data& d) {
    Figure f;
    f.id = "step-by-operator";
    f.title = fmt::format("One step for {} {}, ideal roof", d.load.batch,
                          d.load.batch == 1 ? "request" : "requests");
    f.alt_text =
        "Stacked bars: time of one decoding step by operator, for weights and activations "
        "in 16, 8 and 4 bits.";
    f.x = {.label = "bits of weights and activations"};
    f.y = {.label = "time of a step", .unit = "ms"};
    Bars bars;
    bars.stacked = true;
    for (int part = 0; part < part_count; ++part) {
        Bars::Series s{part_names[part], category(part), {}};
        double sum = 0;
        for (const Step& step : d.now) {
            s.values.push_back(1e3 * step.parts[static_cast<std::size_t>(part)].value);
            sum += s.values.back();
        }
        if (sum > 0) {
            bars.series.push_back(std::move(s));
        }
    }
    for (const Way& way : ways) {
        bars.names.emplace_back(way.name);
    }
    f.marks.emplace_back(std::move(bars));
    return f;
}

Figure batch_figure(const Data& d, bool reached) {
    Figure f;
    f.id = "step-by-batch";
    f.title = reached ? "At what recorded kernels reach (fitted)" : "On the ideal roof";
    f.alt_text =
        "Time of one decoding step against the batch, both logarithmic, for weights and "
        "activations in 16, 8 and 4 bits.";
    f.x = {.label = "requests at once",
           .scale = Scale::log2,
           .limits = std::pair(1.0, double(largest_batch))};
    f.y = {.label = "time of a step", .unit = "ms", .scale = Scale::log10};
    const Role roles[] = {Role::baseline, category(3), Role::subject, category(7)};
    for (std::size_t i = 0; i < way_count; ++i) {
        Line line{ways[i].name, roles[i], {}, {}};
        for (std::size_t k = 0; k < d.batches.size(); ++k) {
            line.x.push_back(double(d.batches[k]));
            line.y.push_back(shown(d.by_batch[i][k], reached));
        }
        f.marks.emplace_back(std::move(line));
    }
    if (d.crossing && !reached) {
        f.marks.emplace_back(Rule{fmt::format("W8A8 passes at {}", *d.crossing), Role::muted, true,
                                  double(*d.crossing)});
    }
    Handle h;
    h.label = fmt::format("batch {}", d.load.batch);
    h.hint = "drag me";
    h.x = double(d.load.batch);
    h.x_param = "batch";
    f.marks.emplace_back(std::move(h));
    return f;
}

Figure speed_up_figure(const Data& d) {
    Figure f;
    f.id = "recorded-speed-up";
    f.title = "INT4 weights over 16-bit ones: one product";
    f.alt_text =
        "Speed-up of products with 4-bit weights over 16-bit ones against tokens: "
        "recorded medians and the ideal roof.";
    f.x = {.label = "tokens at once", .scale = Scale::log2};
    f.y = {.label = "times faster"};
    Line ideal{"ideal roof", Role::subject, {}, {}};
    Band spread{"", Role::reference, {}, {}, {}};
    Points medians{"recorded", Role::reference, {}, {}};
    for (std::size_t i = 0; i < d.recorded.size(); ++i) {
        const SpeedUp& s = d.recorded[i];
        ideal.x.push_back(s.tokens);
        ideal.y.push_back(d.ideal_speed_up[i]);
        spread.x.push_back(s.tokens);
        spread.low.push_back(s.low);
        spread.high.push_back(s.high);
        medians.x.push_back(s.tokens);
        medians.y.push_back(s.median);
    }
    f.marks = {spread, ideal, medians, Rule{"as fast", Role::muted, false, 1}};
    f.footnote = fmt::format("recorded on {}: median and range over matrix sizes; {}, {}",
                             d.measured->machine, d.measured->source, d.measured->licence);
    return f;
}

std::string finding(const Data& d) {
    const double gain = ratio(d.now[w16].total(), d.now[w4].total());
    const std::string gained =
        fmt::format("With {} {} at once, 4-bit weights make a step {} times as fast, not 4",
                    d.load.batch, d.load.batch == 1 ? "request" : "requests", format_number(gain));
    if (!d.crossing) {
        return fmt::format("{}; up to {} requests W8A8 is never faster", gained, largest_batch);
    }
    return d.load.batch < *d.crossing
               ? fmt::format("{}; from {} requests on W8A8 is faster", gained, *d.crossing)
               : fmt::format(
                     "With {} requests at once W8A8 takes {} and W4A16 {}: they cross at {}",
                     d.load.batch, format_seconds(d.now[w8a8].total()),
                     format_seconds(d.now[w4].total()), *d.crossing);
}

std::string explanation(const Data& d) {
    const Step& wide = d.now[w16];
    std::string text = fmt::format(
        "A step takes at least {} in 16 bits and {} with weights in 4; attention's {} stays what "
        "it is, because the cache keeps its {} bits.",
        format_seconds(wide.total()), format_seconds(d.now[w4].total()),
        format_seconds(wide.parts[attention]), d.load.precision.kv_bits);
    if (d.reached) {
        text += fmt::format(" At what recorded kernels reach it is {} and {}: {} times as fast.",
                            format_seconds(*wide.reached), format_seconds(*d.now[w4].reached),
                            format_number(ratio(*wide.reached, *d.now[w4].reached)));
    }
    const auto slower = std::find_if(d.recorded.begin(), d.recorded.end(),
                                     [](const SpeedUp& s) { return s.median < 1; });
    if (slower != d.recorded.end()) {
        text += fmt::format(
            " Recorded products with INT4 weights are slower than 16-bit ones from "
            "{} tokens on.",
            slower->tokens);
    }
    return text;
}

std::vector<Metric> metrics(const Data& d) {
    const Origin computed{};
    std::vector<Metric> list;
    const char* ids[] = {"seconds_w16a16", "seconds_w8a16", "seconds_w4a16", "seconds_w8a8"};
    const char* labels[] = {"Step in W16A16", "Step in W8A16", "Step in W4A16", "Step in W8A8"};
    for (const std::size_t i : {w16, w4, w8a8, std::size_t{1}}) {
        list.push_back({ids[i], labels[i], d.now[i].total().value, "s", computed, Better::lower,
                        NumberStyle::si});
    }
    list.push_back({"speed_up_w4a16", "W4A16 over W16A16",
                    ratio(d.now[w16].total(), d.now[w4].total()), "times", computed,
                    Better::higher});
    if (d.crossing) {
        list.push_back({"crossing_batch", "W8A8 passes W4A16 at", double(*d.crossing), "requests",
                        computed, Better::neither, NumberStyle::plain, 5});
    }
    if (d.reached) {
        const Origin fit{Origin::Kind::computed,
                         "fit to kernels recorded on " + d.measured->machine};
        list.push_back({"reached_w16a16", "W16A16 that kernels reach, fitted",
                        d.now[w16].reached->value, "s", fit, Better::lower, NumberStyle::si});
        list.push_back({"reached_w4a16", "W4A16 that kernels reach, fitted",
                        d.now[w4].reached->value, "s", fit, Better::lower, NumberStyle::si});
    }
    return list;
}

std::vector<Table> tables(const Data& d) {
    Table t{"by_batch",
            {{"batch"}, {"w16a16", "s"}, {"w8a16", "s"}, {"w4a16", "s"}, {"w8a8", "s"}},
            {}};
    for (std::size_t k = 0; k < d.batches.size(); ++k) {
        std::vector<Table::Cell> row = {d.batches[k]};
        for (std::size_t i = 0; i < way_count; ++i) {
            row.emplace_back(d.by_batch[i][k].total().value);
        }
        t.rows.push_back(std::move(row));
    }
    Table recorded{"recorded_speed_up", {{"tokens"}, {"median"}, {"low"}, {"high"}, {"ideal"}}, {}};
    for (std::size_t i = 0; i < d.recorded.size(); ++i) {
        const SpeedUp& s = d.recorded[i];
        recorded.rows.push_back({s.tokens, s.median, s.low, s.high, d.ideal_speed_up[i]});
    }
    return {t, recorded};
}

Outcome show(const Params& p, const Data& d) {
    Outcome o;
    o.finding = finding(d);
    o.explanation = explanation(d);
    o.metrics = metrics(d);
    o.tables = tables(d);
    const Seconds wide = d.now[w16].total(), narrow = d.now[w4].total();
    o.equations = {
        {"gain = t_{16} / t_{4}",
         fmt::format("{} = {} / {}", format_number(ratio(wide, narrow)), format_seconds(wide, 4),
                     format_seconds(narrow, 4)),
         fmt::format("{} {}", d.load.batch, d.load.batch == 1 ? "request" : "requests")}};
    FigureRow bottom{1, {parts_figure(d)}};
    if (!d.recorded.empty()) {
        bottom.figures.push_back(speed_up_figure(d));
    }
    o.rows = {{1.2, {batch_figure(d, shows_reached(p, d))}}, std::move(bottom)};
    return o;
}

Schema<Params> schema() {
    using namespace setting_params;
    return {
        model<Params>(),
        device<Params>(),
        batch<Params>(),
        context<Params>(),
        kv_bits<Params>().advanced(),
        group_size<Params>()
            .help("Weights of W4A16 that share a 16-bit scale, which is read with them; 0 leaves "
                  "scales out.")
            .advanced(),
        kv_group_size<Params>().advanced(),
        tensor_parallel<Params>().advanced(),
        accumulate<Params>().advanced(),
        choice("roof", &Params::roof, {{"ideal", "ideal"}, {"reached", "reached by kernels"}})
            .help("Draws the lines on the ideal roof, or on the one fitted to recorded kernels "
                  "where all four kinds were recorded.")
            .view()
            .advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("decode-latency", "Machines", "Decode latency",
                                "When do fewer bits make a token faster, and which bits?", schema(),
                                run, show);
}

}  // namespace nibble::decode_latency_lab
