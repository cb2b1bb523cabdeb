// Training once against serving for years, the price of a million tokens against the batch, and
// when an optimisation has paid for itself. Times are from the roofline; prices are assumptions.
#include "sim/roofline/cost.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/experiment.hpp"
#include "sim/core/text.hpp"
#include "sim/roofline/calibration.hpp"
#include "sim/roofline/memory.hpp"
#include "sim/roofline/setting.hpp"

namespace nibble::cost_lab {
namespace {

struct Params : Setting {
    double queries = 1e7, speed_up = 2, hour_price = 2, query_price = 0;
    double work_price = 100000, training_tokens = 2e12, training_share = 0.4;
    int prompt = 500, answer = 250;

    Params() { batch = 16; }
};

constexpr int largest_doublings = 10, shown_years = 5;
constexpr double usable_memory = 0.9;

/// A device at one batch.
struct Point {
    int batch;
    Seconds step;
    std::optional<Seconds> reached;
};

struct Data {
    ModelShape model;
    DeviceSheet device;
    std::vector<Point> by_batch;
    Point now;
    Seconds prefill;                 // of one prompt
    std::int64_t most_requests = 0;  // whose cache fits beside the weights
    Serving serving;
    bool priced = false;        // by the reader instead of by the roofline
    double device_seconds = 0;  // of a query
    std::optional<double> training_device_hours;
    Flops training;
};

Point point_of(const Params& p, const Data& d, int batch) {
    Workload w = p.workload();
    w.phase = Phase::decode;
    w.batch = batch;
    w.context = p.prompt + p.answer;
    const Operators list = operators(d.model, w);
    const Calibration* c = calibration_of(p.device);
    return {batch, step_totals(list, machine_of(d.device), w.precision).seconds,
            c ? c->step(list, w) : std::nullopt};
}

Data run(const Params& p, const RunContext& context) {
    context.check();
    Data d;
    d.model = model_named(p.model);
    d.device = catalogue().device(p.device);
    for (int i = 0; i <= largest_doublings; ++i) {
        d.by_batch.push_back(point_of(p, d, 1 << i));
    }
    d.now = point_of(p, d, p.batch);
    Workload prompt = p.workload();
    prompt.phase = Phase::prefill;
    prompt.batch = 1;
    prompt.context = p.prompt;
    d.prefill = ideal_step(d.model, prompt, machine_of(d.device)).seconds;
    const Bytes weights = weight_bytes(d.model, p.precision(), p.tensor_parallel).total();
    d.most_requests =
        MemoryPlan{d.device.memory, usable_memory * d.device.memory, weights, {}, {}}.requests(
            kv_bytes(d.model, p.precision(), p.tensor_parallel, p.prompt + p.answer));
    d.device_seconds = p.tensor_parallel * (d.prefill.value + p.answer * d.now.step.value /
                                                                  static_cast<double>(p.batch));
    d.priced = p.query_price > 0;
    d.serving = {p.queries,
                 d.priced ? p.query_price : d.device_seconds * p.hour_price / seconds_per_hour};
    d.training =
        training_flops(static_cast<double>(d.model.active_parameters()), p.training_tokens);
    if (d.device.dense.fp16) {
        d.training_device_hours =
            training_hours(d.training, *d.device.dense.fp16, p.training_share);
    }
    return d;
}

double million_tokens(const Params& p, int batch, Seconds step) {
    return 1e6 * p.tensor_parallel * dollars_per_token(batch / step.value, p.hour_price);
}

/// "$ 1.83 M"
std::string dollars(double value) {
    return value >= 1e3 ? "$" + format_si(value) : "$" + format_number(value);
}

Figure years_figure(const Params& p, const Data& d) {
    Figure f;
    f.id = "years";
    f.title = fmt::format("{} queries a day", format_si(p.queries));
    f.alt_text =
        "Money spent against years: training once, serving, and serving after an "
        "optimisation that costs something first.";
    f.x = {.label = "time", .unit = "years", .limits = std::pair(0.0, double(shown_years))};
    f.y = {.label = "spent", .unit = "$", .style = NumberStyle::si};
    const double year = d.serving.dollars_per_year(), faster = year / p.speed_up;
    const std::vector<double> ends = {0, shown_years};
    f.marks.emplace_back(Line{"serving", Role::baseline, ends, {0, shown_years * year}});
    f.marks.emplace_back(Line{fmt::format("{} times as fast", format_number(p.speed_up)),
                              Role::subject,
                              ends,
                              {p.work_price, p.work_price + shown_years * faster}});
    if (d.training_device_hours) {
        f.marks.emplace_back(
            Rule{"training, once", Role::limit, false, *d.training_device_hours * p.hour_price});
    }
    const double even = d.serving.break_even_days(p.work_price, p.speed_up) / days_per_year;
    if (even < shown_years) {
        f.marks.emplace_back(
            Rule{fmt::format("paid for after {} days", format_number(even * days_per_year)),
                 Role::muted, true, even});
    }
    return f;
}

Figure batch_figure(const Params& p, const Data& d) {
    Figure f;
    f.id = "price-by-batch";
    f.title = "A million tokens of answers";
    f.alt_text =
        "Dollars for a million generated tokens against requests at once, on the ideal "
        "roof and at what recorded kernels reach.";
    f.x = {.label = "requests at once", .scale = Scale::log2};
    f.y = {.label = "price", .unit = "$", .scale = Scale::log10};
    Line ideal{"ideal roof", Role::subject, {}, {}},
        reached{"kernels reach (fitted)", category(7), {}, {}};
    for (const Point& at : d.by_batch) {
        ideal.x.push_back(at.batch);
        ideal.y.push_back(million_tokens(p, at.batch, at.step));
        if (at.reached) {
            reached.x.push_back(at.batch);
            reached.y.push_back(million_tokens(p, at.batch, *at.reached));
        }
    }
    f.marks.emplace_back(std::move(ideal));
    if (!reached.x.empty()) {
        f.marks.emplace_back(std::move(reached));
    }
    if (d.most_requests >= 1 && d.most_requests < (1 << largest_doublings)) {
        f.marks.emplace_back(Rule{fmt::format("memory full at {}", d.most_requests), Role::limit,
                                  true, double(d.most_requests)});
    }
    Handle h;
    h.label = fmt::format("batch {}", p.batch);
    h.hint = "drag me";
    h.x = p.batch;
    h.x_param = "batch";
    f.marks.emplace_back(std::move(h));
    return f;
}

std::string finding(const Params& p, const Data& d) {
    const double year = d.serving.dollars_per_year();
    if (!d.training_device_hours) {
        return fmt::format("Serving costs {} a year, and {} times as fast {}", dollars(year),
                           format_number(p.speed_up), dollars(year / p.speed_up));
    }
    const double training = *d.training_device_hours * p.hour_price;
    return fmt::format(
        "Serving costs as much as training after {} years: {} a year against {} once",
        format_number(training / year), dollars(year), dollars(training));
}

std::string explanation(const Params& p, const Data& d) {
    std::string text =
        d.priced ? fmt::format("{} queries a day at {} each.", format_si(p.queries),
                               dollars(p.query_price))
                 : fmt::format(
                       "A query of {} tokens in and {} out, {} at once, takes {} of a device at {} "
                       "an hour: {} for a thousand.",
                       p.prompt, p.answer, p.batch, format_seconds({d.device_seconds}),
                       dollars(p.hour_price), dollars(1e3 * d.serving.dollars_per_query));
    text += fmt::format(
        " A service {} times as fast saves {} every year and pays for {} of work "
        "in {} days.",
        format_number(p.speed_up), dollars(d.serving.saved_per_year(p.speed_up)),
        dollars(p.work_price), format_number(d.serving.break_even_days(p.work_price, p.speed_up)));
    if (d.most_requests == 0) {
        return text + " The weights alone do not fit this device, so this is what they would cost.";
    }
    const int most =
        static_cast<int>(std::min<std::int64_t>(d.most_requests, 1 << largest_doublings));
    return text + fmt::format(
                      " A million tokens cost {} at batch 1 and {} at {}, {}.",
                      dollars(million_tokens(p, 1, d.by_batch.front().step)),
                      dollars(million_tokens(p, most, point_of(p, d, most).step)), most,
                      most < d.most_requests ? "with memory to spare" : "where the memory is full");
}

std::vector<Metric> metrics(const Params& p, const Data& d) {
    const Origin computed{};
    const auto money = [&](const char* id, const char* label, double value, Better better) {
        const bool large = std::abs(value) >= 1000;
        return Metric{
            id, label, value, "$", computed, better, large ? NumberStyle::si : NumberStyle::plain,
            4};
    };
    std::vector<Metric> list = {
        money("serving_per_year", "Serving a year", d.serving.dollars_per_year(), Better::lower),
        money("saved_per_year", "Saved a year", d.serving.saved_per_year(p.speed_up),
              Better::higher),
        {"break_even_days", "Paid for after", d.serving.break_even_days(p.work_price, p.speed_up),
         "days", computed, Better::lower},
        money("million_tokens", "A million tokens", million_tokens(p, p.batch, d.now.step),
              Better::lower),
        money("thousand_queries", "A thousand queries", 1e3 * d.serving.dollars_per_query,
              Better::lower)};
    if (d.training_device_hours) {
        list.push_back(money("training", "Training once", *d.training_device_hours * p.hour_price,
                             Better::lower));
        list.push_back({"training_hours", "Device-hours of training", *d.training_device_hours, "h",
                        computed, Better::lower, NumberStyle::si, 4});
    }
    list.push_back({"training_flops", "Arithmetic of training", d.training.value, "FLOP", computed,
                    Better::neither});
    if (const auto energy = joules(d.device, d.now.step)) {
        list.push_back({"energy_per_token", "Energy a token, at board power",
                        *energy * p.tensor_parallel / p.batch, "J", computed, Better::lower});
    }
    list.push_back({"hour_price", "A device-hour", p.hour_price, "$", {Origin::Kind::assumed, ""}});
    return list;
}

Outcome show(const Params& p, const Data& d) {
    Outcome o;
    o.finding = finding(p, d);
    o.explanation = explanation(p, d);
    o.metrics = metrics(p, d);
    o.equations = {{"year = 365 · queries / 1000 · price",
                    fmt::format("{} = 365 · {} / 1000 · {}", dollars(d.serving.dollars_per_year()),
                                format_si(p.queries), dollars(1e3 * d.serving.dollars_per_query)),
                    "of a thousand"},
                   {"training = 6 N D",
                    fmt::format("{} = 6 · {} · {}", format_number(d.training.value),
                                format_si(static_cast<double>(d.model.active_parameters()), 4),
                                format_si(p.training_tokens)),
                    "FLOP"}};
    Table t{"price_by_batch", {{"batch"}, {"ideal", "$"}, {"reached", "$"}}, {}};
    for (const Point& at : d.by_batch) {
        t.rows.push_back({std::int64_t{at.batch}, million_tokens(p, at.batch, at.step),
                          at.reached ? million_tokens(p, at.batch, *at.reached) : std::nan("")});
    }
    o.tables = {t};
    o.rows = {{1, {years_figure(p, d)}}, {1, {batch_figure(p, d)}}};
    return o;
}

Schema<Params> schema() {
    using namespace setting_params;
    return {
        device<Params>(),
        batch<Params>(),
        real("queries", &Params::queries, {1, 1e10, Scale::log10, {{1e3, 1e9}}})
            .label("Queries a day")
            .help("More queries make serving, not training, what a model costs."),
        real("speed_up", &Params::speed_up, {1.01, 20})
            .label("Made faster")
            .unit("times")
            .help("On the same devices: twice as fast saves half of the serving, every year."),
        model<Params>().advanced(),
        real("hour_price", &Params::hour_price, {0.01, 100, Scale::log10})
            .label("A device-hour")
            .unit("$")
            .help("An assumption: prices differ by contract and by month.")
            .advanced(),
        real("query_price", &Params::query_price, {0, 10})
            .label("A query, if given")
            .unit("$")
            .help("Takes a price of yours in place of the roofline's; 0 computes it.")
            .advanced(),
        integer("prompt", &Params::prompt, {1, 131072, Scale::log2})
            .unit("tokens")
            .help("Tokens that a query brings.")
            .advanced(),
        integer("answer", &Params::answer, {1, 65536, Scale::log2})
            .unit("tokens")
            .help("Tokens that a query gets: each is a share of a step.")
            .advanced(),
        real("work_price", &Params::work_price, {1, 1e9, Scale::log10, {{1e3, 1e7}}})
            .label("Price of the optimisation")
            .unit("$")
            .help("What making it faster costs once: the longer until it has paid for itself.")
            .advanced(),
        real("training_tokens", &Params::training_tokens, {1e9, 1e14, Scale::log10})
            .unit("tokens")
            .help("Of the training run; the default is Llama 2's 2 trillion (arXiv:2307.09288).")
            .advanced(),
        real("training_share", &Params::training_share, {0.01, 1})
            .label("Share of the peak in training")
            .help("What a training run reaches of the 16-bit peak: an assumption.")
            .advanced(),
        weight_bits<Params>().advanced(),
        activation_bits<Params>().advanced(),
        kv_bits<Params>().advanced(),
        group_size<Params>().advanced(),
        tensor_parallel<Params>().advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("cost", "Machines", "Cost",
                                "What does a model cost over its life, and what is a speed-up "
                                "worth?",
                                schema(), run, show);
}

}  // namespace nibble::cost_lab
