// The same plan with the wrong constant and with the right one: a sparse peak taken for a dense
// one, sums in FP16 for sums in FP32, binary gigabytes for decimal ones. The sheet prints all of
// them.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/experiment.hpp"
#include "sim/core/text.hpp"
#include "sim/roofline/memory.hpp"
#include "sim/roofline/setting.hpp"

namespace nibble::datasheet_traps_lab {
namespace {

struct Params : Setting {
    /// A prompt on a consumer board, where every trap is open.
    Params() {
        model = "llama-3-8b";
        device = "rtx-4090";
        phase = Phase::prefill;
        context = 2048;
        batch = 4;
    }
};

/// A plan made with one constant.
struct Reading {
    std::string name;
    bool right = false;
    bool is_integer = false;  // products of integers: operations, not FLOP
    FlopsPerSecond peak;
    Seconds step;

    std::string shown_peak() const {
        return fmt::format("{} {}", format_number(peak.value / 1e12, 4),
                           is_integer ? "TOPS" : "TFLOP/s");
    }
    std::string unit() const { return is_integer ? "OP/s" : "FLOP/s"; }
};

struct Data {
    ModelShape model;
    DeviceSheet device;
    Workload load;
    std::vector<Reading> readings;  // the right one first
    Bytes decimal, binary;          // the memory with two meanings of GB
    Bytes request;
    std::int64_t requests_decimal = 0, requests_binary = 0;
    bool eight_bit = false;

