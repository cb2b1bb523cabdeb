// The roofs of a processor as `nibble measure` saves them: the member "processor" of a file in
// data/measured/, beside what sim/measured/kernel_speed.hpp reads.
//
//     "processor": {
//       "name": "A processor", "instruction_set": "AVX-512", "threads": 8,
//       "last_level_cache_bytes": 33554432,      as the system says; 0 when it does not
//       "largest_bytes": 134217728,              of all arrays together
//       "memory": [
//         {"operation": "read",                  or "copy", "write"
//          "threads": 1, "bytes": 16384,         the working set of each thread
//          "gb_per_s": 312.0,                    the median; 1e9 bytes a second, read and written
//          "gb_per_s_low": 294.5, "gb_per_s_high": 312.1}],          the quartiles
//       "arithmetic": [
//         {"operation": "multiply_add_f32",      or "dot_int8_widened"
//          "threads": 1, "gop_per_s": 242.6,     two operations for each multiply-add
//          "gop_per_s_low": 242.6, "gop_per_s_high": 242.6}]
//     }
//
// Members that are not named here are passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nibble {

/// Of one loop: billions a second, of bytes or of operations.
struct LoopSpeed {
    std::string operation;
    std::int64_t threads = 0;
    std::int64_t bytes = 0;  // of each thread's working set; 0 for arithmetic
    double median = 0, low = 0, high = 0;
};

struct ProcessorRecording {
    std::string name, instruction_set;
    std::int64_t threads = 0, last_level_cache_bytes = 0, largest_bytes = 0;
    std::vector<LoopSpeed> memory, arithmetic;
};

/// Nothing when the file has no such member. Throws Error::bad_file naming `where` and the member
/// that is missing or not what it should be.
std::optional<ProcessorRecording> parse_processor_recording(std::string_view text,
                                                            const std::string& where);

}  // namespace nibble
