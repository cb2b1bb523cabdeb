// The sentences, metrics, tables and the ledger of the roofline lab, all from the values.
#include <algorithm>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/machines/roofline/data.hpp"

namespace nibble::roofline_lab {
namespace {

std::string num(double value, int digits = 3) {
    return format_number(value, digits);
}

std::string per_cent(double share) {
    return num(100 * share, share < 0.1 ? 2 : 3) + " %";
}

/// "Decoding for 8 requests at once", "A prompt of 4096 tokens".
std::string subject(const Data& d) {
    const Workload& w = d.load;
    switch (w.phase) {
        case Phase::decode:
            return w.batch == 1 ? "Decoding for one request"
                                : fmt::format("Decoding for {} requests at once", w.batch);
        case Phase::chunk:
            return fmt::format("{} of {} tokens", w.batch == 1 ? "A chunk" : "Each step of chunks",
                               w.fresh());
        default:
            return w.batch == 1 ? fmt::format("A prompt of {} tokens", w.context)
                                : fmt::format("{} prompts of {} tokens", w.batch, w.context);
    }
}

std::string finding(const Data& d) {
    if (!d.linear_peak()) {
        return fmt::format("{} takes at least {} on {}: its maker publishes bandwidth, no peak",
                           subject(d), format_seconds(d.totals.seconds), d.device.name);
    }
    const double computes = ratio(d.totals.compute_bound, d.totals.seconds);
    const std::string used = per_cent(std::min(1.0, d.peak_share()));
    if (computes == 0) {
        return fmt::format("{} uses {} of {}'s arithmetic: every operator waits for memory",
                           subject(d), used, d.device.name);
    }
    if (computes > 0.99) {
        return fmt::format("{} keeps {}'s matrix units busy: {} of the time goes into arithmetic",
                           subject(d), d.device.name, per_cent(computes));
    }
    return fmt::format("{} uses {} of {}'s arithmetic: {} of the time waits for memory", subject(d),
                       used, d.device.name, per_cent(1 - computes));
}

std::string explanation(const Data& d) {
    const StepTotals& t = d.totals;
    std::string text =
        fmt::format("A step takes at least {}: {} of weights{} and {} of cache at {} GB/s.",
                    format_seconds(t.seconds), format_gb(t.weights + t.scales),
                    d.load.tensor_parallel > 1 ? " on each device" : "",
                    format_gb(t.kv_read + t.kv_write), num(d.machine.bandwidth.value / 1e9, 4));
    if (const auto ridge = d.ridge()) {
        const Row& row = d.slider();
        text += fmt::format(" {} stands at {} FLOP a byte", name(row.op.op),
                            num(row.intensity().value));
        if (row.ideal.bound() != Bound::memory) {
            text += fmt::format(", past the ridge at {}", num(*ridge));
        } else if (d.ridge_batch) {
            text += fmt::format(" and reaches the ridge, {}, with {} requests", num(*ridge),
                                *d.ridge_batch);
        } else {
            text += fmt::format(", and no batch brings it to the ridge at {}", num(*ridge));
        }
        text += fmt::format("; attention stays at {} whatever the batch.",
                            num(d.find(Op::attention)->intensity().value));
    }
    if (d.calibrated) {
        text += fmt::format(" Recorded kernels would take {}.", format_seconds(*d.calibrated));
    }
    if (t.dequantized > 0) {
        text += fmt::format(
            " {} weights are widened to 16 bits on the way, which the ideal roof "
            "takes as free.",
            format_si(t.dequantized));
    }
    return text;
}

std::vector<Metric> metrics(const Data& d) {
    const StepTotals& t = d.totals;
    const Origin computed{}, sheet = d.device.origin();
    const auto tokens = static_cast<double>(d.load.batch) * static_cast<double>(d.load.fresh());
    std::vector<Metric> list = {{"total_seconds", "Step on the ideal roof", t.seconds.value, "s",
                                 computed, Better::lower, NumberStyle::si},
                                {"tokens_per_second", "Tokens a second", tokens / t.seconds.value,
                                 "/s", computed, Better::higher, NumberStyle::si}};
    if (d.linear_peak()) {
        list.push_back(
            {"peak_share", "Of the peak", 100 * d.peak_share(), "%", computed, Better::higher});
        list.push_back({"ridge", "Ridge", *d.ridge(), "FLOP/B", sheet});
    }
    if (d.calibrated) {
        list.push_back(
            {"calibrated_seconds",
             "Step that kernels reach, fitted",
             d.calibrated->value,
             "s",
             {Origin::Kind::computed, "fit to kernels recorded on " + d.calibration->machine()},
             Better::lower,
             NumberStyle::si});
    }
    const auto bytes = [&](const char* id, const char* label, Bytes value) {
        list.push_back({id, label, value.value, "B", computed, Better::lower, NumberStyle::si, 4});
    };
    list.push_back({"total_flops", "Arithmetic", t.flops.value, "FLOP", computed, Better::neither,
                    NumberStyle::si, 4});
    bytes("total_bytes", "Traffic", t.bytes());
    bytes("weight_bytes", "Weights without scales", t.weights);
    bytes("weight_bytes_with_scales", "Weights with scales", t.weights + t.scales);
    bytes("activation_bytes", "Activations", t.activations);
    bytes("kv_read_bytes", "Cache read", t.kv_read);
    bytes("kv_write_bytes", "Cache written", t.kv_write);
    bytes("link_bytes", "Sent to other devices", t.link);
    list.push_back({"dequantized_weights", "Weights widened", t.dequantized, "", computed,
                    Better::lower, NumberStyle::si});
    list.push_back({"bandwidth", "Bandwidth", d.machine.bandwidth.value, "B/s", sheet,
                    Better::neither, NumberStyle::si, 4});
    if (const auto peak = d.linear_peak()) {
        list.push_back({"peak", "Peak of these products", peak->value, "FLOP/s", sheet,
                        Better::neither, NumberStyle::si, 4});
    }
    return list;
}

/// What the measured roof of a processor says of the same step, its weights read as they are.
void add_processor_metrics(const Data& d, std::vector<Metric>& list) {
    const Origin origin{d.here->now ? Origin::Kind::measured_here : Origin::Kind::recorded,
                        d.here->name};
    const Seconds memory = d.totals.bytes() / d.here->memory;
    const Seconds arithmetic = d.totals.flops / d.here->peak;
    const auto add = [&](const char* id, const char* label, double value, const char* unit,
                         Better better) {
        list.push_back({id, label, value, unit, origin, better, NumberStyle::si, 3, d.here->now});
    };
    add("here_seconds", "This step under the measured roof", std::max(memory, arithmetic).value,
        "s", Better::lower);
    add("here_bandwidth",
        d.here->beyond_cache ? "Measured, from memory" : "Measured, within caches",
        d.here->memory.value, "B/s", Better::higher);
    add("here_peak", "Measured, FP32", d.here->peak.value, "FLOP/s", Better::higher);
}

Table operator_table(const Data& d) {
    Table t{"operators",
            {{"op"},
             {"count", "layers"},
             {"flops", "FLOP"},
             {"weight_bytes", "B"},
             {"activation_bytes", "B"},
             {"kv_read_bytes", "B"},
             {"kv_write_bytes", "B"},
             {"intensity", "FLOP/B"},
             {"bound"},
             {"seconds", "s"},
             {"scale_bytes", "B"},
             {"link_bytes", "B"},
             {"calibrated_seconds", "s"}},
            {}};
    for (const Row& r : d.rows) {
        t.rows.push_back({std::string(name(r.op.op)), r.op.count, exact_cell(r.op.flops.value),
                          exact_cell(r.op.weights.value), exact_cell(r.op.activations.value),
                          exact_cell(r.op.kv_read.value), exact_cell(r.op.kv_write.value),
                          r.op.bytes() > Bytes{} ? r.intensity().value : 0.0,
                          std::string(name(r.ideal.bound())), r.ideal.total().value,
                          exact_cell(r.op.scales.value), exact_cell(r.op.link.value),
                          r.calibrated ? r.calibrated->value : std::nan("")});
    }
    return t;
}

Table fit_table(const Calibration& c) {
    Table t{"calibration",
            {{"kernel"},
             {"rows"},
             {"fixed", "s"},
             {"compute_share"},
             {"memory_share"},
             {"median_error"},
             {"p90_error"},
             {"ideal_median"}},
            {}};
    const auto add = [&](std::string kernel, const RoofFit& f) {
        t.rows.push_back({std::move(kernel), static_cast<std::int64_t>(f.rows), f.fixed.value,
                          f.compute_share, f.memory_share, f.median_error, f.p90_error,
                          f.ideal_median});
    };
    for (const auto& g : c.gemms()) {
        add(g.kernel, g.fit);
    }
    for (const auto& a : c.attentions()) {
        add(fmt::format("attention, {}, {}-bit cache", a.decode ? "decode" : "prefill", a.kv_bits),
            a.fit);
    }
    return t;
}

/// The FLOP and bytes of one operator, written out.
std::vector<Equation> ledger(const Data& d, const Row& r) {
    const Workload& w = d.load;
    const Precision& p = w.precision;
    const std::string note = fmt::format("{}, one of {} {}", name(r.op.op), r.op.count,
                                         r.op.op == Op::lm_head ? "step" : "layers");
    const auto flop = format_si(r.op.flops.value, 4), bytes = format_si(r.op.bytes().value, 4);
    std::vector<Equation> list;
    if (r.op.op == Op::all_reduce) {
        list.push_back(
            {"sent = 2 · 2(n - 1)/n · T hidden a / 8",
             fmt::format("{}B with n = {}", format_si(r.op.link.value, 4), w.tensor_parallel),
             note});
        list.push_back(
            {"t = sent / link",
             fmt::format("{} = {}B / {}B/s", format_seconds(r.ideal.link),
                         format_si(r.op.link.value, 4), format_si(d.machine.link->value, 4)),
             ""});
        return list;
    }
    if (r.op.is_attention()) {
        const double pairs = static_cast<double>(w.batch) *
                             attended_pairs(w.fresh(), w.context,
                                            r.op.op == Op::attention_window ||
                                                    d.model.windowed_layers() == d.model.layers
                                                ? d.model.window
                                                : 0);
        list.push_back(
            {"FLOP = c · pairs",
             fmt::format("{} = {} · {}", flop, num(r.op.flops.value / pairs, 6), num(pairs, 7)),
             note});
        list.push_back({"bytes = cache read", fmt::format("{}B in {} bits", bytes, p.kv_bits), ""});
    } else {
        list.push_back({"FLOP = 2 T in out",
                        fmt::format("{} = 2 · {} · {} · {}", flop, num(r.op.tokens, 6),
                                    num(r.op.inputs, 6), num(r.op.outputs, 6)),
                        note});
        list.push_back({"bytes = weights + scales + activations + cache",
                        fmt::format("{} = {} + {} + {} + {}", bytes, format_si(r.op.weights.value),
                                    format_si(r.op.scales.value), format_si(r.op.activations.value),
                                    format_si(r.op.kv_write.value)),
                        fmt::format("weights in {} bits", p.weight_bits)});
    }
    if (const auto peak = d.machine.peak(r.op, p)) {
        list.push_back(
            {"t = max(FLOP / peak, bytes / bandwidth)",
             fmt::format("{} = max({}, {})", format_seconds(r.ideal.total()),
                         format_seconds(r.ideal.compute), format_seconds(r.ideal.memory)),
             fmt::format("{}FLOP/s, {}B/s", format_si(peak->value, 4),
                         format_si(d.machine.bandwidth.value, 4))});
    } else {
        list.push_back({"t ≥ bytes / bandwidth", format_seconds(r.ideal.memory),
                        fmt::format("{}B/s", format_si(d.machine.bandwidth.value, 4))});
    }
    return list;
}

}  // namespace

void describe(const Data& data, Op selected, Outcome& outcome) {
    outcome.finding = finding(data);
    outcome.explanation = explanation(data);
    outcome.metrics = metrics(data);
    if (data.here) {
        add_processor_metrics(data, outcome.metrics);
    }
    outcome.tables = {operator_table(data)};
    if (data.calibration) {
        outcome.tables.push_back(fit_table(*data.calibration));
    }
    outcome.equations = ledger(data, *data.find(selected));
}

}  // namespace nibble::roofline_lab
