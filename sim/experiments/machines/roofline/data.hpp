// What the roofline lab computes: every operator of a step with its times, under the ideal roof and
// under the one that recorded kernels reach.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/measured/processor_roof.hpp"
#include "sim/roofline/calibration.hpp"
#include "sim/roofline/setting.hpp"

namespace nibble::roofline_lab {

struct Row {
    Operator op;
    OperatorTime ideal;
    std::optional<Seconds> calibrated;

    double count() const { return static_cast<double>(op.count); }
    FlopsPerByte intensity() const { return op.flops / op.bytes(); }
    bool is_on_chart() const { return op.flops > Flops{} && op.bytes() > Bytes{}; }
};

struct Data {
    ModelShape model;
    DeviceSheet device;
    Machine machine;
    std::optional<DeviceSheet> other;  // to compare with
    Workload load;
    std::vector<Row> rows;
    StepTotals totals;
    std::optional<Seconds> calibrated;
    const Calibration* calibration = nullptr;  // kept by the catalogue
    const Measurements* measured = nullptr;
    std::optional<ProcessorRoof> here;  // of the reader's processor, when asked for
    /// The batch from which on the widest projection waits for arithmetic; empty when none does.
    std::optional<std::int64_t> ridge_batch;

    const Row* find(Op op) const;
    std::optional<FlopsPerSecond> linear_peak() const;
    /// FLOP per byte where the roof bends, for the projections.
    std::optional<double> ridge() const;
    /// Share of the peak that a step uses; 0 when there is no peak.
    double peak_share() const;
    /// The operator that slides: the widest projection into the feed-forward layer.
    const Row& slider() const;
};

Data compute(const Setting& setting, const std::string& other, bool with_other);

/// Finding, explanation, metrics, tables, the equations of one operator.
void describe(const Data& data, Op selected, Outcome& outcome);
std::vector<FigureRow> figures(const Data& data, bool calibrated, bool measurements);

/// "q, o" of q_proj and o_proj.
std::string short_name(Op op);

}  // namespace nibble::roofline_lab
