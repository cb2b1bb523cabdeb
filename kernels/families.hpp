// The families' parts of the registry: each appends its ladders, in teaching order.
#pragma once

#include <vector>

#include "kernels/ladder.hpp"
#include "kernels/rungs.hpp"

namespace nibble::kernels {

void add_quantize_ladders(std::vector<Ladder>& list);
void add_reduce_ladders(std::vector<Ladder>& list);
void add_attention_ladders(std::vector<Ladder>& list);
void add_sampling_ladders(std::vector<Ladder>& list);

/// The rungs as the registry shows them: described by the emulator's rows, runnable on the GPU too
/// where this program was built with CUDA. Both come from the same source file.
std::vector<Rung> join_rungs(const char* source, std::span<const RungRow> emulated,
                             std::span<const RungRow> cuda);

/// `cuda::call` in builds with CUDA, no rows in others.
#if NIBBLE_HAVE_CUDA
#define NIBBLE_CUDA_ROWS(call) cuda::call
#else
#define NIBBLE_CUDA_ROWS(call) std::span<const RungRow>()
#endif

}  // namespace nibble::kernels