    const Reading& right() const { return readings.front(); }
    const Reading& worst() const {
        return *std::max_element(
            readings.begin(), readings.end(),
            [](const Reading& a, const Reading& b) { return a.peak < b.peak; });
    }
    double error() const { return ratio(right().step, worst().step); }
    /// The step waits for memory: what the peaks change of it is lost in rounding.
    bool is_harmless() const { return error() < 1.005; }
};

constexpr double binary_over_decimal = 1024.0 * 1024 * 1024 / 1e9;

/// One rate of the sheet under its heading.
struct Heading {
    const char* name;
    std::optional<FlopsPerSecond> rate;
    bool is_integer = false;
};

/// What the sheet prints for operands of at most so many bits, the narrower ones last.
std::vector<Heading> headings(const DeviceSheet& device, bool eight_bit) {
    const MatrixRates &dense = device.dense, &sparse = device.sparse;
    std::vector<Heading> list;
    if (eight_bit) {
        list = {dense.int8 ? Heading{"INT8, dense", dense.int8, true}
                           : Heading{"FP8, dense", dense.fp8}};
    } else {
        list = {{"16 bit, dense, sums in FP32", dense.fp16},
                {"sums in FP16", dense.fp16_accumulate_fp16},
                {"sparse", sparse.fp16},
                {"sparse, sums in FP16", sparse.fp16_accumulate_fp16}};
    }
    const Heading narrower[] = {{"FP8", dense.fp8},
                                {"FP8, sums in FP16", dense.fp8_accumulate_fp16},
                                {"INT8", dense.int8, true},
                                {"FP8, sparse", sparse.fp8},
                                {"FP8, sparse, sums in FP16", sparse.fp8_accumulate_fp16},
                                {"INT8, sparse", sparse.int8, true},
                                {"FP4", dense.fp4},
                                {"INT4", dense.int4, true},
                                {"FP4, sparse", sparse.fp4},
                                {"INT4, sparse", sparse.int4, true}};
    list.insert(list.end(), std::begin(narrower), std::end(narrower));
    return list;
}

void add_reading(Data& d, const Heading& heading) {
    if (!heading.rate) {
        return;
    }
    for (const Reading& r : d.readings) {
        if (r.peak == *heading.rate) {
            return;  // the same number under another heading traps nobody
        }
    }
    Machine machine = machine_of(d.device);
    (d.eight_bit ? machine.peak8 : machine.peak16) = heading.rate;
    d.readings.push_back({heading.name, d.readings.empty(), heading.is_integer, *heading.rate,
                          ideal_step(d.model, d.load, machine).seconds});
}

Data run(const Params& p, const RunContext& context) {
    context.check();
    Data d;
    d.model = model_named(p.model);
    d.device = catalogue().device(p.device);
    d.load = p.workload();
    d.eight_bit = d.load.precision.is_eight_bit() && d.device.eight_bit();
    if (!d.device.dense.fp16) {
        throw Error(Error::Code::bad_param,
                    fmt::format("device = {}: its maker publishes no 16-bit peak", d.device.id),
                    "there is no figure to misread: take another device");
    }
    for (const Heading& heading : headings(d.device, d.eight_bit)) {
        add_reading(d, heading);
    }
    d.decimal = d.device.memory;
    d.binary = binary_over_decimal * d.device.memory;
    d.request = kv_bytes(d.model, d.load.precision, p.tensor_parallel, p.context);
    const Bytes weights = weight_bytes(d.model, d.load.precision, p.tensor_parallel).total();
    const auto fit = [&](Bytes capacity) {
        return MemoryPlan{capacity, capacity, weights, {}, {}}.requests(d.request);
    };
    d.requests_decimal = fit(d.decimal);
    d.requests_binary = fit(d.binary);
    return d;
}

/// Of all peaks together, where floats and integers stand side by side.
std::string peaks_unit(const Data& d) {
    const bool mixed = std::any_of(d.readings.begin(), d.readings.end(), [&](const Reading& r) {
        return r.is_integer != d.right().is_integer;
    });
    return mixed ? "10¹² operations/s" : d.right().is_integer ? "TOPS" : "TFLOP/s";
}

Figure bars(const Data& d, bool seconds) {
    Figure f;
    f.id = seconds ? "step-by-reading" : "peak-by-reading";
    f.title = seconds ? fmt::format("Time of the step that each would promise")
                      : "Peaks that stand on the same sheet";
    f.alt_text = seconds ? "Bars: predicted time of the step with each of the peaks."
                         : "Bars: the peaks that the device's sheet prints.";
    f.x = {.label = "which figure of the sheet"};
    f.y = seconds ? Axis{.label = "time of a step", .unit = "ms"}
                  : Axis{.label = "peak", .unit = peaks_unit(d)};
    Bars b;
    Bars::Series right{"what dense products reach", Role::subject, {}},
        wrong{"misread", Role::limit, {}};
    for (const Reading& r : d.readings) {
        b.names.push_back(r.name);
        const double value = seconds ? 1e3 * r.step.value : r.peak.value / 1e12;
        right.values.push_back(r.right ? value : std::nan(""));
        wrong.values.push_back(r.right ? std::nan("") : value);
    }
    b.series = {right, wrong};
    b.stacked = true;  // one of the two at each name
    f.marks.emplace_back(std::move(b));
    return f;
}

Figure memory_figure(const Data& d) {
    Figure f;
    f.id = "memory-by-reading";
    f.title = fmt::format("Requests of {} tokens in {} \"GB\"", d.load.context,
                          format_number(d.decimal.value / 1e9));
    f.alt_text = "Bars: requests that fit when a gigabyte is 10^9 bytes and when it is 2^30.";
    f.x = {.label = "a GB is"};
    f.y = {.label = "requests"};
    Bars b;
    b.names = {"10⁹ B", "2³⁰ B"};
    b.series = {{"requests that fit",
                 Role::subject,
                 {double(d.requests_decimal), double(d.requests_binary)}}};
    f.marks.emplace_back(std::move(b));
    f.width = 0.5;
    return f;
}

std::string finding(const Data& d) {
    if (d.readings.size() == 1) {
        return fmt::format("{}'s sheet prints one peak for these products: {}", d.device.name,
                           d.right().shown_peak());
    }
    if (d.is_harmless()) {
        return fmt::format("This step waits for memory: {} changes its {}",
                           d.error() == 1 ? "no peak on the sheet" : "the largest peak hardly",
                           format_seconds(d.right().step));
    }
    return fmt::format("Take {} for the peak of {} and a plan is off {} times",
                       d.worst().shown_peak(), d.device.name, format_number(d.error()));
}

std::string explanation(const Data& d) {
    std::string text =
        fmt::format("The sheet's {} hold for dense products{}. With it the step takes at least {}.",
                    d.right().shown_peak(),
                    d.eight_bit ? " of 8-bit operands" : " of 16-bit operands summed in FP32",
                    format_seconds(d.right().step));
    std::vector<std::string> misread;
    for (const Reading& r : d.readings) {
        if (!r.right) {
            misread.push_back(fmt::format("{} {}", r.name, format_seconds(r.step)));
        }
    }
    if (d.is_harmless()) {
        text +=
            " A wrong peak misleads where arithmetic binds: in the prompt, or in large batches.";
    } else if (!misread.empty()) {
        text += fmt::format(" Misread: {}.", fmt::join(misread, ", "));
    }
    return text + fmt::format(" A GB of 2^30 bytes would hold {} % more: {} requests, not {}.",
                              format_number(100 * (binary_over_decimal - 1), 2), d.requests_binary,
                              d.requests_decimal);
}

Outcome show(const Params&, const Data& d) {
    Outcome o;
    o.finding = finding(d);
    o.explanation = explanation(d);
    const Origin sheet = d.device.origin(), computed{};
    o.metrics = {
        {"right_seconds", "Step with the dense peak", d.right().step.value, "s", computed,
         Better::lower, NumberStyle::si},
        {"wrong_seconds", "Step with the largest figure", d.worst().step.value, "s", computed,
         Better::neither, NumberStyle::si},
        {"error", "The plan is off by", d.error(), "times", computed, Better::lower},
        {"right_peak", "Dense peak", d.right().peak.value, d.right().unit(), sheet, Better::neither,
         NumberStyle::si, 4},
        {"wrong_peak", "Largest figure on the sheet", d.worst().peak.value, d.worst().unit(), sheet,
         Better::neither, NumberStyle::si, 4},
        {"requests_decimal", "Requests in GB", double(d.requests_decimal), "", computed},
        {"requests_binary", "Requests in GiB", double(d.requests_binary), "", computed},
    };
    Table t{"readings", {{"figure"}, {"right"}, {"peak", "operations/s"}, {"seconds", "s"}}, {}};
    for (const Reading& r : d.readings) {
        t.rows.push_back({r.name, std::string(r.right ? "yes" : "no"), r.peak.value, r.step.value});
    }
    o.tables = {t};
    o.equations = {
        {"off by = t_{dense} / t_{misread}",
         fmt::format("{} = {} / {}", format_number(d.error()), format_seconds(d.right().step, 4),
                     format_seconds(d.worst().step, 4)),
         d.worst().name}};
    o.rows = {{1, {bars(d, false)}}, {1, {bars(d, true), memory_figure(d)}}};
    return o;
}

Schema<Params> schema() {
    using namespace setting_params;
    return {
        device<Params>(),
        phase<Params>(),
        batch<Params>(),
        context<Params>(),
        model<Params>().advanced(),
        chunk<Params>().advanced(),
        weight_bits<Params>().advanced(),
        activation_bits<Params>().advanced(),
        kv_bits<Params>().advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("datasheet-traps", "Machines", "Datasheet traps",
                                "Which of the numbers on a sheet may a plan be built on?", schema(),
                                run, show);
}

}  // namespace nibble::datasheet_traps_lab
