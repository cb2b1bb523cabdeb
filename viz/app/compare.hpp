// A beside the present run: in words for a metric, as a ghost for a figure.
#pragma once

#include <optional>
#include <string>

#include "sim/core/outcome.hpp"

namespace nibble {

/// A metric's number and its unit as the panel writes them: {"0.0428", "σ²"}, {"312", "TB/s"}.
struct MetricText {
    std::string number, unit;
};
MetricText metric_text(const Metric& metric);

struct Difference {
    std::string words;  // "− 96 % to A", "+ 13.6 dB", "2.4 × A", "as A"
    int good = 0;       // 1 better than A, -1 worse, 0 neither
};
/// Absolute where the unit already is a ratio or a share (dB, %, bits), relative elsewhere.
/// Nothing when a value is not a number.
std::optional<Difference> difference(const Metric& now, const Metric& pinned);

/// The outcome with the subject curves of A laid under its own, in figures of the same id.
Outcome with_ghost(const Outcome& now, const Outcome& pinned);

}  // namespace nibble
