// How long a step takes at least: each operator as long as its arithmetic or its traffic, whichever
// is longer (Williams, Waterman, Patterson 2009).
//
//   time = max(FLOP / peak, bytes / bandwidth)
//
// The 8-bit peak holds only where weights and activations both have 8 bits or fewer; weights alone
// in few bits are widened and multiplied at the 16-bit peak, and attention always works at it. The
// operations of widening are not in the FLOP: they are stated beside, as dequantized weights.
// A peak that the maker does not publish bounds nothing: the time is then that of the traffic.
#pragma once

#include <optional>

#include "sim/roofline/device_sheet.hpp"
#include "sim/roofline/operators.hpp"

namespace nibble {

/// In what the matrix units sum 16-bit products. FP16 is twice as fast on consumer boards.
enum class Accumulate { fp32, fp16 };

/// What the roof of one device is made of.
struct Machine {
    std::optional<FlopsPerSecond> peak16, peak8;
    BytesPerSecond bandwidth;
    std::optional<BytesPerSecond> link;

    /// The peak that the operator runs at; empty when the sheet has none.
    std::optional<FlopsPerSecond> peak(const Operator& o, const Precision& p) const {
        return !o.is_attention() && p.is_eight_bit() && peak8 ? peak8 : peak16;
    }
};
Machine machine_of(const DeviceSheet& device, Accumulate accumulate = Accumulate::fp32);

/// What an operator waits for.
enum class Bound { compute, memory, link };
std::string_view name(Bound bound);

struct OperatorTime {
    Seconds compute = {}, memory = {}, link = {};

    Seconds total() const { return std::max({compute, memory, link}); }
    Bound bound() const {
        return link > std::max(compute, memory) ? Bound::link
               : compute > memory               ? Bound::compute
                                                : Bound::memory;
    }
};

/// Of one layer. Throws Error::bad_param when devices must talk and the sheet names no link.
OperatorTime ideal_time(const Operator& o, const Machine& machine, const Precision& precision);

/// Sums over all layers of one device.
struct StepTotals {
    Flops flops = {};
    Bytes weights = {}, scales = {}, activations = {}, kv_read = {}, kv_write = {}, link = {};
    Seconds seconds = {};        // operators one after the other
    Seconds compute_bound = {};  // the part of them that waits for arithmetic
    double dequantized = 0;      // weights that are widened before they are multiplied

    Bytes bytes() const { return weights + scales + activations + kv_read + kv_write; }
};

StepTotals step_totals(const Operators& list, const Machine& machine, const Precision& precision);
/// The two above in one.
StepTotals ideal_step(const ModelShape& model, const Workload& load, const Machine& machine);

}  // namespace nibble
