// How fast the ladders run, measured: every rung on a GPU by the GPU's own clock, and the same
// operations on one thread of the processor. Never on the emulator, whose time says nothing.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kernels/ladder.hpp"
#include "kernels/measure/spread.hpp"

namespace nibble::kernels {

struct LadderSpeed {
    std::string ladder, rung;  // "cpu" for the processor's
    Job job;
    Spread gb_per_s;           // Ladder::bytes over time, 1e9 a second
    double copy_gb_per_s = 0;  // bytes read and written by a copy in the same run; 0: not measured
};

/// The ladder's example on a matrix of another size, or on its first rows where a value of the
/// ladder stands for many bytes.
Job measured_job(const Ladder& ladder, std::size_t rows, std::size_t columns);

/// Every ladder on one thread of the processor. `weights` holds rows * columns values. `show` hears
/// the share done and the ladder's id.
std::vector<LadderSpeed> measure_ladders_here(
    std::size_t rows, std::size_t columns, std::span<const float> weights, std::size_t repetitions,
    const std::function<void(double, const std::string&)>& show);

/// Every rung with a kernel for CUDA, and the copy beside which it stands. Throws DeviceError when
/// the GPU is not ready or refuses.
std::vector<LadderSpeed> measure_ladders_on_gpu(
    std::size_t rows, std::size_t columns, std::span<const float> weights, std::size_t repetitions,
    const std::function<void(double, const std::string&)>& show);

/// Starts a copy within the GPU's memory. Throws DeviceError in builds without CUDA.
void start_copy_on_gpu(void* to, const void* from, std::size_t bytes);

}  // namespace nibble::kernels
