#include "sim/experiments/machines/roofline/data.hpp"

#include "sim/core/error.hpp"

namespace nibble::roofline_lab {
namespace {

/// Requests beyond this are never asked for.
constexpr std::int64_t most_requests = 65536;

Op sliding_op(const Operators& list) {
    for (const Op op : {Op::up_proj, Op::expert_up_proj}) {
        if (list.find(op)) {
            return op;
        }
    }
    return Op::lm_head;
}

bool waits_for_arithmetic(const Data& d, Op op, std::int64_t batch) {
    Workload load = d.load;
    load.batch = batch;
    const Operators list = operators(d.model, load);
    return ideal_time(*list.find(op), d.machine, load.precision).bound() == Bound::compute;
}

std::optional<std::int64_t> first_compute_bound(const Data& d, Op op) {
    if (!waits_for_arithmetic(d, op, most_requests)) {
        return std::nullopt;
    }
    std::int64_t waits = 0, computes = most_requests;  // more tokens never lower the intensity
    while (computes - waits > 1) {
        const std::int64_t middle = waits + (computes - waits) / 2;
        (waits_for_arithmetic(d, op, middle) ? computes : waits) = middle;
    }
    return computes;
}

}  // namespace

const Row* Data::find(Op op) const {
    for (const Row& row : rows) {
        if (row.op.op == op) {
            return &row;
        }
    }
    return nullptr;
}

std::optional<FlopsPerSecond> Data::linear_peak() const {
    return machine.peak(slider().op, load.precision);
}

std::optional<double> Data::ridge() const {
    const auto peak = linear_peak();
    return peak ? std::optional((*peak / machine.bandwidth).value) : std::nullopt;
}

double Data::peak_share() const {
    const auto peak = linear_peak();
    return peak ? ratio(totals.flops / totals.seconds, *peak) : 0;
}

const Row& Data::slider() const {
    for (const Op op : {Op::up_proj, Op::expert_up_proj}) {
        if (const Row* row = find(op)) {
            return *row;
        }
    }
    return rows.back();  // the head
}

Data compute(const Setting& setting, const std::string& other, bool with_other) {
    Data d;
    d.model = model_named(setting.model);
    d.device = catalogue().device(setting.device);
    d.machine = machine_of(d.device, setting.accumulate);
    if (with_other) {
        d.other = catalogue().device(other);
    }
    d.load = setting.workload();
    d.measured = catalogue().measured(setting.device);
    d.calibration = calibration_of(setting.device);
    const Operators list = operators(d.model, d.load);
    for (const Operator& o : list) {
        Row row{o, ideal_time(o, d.machine, d.load.precision), std::nullopt};
        if (d.calibration) {
            row.calibrated = d.calibration->time(o, d.load);
        }
        d.rows.push_back(row);
    }
    d.totals = step_totals(list, d.machine, d.load.precision);
    d.calibrated = d.calibration ? d.calibration->step(list, d.load) : std::nullopt;
    d.ridge_batch = first_compute_bound(d, sliding_op(list));
    return d;
}

}  // namespace nibble::roofline_lab
