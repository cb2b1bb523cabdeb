// Times that others printed beside what the roofline says of the same setting, on the ideal roof
// and on the one that recorded kernels reach: how far a datasheet takes you, and what is missing.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/experiment.hpp"
#include "sim/core/text.hpp"
#include "sim/roofline/calibration.hpp"
#include "sim/roofline/setting.hpp"

namespace nibble::published_figures_lab {
namespace {

struct Params {
    std::string set = "llama-3.1-8b-h100";
    int devices = 1;
};

struct Compared {
    PublishedStep printed;
    Seconds ideal;
    std::optional<Seconds> reached;

    double over_ideal() const { return ratio(printed.time, ideal); }
    double over_reached() const { return ratio(printed.time, *reached); }
};

struct Set {
    const PublishedSteps* steps;
    std::vector<Compared> rows;
    double median_ideal = 0;
    std::optional<double> median_reached;
};

struct Data {
    std::vector<Set> sets;
    std::size_t chosen = 0;
    std::int64_t devices = 1;  // the nearest to the wished number that was printed

    const Set& own() const { return sets[chosen]; }
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

Set compare(const PublishedSteps& steps) {
    Set set{&steps, {}, 0, std::nullopt};
    const ModelShape& model = catalogue().model(steps.model);
    const Machine machine = machine_of(catalogue().device(steps.device));
    const Calibration* calibration = calibration_of(steps.device);
    std::vector<double> ideal, reached;
    for (const PublishedStep& row : steps.rows) {
        const Workload load = steps.workload(row);
        const Operators list = operators(model, load);
        Compared c{row, step_totals(list, machine, load.precision).seconds,
                   calibration ? calibration->step(list, load) : std::nullopt};
        ideal.push_back(c.over_ideal());
        if (c.reached) {
            reached.push_back(c.over_reached());
        }
        set.rows.push_back(c);
    }
    set.median_ideal = median(ideal);
    if (!reached.empty()) {
        set.median_reached = median(reached);
    }
    return set;
}

Data run(const Params& p, const RunContext& context) {
    Data d;
    for (const PublishedSteps& steps : catalogue().published) {
        context.check();
        if (steps.id == p.set) {
            d.chosen = d.sets.size();
        }
        d.sets.push_back(compare(steps));
    }
    std::int64_t best = 0;
    for (const Compared& c : d.own().rows) {
        const std::int64_t n = c.printed.tensor_parallel;
        best = best == 0 || std::abs(n - p.devices) < std::abs(best - p.devices) ? n : best;
    }
    d.devices = best;
    return d;
}

/// The rows of the chosen set on the chosen number of devices.
std::vector<Compared> shown_rows(const Data& d) {
    std::vector<Compared> rows;
    for (const Compared& c : d.own().rows) {
        if (c.printed.tensor_parallel == d.devices) {
            rows.push_back(c);
        }
    }
    std::stable_sort(rows.begin(), rows.end(), [](const Compared& a, const Compared& b) {
        return std::pair(a.printed.context, a.printed.batch) <
               std::pair(b.printed.context, b.printed.batch);
    });
    return rows;
}

Figure rows_figure(const Data& d) {
    const PublishedSteps& steps = *d.own().steps;
    Figure f;
    f.id = "printed-and-computed";
    f.title =
        fmt::format("{}, {} {}", steps.title, d.devices, d.devices == 1 ? "device" : "devices");
    f.alt_text =
        "Time of a step for each printed setting: printed, on the ideal roof, and at what "
        "recorded kernels reach.";
    f.x = {.label = "requests × context, as printed"};
    f.y = {.label = "time", .unit = "ms", .scale = Scale::log10};
    Points printed{"printed", Role::reference, {}, {}};
    // Points: what stands side by side are settings of their own, with nothing between them.
    Points ideal{"ideal roof", Role::subject, {}, {}},
        reached{"kernels reach (fitted)", category(7), {}, {}};
    double at = 0;
    for (const Compared& c : shown_rows(d)) {
        const std::string name = fmt::format("{} × {}", c.printed.batch, c.printed.context);
        f.x.named_ticks.emplace_back(at, name);
        printed.x.push_back(at);
        printed.y.push_back(1e3 * c.printed.time.value);
        ideal.x.push_back(at);
        ideal.y.push_back(1e3 * c.ideal.value);
        if (c.reached) {
            reached.x.push_back(at);
            reached.y.push_back(1e3 * c.reached->value);
        }
        ++at;
    }
    f.x.limits = std::pair(-0.5, at - 0.5);
    f.marks.emplace_back(std::move(ideal));
    if (!reached.x.empty()) {
        f.marks.emplace_back(std::move(reached));
    }
    f.marks.emplace_back(std::move(printed));
    f.footnote = fmt::format("{}; {}, {}", steps.note, steps.source, steps.licence);
    return f;
}

Figure sets_figure(const Data& d) {
    Figure f;
    f.id = "printed-over-computed";
    f.title = "Printed over computed time, medians of each set";
    f.alt_text =
        "Bars: printed over computed time, on the ideal roof and at what recorded kernels "
        "reach, for each published set.";
    f.x = {.label = "printed / computed"};
    f.y = {.label = ""};
    Bars bars;
    bars.horizontal = true;
    bars.pick.param = "set";
    Bars::Series ideal{"ideal roof", Role::subject, {}},
        reached{"kernels reach (fitted)", category(7), {}};
    for (const Set& set : d.sets) {
        bars.names.push_back(set.steps->title);
        bars.pick.values.emplace_back(set.steps->id);
        ideal.values.push_back(set.median_ideal);
        reached.values.push_back(set.median_reached.value_or(std::nan("")));
    }
    bars.series = {ideal, reached};
    f.marks.emplace_back(std::move(bars));
    f.marks.emplace_back(Rule{"as computed", Role::muted, true, 1});
    return f;
}

Outcome show(const Params&, const Data& d) {
    const Set& own = d.own();
    const auto [low, high] = std::minmax_element(
        own.rows.begin(), own.rows.end(),
        [](const Compared& a, const Compared& b) { return a.over_ideal() < b.over_ideal(); });
    const auto times = [](double value) { return format_number(value, 3) + " times"; };
    Outcome o;
    o.finding = own.median_reached
                    ? fmt::format(
                          "Printed steps take {} the ideal roof, and {} what their kernels "
                          "reach",
                          times(own.median_ideal), times(*own.median_reached))
                    : fmt::format("Printed steps take {} the ideal roof", times(own.median_ideal));
    const auto setting = [](const Compared& c) {
        return fmt::format("{} × {} tokens on {}", c.printed.batch, c.printed.context,
                           c.printed.tensor_parallel);
    };
    o.explanation = fmt::format(
        "{}: medians of {} settings. Nearest to the ideal is {} at {}, farthest {} at {}. ",
        own.steps->title, own.rows.size(), setting(*low), times(low->over_ideal()), setting(*high),
        times(high->over_ideal()));
    o.explanation += own.median_reached
                         ? "What is left beyond the kernels is what none of them sees: launching, "
                           "norms, sampling, talk between devices, prompts of others in between."
                         : "No kernels were recorded for this device and these bits.";
    const Origin computed{},
        published{Origin::Kind::published, own.steps->source + ", " + own.steps->licence};
    o.metrics = {
        {"over_ideal", "Printed over ideal", own.median_ideal, "times", computed, Better::lower},
        {"over_reached", "Printed over reached", own.median_reached.value_or(std::nan("")), "times",
         computed, Better::lower},
        {"least", "Nearest to the ideal", low->over_ideal(), "times", computed},
        {"most", "Farthest from it", high->over_ideal(), "times", computed},
        {"settings", "Settings printed", double(own.rows.size()), "", published}};
    Table t{"steps",
            {{"devices"},
             {"batch"},
             {"context", "tokens"},
             {"printed", "s"},
             {"ideal", "s"},
             {"reached", "s"}},
            {}};
    for (const Compared& c : own.rows) {
        t.rows.push_back({c.printed.tensor_parallel, c.printed.batch, c.printed.context,
                          c.printed.time.value, c.ideal.value,
                          c.reached ? c.reached->value : std::nan("")});
    }
    o.tables = {t};
    o.equations = {
        {"ratio = t_{printed} / t_{ideal}",
         fmt::format("{} = {} / {}", format_number(high->over_ideal()),
                     format_seconds(high->printed.time, 4), format_seconds(high->ideal, 4)),
         setting(*high)}};
    o.rows = {{1.1, {rows_figure(d)}}, {1, {sets_figure(d)}}};
    return o;
}

Schema<Params> schema() {
    return {
        named("set", &Params::set, published_choices())
            .label("Printed where")
            .help("Whose times the figure shows beside the computed ones."),
        integer("devices", &Params::devices, {1, 8, Scale::log2})
            .help("Shows the settings on so many devices, or on the nearest number printed."),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("published-figures", "Machines", "Published figures",
                                "How far from the roofline are the times that others print?",
                                schema(), run, show);
}

}  // namespace nibble::published_figures_lab
