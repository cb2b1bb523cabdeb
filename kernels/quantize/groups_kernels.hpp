// The kernels of groups.cuh as plain functions on device memory, once for each machine.
#pragma once

#include "kernels/quantize/groups.hpp"
#include "kernels/quantize/level_table.hpp"

namespace nibble::kernels {

/// Values whose squared errors are summed in floats before the sum goes on in double, on every
/// machine: the same number makes the same bits.
inline constexpr unsigned longest_float_sum = 4096;

/// One matrix and its results, all in the memory of one device.
struct GroupsJob {
    unsigned rows = 0, columns = 0, group_size = 1;
    const float* values = nullptr;  // (row, column)
    // (row, group)
    const float *scale = nullptr, *stored_scale = nullptr, *zero_point = nullptr;
    float *low = nullptr, *high = nullptr;
    // (row, column); null where nobody asks
    std::int16_t* codes = nullptr;
    float* dequantized = nullptr;
    // (row, group, segment): the rounding error of at most longest_float_sum values
    double* squared = nullptr;
    float* largest = nullptr;
    unsigned* zeros = nullptr;

    unsigned groups_per_row() const { return (columns + group_size - 1) / group_size; }
    unsigned segments_per_group() const {
        return (group_size + longest_float_sum - 1) / longest_float_sum;
    }
};

struct GroupsKernels {
    void (*ranges)(const GroupsJob& job) = nullptr;
    void (*integer)(const GroupsJob& job, const IntegerGrid& grid) = nullptr;
    void (*codebook)(const GroupsJob& job, const LevelTable& table) = nullptr;
    void (*small_float)(const GroupsJob& job, const FloatFormat& format) = nullptr;
};

namespace emulated {
extern const GroupsKernels groups_kernels;
}
namespace cuda {
extern const GroupsKernels groups_kernels;  // only in builds with CUDA
}

}  // namespace nibble::kernels
