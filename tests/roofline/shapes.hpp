// Machines and models to count with.
#pragma once

#include "sim/roofline/catalogue.hpp"
#include "sim/roofline/roofline.hpp"

namespace nibble::test {

/// A machine of round numbers: 100 TFLOP/s in 16 bits, 200 in 8, 1 TB/s, links of 100 GB/s.
inline Machine round_machine() {
    return {FlopsPerSecond{100e12}, FlopsPerSecond{200e12}, BytesPerSecond{1e12},
            BytesPerSecond{100e9}};
}

inline Workload decode(std::int64_t batch, std::int64_t context) {
    Workload w;
    w.batch = batch;
    w.context = context;
    return w;
}

inline Workload prefill(std::int64_t batch, std::int64_t context) {
    Workload w = decode(batch, context);
    w.phase = Phase::prefill;
    return w;
}

}  // namespace nibble::test
