// The roofs of this processor, measured: how fast memory moves at every size of working set, so
// that each level of cache shows as a step, and how fast arithmetic goes when memory is no matter.
//
// Every thread works on an array of its own, filled with random words. A loop is repeated until one
// measurement lasts long enough for the clock; the measurements before that warm the machine up.
// The time of a measurement is from the first thread's start to the last one's end.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "kernels/measure/spread.hpp"

namespace nibble::kernels {

struct MemorySpeed {
    std::string operation;  // "read", "write", "copy"
    unsigned threads = 1;
    std::size_t bytes = 0;  // of each thread's working set; a copy reads half and writes half
    Spread gb_per_s;        // bytes read and bytes written, all threads, 1e9 a second
};

struct ArithmeticSpeed {
    std::string operation;  // "multiply_add_f32", "dot_int8_widened"
    unsigned threads = 1;
    Spread gop_per_s;  // a multiplication and an addition are two, all threads, 1e9 a second
};

struct ProcessorSpeed {
    unsigned threads = 1;                    // of the runs with all
    std::size_t last_level_cache_bytes = 0;  // as the system says; 0 when it does not
    std::size_t largest_bytes = 0;           // of all threads' arrays together
    std::vector<MemorySpeed> memory;
    std::vector<ArithmeticSpeed> arithmetic;

    bool beyond_cache() const {
        return last_level_cache_bytes > 0 && largest_bytes > last_level_cache_bytes;
    }
};

struct MeasureEffort {
    std::size_t smallest_bytes = std::size_t{16} << 10U;
    std::size_t largest_bytes = 0;  // 0: four times the last-level cache, a quarter of free memory
    double seconds = 0.005;         // that one measurement lasts at least
    std::size_t repetitions = 9;    // three when they are long
};

/// `show` hears the share done, from this thread.
ProcessorSpeed measure_processor(const MeasureEffort& effort,
                                 const std::function<void(double)>& show);

/// Seconds of each repetition of `work`, on so many threads at once.
std::vector<double> timed(unsigned threads, std::size_t repetitions,
                          const std::function<void(unsigned thread)>& work);

/// Speeds of `amount` in units a second, from `seconds` of each repetition.
Spread speed_of(double amount, const std::vector<double>& seconds);

}  // namespace nibble::kernels
