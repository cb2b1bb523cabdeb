// The roof with a dot for every operator, and where the time of a step goes.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/machines/roofline/data.hpp"

namespace nibble::roofline_lab {
namespace {

constexpr double tera = 1e12;
constexpr int roof_points = 200;

/// A roof from one intensity to another.
struct Span {
    double low, high;

    double at(int i) const { return low * std::pow(high / low, double(i) / roof_points); }
};

Line roof_line(std::string label, Role role, const Span& span, double bandwidth, double peak) {
    Line line{std::move(label), role, {}, {}};
    const double bend = peak / bandwidth;
    for (const double x : {span.low, bend, span.high}) {
        if (x >= span.low && x <= span.high) {
            line.x.push_back(x);
            line.y.push_back(std::min(peak, x * bandwidth) / tera);
        }
    }
    return line;
}

/// The roof of kernels: shares of peak and bandwidth, with a round corner.
Line reached_line(const RoofFit& fit, const Span& span, double bandwidth, double peak) {
    Line line{"what recorded kernels reach (fitted)", category(7), {}, {}};
    for (int i = 0; i <= roof_points; ++i) {
        const double x = span.at(i);
        line.x.push_back(x);
        line.y.push_back(
            1 / std::hypot(1 / (x * bandwidth * fit.memory_share), 1 / (peak * fit.compute_share)) /
            tera);
    }
    return line;
}

const RoofFit* fit_of(const Data& d) {
    const RoofFit* best = nullptr;
    for (const auto& g :
         d.calibration ? d.calibration->gemms() : std::vector<Calibration::Gemm>{}) {
        if (g.weight_bits == d.load.precision.weight_bits &&
            g.activation_bits == d.load.precision.activation_bits &&
            (!best || g.fit.compute_share > best->compute_share)) {
            best = &g.fit;
        }
    }
    return best;
}

double shown_seconds(const Row& row, bool calibrated) {
    return (calibrated && row.calibrated ? *row.calibrated : row.ideal.total()).value;
}

/// Operators that lie on one spot are one dot with all their names.
struct Dot {
    double x, y;
    std::string name;
    Op first;
};

std::vector<Dot> dots(const Data& d, bool calibrated) {
    constexpr double one_spot = 0.2;  // of a factor e, each way
    std::vector<Dot> list;
    for (const Row& row : d.rows) {
        if (!row.is_on_chart()) {
            continue;
        }
        const double x = row.intensity().value;
        const double y = row.op.flops.value / shown_seconds(row, calibrated) / tera;
        const bool attention = row.op.is_attention();
        const auto near = std::find_if(list.begin(), list.end(), [&](const Dot& dot) {
            const Row* other = d.find(dot.first);
            return std::abs(std::log(dot.x / x)) < one_spot &&
                   std::abs(std::log(dot.y / y)) < one_spot &&
                   attention == other->op.is_attention();
        });
        if (near == list.end()) {
            list.push_back({x, y, short_name(row.op.op), row.op.op});
        } else {
            near->name += ", " + short_name(row.op.op);
        }
    }
    if (list.size() == 2) {  // attention, and everything else on one spot
        for (Dot& dot : list) {
            dot.name = d.find(dot.first)->op.is_attention() ? dot.name : "all matrices";
        }
    }
    return list;
}

Points points_of(const std::vector<Dot>& all, bool attention) {
    Points p{attention ? "attention" : "weights", attention ? category(3) : Role::subject, {}, {}};
    p.pick.param = "selected";
    for (const Dot& dot : all) {
        const bool is_attention = dot.first == Op::attention || dot.first == Op::attention_window;
        if (is_attention == attention) {
            p.x.push_back(dot.x);
            p.y.push_back(dot.y);
            p.names.push_back(dot.name);
            p.pick.values.emplace_back(std::string(name(dot.first)));
        }
    }
    return p;
}

/// Recorded kernels of the same bits, as dots at what they reached.
void add_recorded(const Data& d, Figure& f, double& low, double& high) {
    Points gemm{"recorded matrix products", Role::reference, {}, {}},
        attention{"recorded attention", category(6), {}, {}};
    const auto put = [&](Points& p, const Operator& o, Seconds time, std::string label) {
        p.x.push_back((o.flops / o.bytes()).value);
        p.y.push_back((o.flops / time).value / tera);
        p.names.push_back(std::move(label));
        low = std::min(low, p.y.back());
        high = std::max(high, p.x.back());
    };
    for (const GemmSeries& s : d.measured->gemms) {
        if (s.weight_bits == d.load.precision.weight_bits &&
            s.activation_bits == d.load.precision.activation_bits) {
            for (const MeasuredGemm& r : s.rows) {
                put(gemm, operator_of(s, r), r.time,
                    fmt::format("{} tokens, {} × {}, {}: {}", r.tokens, r.inputs, r.outputs,
                                s.kernel, format_seconds(r.time)));
            }
        }
    }
    for (const AttentionSeries& s : d.measured->attentions) {
        if (s.decode == (d.load.phase == Phase::decode) && s.kv_bits == d.load.precision.kv_bits) {
            for (const MeasuredAttention& r : s.rows) {
                put(attention, operator_of(s, r), r.time,
                    fmt::format("{} × {} tokens, {}/{} heads: {}", r.batch, r.context, r.heads,
                                r.kv_heads, format_seconds(r.time)));
            }
        }
    }
    for (Points* p : {&gemm, &attention}) {
        if (!p->x.empty()) {
            f.marks.emplace_back(std::move(*p));
        }
    }
    f.footnote = fmt::format("recorded on {}; {}, {}", d.measured->machine, d.measured->source,
                             d.measured->licence);
}

/// The reader's processor: its roof from memory, and the steeper slope from its caches.
void add_processor(const ProcessorRoof& here, const Span& span, std::vector<Mark>& roofs) {
    const auto size = [](Bytes bytes) { return format_bytes(bytes.value); };
    const char* how = here.now ? "measured now" : "recorded";
    roofs.emplace_back(roof_line(fmt::format("{}: {} from its caches", how, size(here.smallest)),
                                 Role::muted, span, here.cache.value, here.peak.value));
    roofs.emplace_back(roof_line(fmt::format("{}: FP32, {} of data", how, size(here.largest)),
                                 Role::reference, span, here.memory.value, here.peak.value));
}

/// Dragging along the roof sets the batch: intensity is nearly proportional to it below the ridge.
void add_batch_handle(const Data& d, Figure& f, bool calibrated) {
    const Row& row = d.slider();
    if (d.load.phase != Phase::decode || !row.is_on_chart() || row.op.op == Op::expert_up_proj) {
        return;
    }
    Handle h;
    h.label = fmt::format("batch {}", d.load.batch);
    h.hint = "drag me";
    h.x = row.intensity().value;
    h.y = row.op.flops.value / shown_seconds(row, calibrated) / tera;
    h.x_param = "batch";
    h.x_scale = *h.x / static_cast<double>(d.load.batch);
    f.marks.emplace_back(std::move(h));
}

/// "one token for each of 16 requests"
std::string work(const Workload& w) {
    if (w.phase == Phase::decode) {
        return w.batch == 1 ? "one token for one request"
                            : fmt::format("one token for each of {} requests", w.batch);
    }
    const char* piece = w.phase == Phase::chunk ? "a chunk" : "a prompt";
    return w.batch == 1
               ? fmt::format("{} of {} tokens", piece, w.fresh())
               : fmt::format("{} of {} tokens for each of {} requests", piece, w.fresh(), w.batch);
}

Figure roof_figure(const Data& d, bool calibrated, bool measurements) {
    const std::vector<Dot> all = dots(d, calibrated);
    double low = 1e300, left = 0.5, right = 1000;
    for (const Dot& dot : all) {
        low = std::min(low, dot.y);
        left = std::min(left, dot.x / 2);
        right = std::max(right, 2 * dot.x);
    }
    Figure f;
    f.id = "roofline";
    f.title = fmt::format("{} on {}: {}", d.model.name, d.device.name, work(d.load));
    f.alt_text = fmt::format(
        "Attainable FLOP per second against FLOP per byte, both logarithmic: a slope of {} GB/s "
        "that bends into a flat roof, and the operators of one layer on it.",
        format_number(d.device.bandwidth.value / 1e9, 4));
    const bool recorded = measurements && d.measured;
    if (recorded) {
        add_recorded(d, f, low, right);
    }
    const double bandwidth = d.machine.bandwidth.value;
    const auto peak = d.linear_peak();
    const Span span{left, std::max(right * 1.5, peak ? 8 * *d.ridge() : 0)};
    std::vector<Mark> roofs;
    if (d.here) {
        add_processor(*d.here, span, roofs);
        low = std::min(low, span.low * d.here->memory.value / tera);
        f.timed = d.here->now;
    }
    double top = span.high * bandwidth / tera;
    if (d.other) {
        const Machine other = machine_of(*d.other);
        const auto other_peak = other.peak(d.slider().op, d.load.precision);
        const double roof = other_peak ? other_peak->value : span.high * other.bandwidth.value;
        roofs.emplace_back(
            roof_line(d.other->name, Role::baseline, span, other.bandwidth.value, roof));
        top = roof / tera;
    }
    if (peak) {
        top = std::max(d.other ? top : 0.0, peak->value / tera);
        const bool eight = d.machine.peak8 && *peak == *d.machine.peak8;
        if (d.machine.peak8 && !eight) {
            roofs.emplace_back(
                roof_line("8-bit products", Role::muted, span, bandwidth, d.machine.peak8->value));
            top = std::max(top, d.machine.peak8->value / tera);
        }
        if (eight && d.machine.peak16) {
            roofs.emplace_back(roof_line("16-bit products", Role::muted, span, bandwidth,
                                         d.machine.peak16->value));
        }
        roofs.emplace_back(roof_line(
            fmt::format("{} T{}/s", format_number(peak->value / tera, 4), eight ? "OP" : "FLOP"),
            Role::limit, span, bandwidth, peak->value));
        roofs.emplace_back(Rule{fmt::format("ridge {}", format_number(*d.ridge())), Role::muted,
                                true, *d.ridge()});
    } else {
        roofs.emplace_back(roof_line("bandwidth only: no peak published", Role::limit, span,
                                     bandwidth, span.high * bandwidth));
    }
    if (const RoofFit* fit = calibrated && peak ? fit_of(d) : nullptr) {
        roofs.emplace_back(reached_line(*fit, span, bandwidth, peak->value));
    }
    f.marks.insert(f.marks.begin(), roofs.begin(), roofs.end());
    for (const bool attention : {false, true}) {
        f.marks.emplace_back(points_of(all, attention));
    }
    add_batch_handle(d, f, calibrated);
    f.x = {.label = "arithmetic intensity",
           .unit = "FLOP/byte",
           .scale = Scale::log10,
           .limits = std::pair(span.low, span.high)};
    f.y = {.label = calibrated ? "reached by kernels" : "attainable",
           .unit = "TFLOP/s",
           .scale = Scale::log10,
           .limits = std::pair(std::min(low / 2, span.low * bandwidth / tera), 2 * top)};
    return f;
}

Figure time_figure(const Data& d, bool calibrated) {
    Figure f;
    f.id = "time-by-operator";
    f.title = "Where a step's time goes, all layers";
    f.alt_text = "Bars: time of each operator over all layers.";
    f.x = {.label = "operator"};
    f.y = {.label = "time", .unit = "ms"};
    std::vector<const Row*> order;
    for (const Row& row : d.rows) {
        order.push_back(&row);
    }
    std::stable_sort(order.begin(), order.end(), [](const Row* a, const Row* b) {
        return a->count() * a->ideal.total() > b->count() * b->ideal.total();
    });
    Bars bars;
    bars.pick.param = "selected";
    Bars::Series ideal{"ideal roof", Role::subject, {}},
        reached{"what recorded kernels reach (fitted)", category(7), {}};
    for (const Row* row : order) {
        bars.names.push_back(short_name(row->op.op));
        bars.pick.values.emplace_back(std::string(name(row->op.op)));
        ideal.values.push_back(1e3 * row->count() * row->ideal.total().value);
        reached.values.push_back(row->calibrated ? 1e3 * row->count() * row->calibrated->value
                                                 : std::nan(""));
    }
    bars.series.push_back(std::move(ideal));
    if (calibrated && d.calibrated) {
        bars.series.push_back(std::move(reached));
    }
    f.marks.emplace_back(std::move(bars));
    return f;
}

/// Fitted over measured, for each recorded kernel of these bits: how far the fit may be trusted.
Figure residual_figure(const Data& d) {
    Figure f;
    f.id = "fit-residuals";
    f.title = "Fitted over recorded time";
    f.alt_text = "Points: for each recorded matrix product, fitted over recorded time.";
    f.x = {.label = "recorded time", .unit = "µs", .scale = Scale::log10};
    f.y = {.label = "fitted / recorded"};
    for (std::size_t i = 0; i < d.measured->gemms.size(); ++i) {
        const GemmSeries& s = d.measured->gemms[i];
        if (s.weight_bits != d.load.precision.weight_bits ||
            s.activation_bits != d.load.precision.activation_bits) {
            continue;
        }
        const RoofFit& fit = d.calibration->gemms()[i].fit;
        Points p{s.kernel, Role::reference, {}, {}};
        for (const MeasuredGemm& r : s.rows) {
            const OperatorTime ideal = ideal_time(operator_of(s, r), d.machine, precision_of(s));
            p.x.push_back(1e6 * r.time.value);
            p.y.push_back(ratio(fit.time(ideal), r.time));
            p.names.push_back(fmt::format("{} tokens, {} × {}", r.tokens, r.inputs, r.outputs));
        }
        f.marks.emplace_back(std::move(p));
        f.footnote += fmt::format("{}{}: half within {} %, nine in ten within {} %",
                                  f.footnote.empty() ? "" : "; ", s.kernel,
                                  format_number(100 * fit.median_error, 2),
                                  format_number(100 * fit.p90_error, 2));
    }
    f.marks.emplace_back(Rule{"as recorded", Role::muted, false, 1});
    f.width = 0.6;
    return f;
}

}  // namespace

std::string short_name(Op op) {
    std::string word(name(op));
    const auto end = word.find("_proj");
    if (end != std::string::npos) {
        word.resize(end);
    }
    std::replace(word.begin(), word.end(), '_', ' ');
    return word;
}

std::vector<FigureRow> figures(const Data& data, bool calibrated, bool measurements) {
    const bool reached = calibrated && data.calibrated;
    FigureRow bottom{0.75, {time_figure(data, reached)}};
    if (reached) {
        bottom.figures.push_back(residual_figure(data));
    }
    return {{1.6, {roof_figure(data, reached, measurements)}}, std::move(bottom)};
}

}  // namespace nibble::roofline_lab
