// The loops whose time is a roof: nothing but reading, writing or copying memory, and nothing but
// arithmetic in registers. For one thread each; whoever calls them holds the clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nibble::kernels {

/// Arrays of these loops have a multiple of this many words, and start at one of a cache line.
inline constexpr std::size_t loop_words = 32;

/// Reads every word; returns their sum, so that none may be left out.
std::uint64_t read_words(std::span<const std::uint64_t> from);
/// Stores `value` into every word, through the caches as ordinary stores go.
void write_words(std::span<std::uint64_t> to, std::uint64_t value);
/// As many words as `from` has.
void copy_words(std::span<const std::uint64_t> from, std::span<std::uint64_t> to);

/// `rounds` of float multiply-adds in independent chains, enough to hide the latency of each.
/// Returns what came out, so that none may be left out.
float multiply_add(std::size_t rounds, float factor, float addend);
/// Floating-point operations in a round: two for each multiply-add.
double multiply_add_flops();

/// `rounds` of int8 products summed in int32: a register of int8 weights is widened to int16 and
/// multiplied with four registers of activations that were widened before, as in the heart of a
/// matrix product. Instructions that multiply int8 themselves (VNNI) are not used.
std::int32_t dot_int8(std::size_t rounds, std::span<const std::int8_t, 256> weights,
                      std::span<const std::int8_t, 256> activations);
/// Integer operations in a round: two for each product.
double dot_int8_operations();

}  // namespace nibble::kernels
