// The tensor core: a warp multiplies a 16 x K by a K x 8 matrix, whose elements are spread over the
// registers of its 32 lanes in the way the PTX ISA draws ("Matrix fragments for mma.m16n8k16" and
// "... m16n8k32"). With row = lane / 4 and column = lane % 4:
//
//   a[0] row, columns from 0        a[2] row, columns from K/2       b[0] column row, from 0
//   a[1] row + 8, columns from 0    a[3] row + 8, columns from K/2   b[1] column row, from K/2
//   d[0], d[1] row, columns 2 column and 2 column + 1; d[2], d[3] the same of row + 8
//
// Each register of a and b holds neighbouring elements: two of 16 bits or four of 8. Products are
// summed in double and rounded once; a GPU rounds on the way, each generation a little differently.
#pragma once

#include <cstdint>

#include "kernels/emulator/where.hpp"

namespace nibble::kernels::emulated {

/// d += a * b with binary16 elements and float sums.
void mma_m16n8k16_f16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                      emulator::Where here = emulator::Where::current());
/// d += a * b with bfloat16 elements and float sums.
void mma_m16n8k16_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                       emulator::Where here = emulator::Where::current());
/// d += a * b with signed 8-bit elements and 32-bit integer sums.
void mma_m16n8k32_s8(int (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                     emulator::Where here = emulator::Where::current());

}  // namespace nibble::kernels::emulated
