// The roof that kernels reach, fitted to recorded times.
//
//   time = fixed + sqrt((FLOP / (c peak))^2 + (bytes / (m bandwidth))^2)
//
// Three constants for each kind of kernel: what a launch costs, and which share of the peak and of
// the bandwidth it reaches. The root of squares is a maximum with a round corner: near the ridge a
// kernel pays for both. They minimise the mean |ln(fitted / measured)|, so that a fast kernel
// counts as much as a slow one; the residuals stay with the fit and are shown with it.
#pragma once

#include <optional>
#include <vector>

#include "sim/roofline/measurements.hpp"

namespace nibble {

struct RoofFit {
    Seconds fixed;
    double compute_share = 1, memory_share = 1;
    std::size_t rows = 0;                    // fitted to so many
    double median_error = 0, p90_error = 0;  // |fitted / measured - 1|
    double ideal_median = 1;                 // measured over ideal roof

    Seconds time(const OperatorTime& ideal) const;
};

/// What is fitted to: the ideal times of a kernel and the measured one.
struct FitPoint {
    OperatorTime ideal;
    Seconds measured;
};
/// Deterministic. Throws BrokenInvariant without points.
RoofFit fit_roof(const std::vector<FitPoint>& points);

class Calibration {
public:
    Calibration(const Measurements& measured, const Machine& machine);

    struct Gemm {
        std::string kernel;
        double weight_bits, activation_bits;
        RoofFit fit;
    };
    struct Attention {
        bool decode;
        double kv_bits;
        RoofFit fit;
    };
    const std::vector<Gemm>& gemms() const { return gemms_; }
    const std::vector<Attention>& attentions() const { return attentions_; }
    const std::string& machine() const { return machine_name_; }

    /// Whether kernels of this precision were measured.
    bool covers(const Workload& load) const;
    /// Empty where no kernel of this kind was measured. The parts of one projection (q, k, v; gate,
    /// up) are launched together, so only the first pays the fixed cost. Talk between devices was
    /// not measured and takes its ideal time.
    std::optional<Seconds> time(const Operator& o, const Workload& load) const;
    /// Sum over a step.
    std::optional<Seconds> step(const Operators& list, const Workload& load) const;

private:
    const RoofFit* attention_fit(const Workload& load) const;

    Machine machine_;
    std::string machine_name_;
    std::vector<Gemm> gemms_;
    std::vector<Attention> attentions_;
};

/// The calibration of a device of the catalogue; null when nothing was measured on it. Fitted at
/// the first call and kept.
const Calibration* calibration_of(const std::string& device);

}  // namespace nibble
