// The roof of a processor from what was measured of it: now, here, or earlier into a file of
// `nibble measure`. All threads together.
#pragma once

#include <string>

#include "sim/core/experiment.hpp"
#include "sim/core/units.hpp"
#include "sim/measured/processor_speed.hpp"

namespace nibble {

struct ProcessorRoof {
    std::string name;
    FlopsPerSecond peak;        // FP32 multiply-adds
    BytesPerSecond memory;      // reading the largest working set that was measured
    BytesPerSecond cache;       // reading the smallest
    Bytes largest, smallest;    // those working sets, of all threads
    bool beyond_cache = false;  // the largest does not fit the last-level cache
    bool now = false;           // else from a file
};

/// Throws Error::bad_file when the recording lacks a read or a multiply-add with all threads.
ProcessorRoof roof_of(const ProcessorRecording& recording, const std::string& where);

/// Reads a file of `nibble measure`. Throws Error::io, and Error::bad_file also when it holds no
/// processor.
ProcessorRoof recorded_roof(const std::string& path);

/// Measures this processor, for about a second; kept in context.shared.
ProcessorRoof measured_roof(const RunContext& context);

}  // namespace nibble
