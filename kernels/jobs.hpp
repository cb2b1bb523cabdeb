// What the families' registries share: what a job must be like, and how inputs are made.
#pragma once

#include <span>
#include <vector>

#include "kernels/ladder.hpp"

namespace nibble::kernels {

/// These throw std::invalid_argument, naming the value and what to give instead.

/// At least one value, and few enough for one launch.
void check_matrix(const Job& job);
/// And groups that do not share a byte of two codes.
void check_nibbles(const Job& job);
/// And rows of whole blocks of 32, as ggml has them.
void check_blocks(const Job& job);
/// And input in float, which is all that some ladders take.
void check_floats(const Job& job);

/// Writes weights as elements of `type`; halves are rounded to nearest even.
void store_input(InputType type, std::span<const float> weights, void* to);

/// The bytes of every input and every result, scratch left out: what must move at least.
double bytes_to_move(const std::vector<BufferInfo>& buffers);

/// Buffer i of a run on the processor.
template <class T>
T* host_buffer(Buffers buffers, std::size_t i) {
    return static_cast<T*>(buffers[i]);
}

}  // namespace nibble::kernels
