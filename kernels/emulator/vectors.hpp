// CUDA's short vectors, with its alignment: that is what makes one 16-byte access of a float4.
#pragma once

#include <cstdint>

#include "kernels/emulator/fault.hpp"

namespace nibble::kernels::emulated {

struct dim3 {
    unsigned x, y, z;
    // NOLINTNEXTLINE(google-explicit-constructor): kernels are launched with plain numbers
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

// clang-format off
struct alignas(2)  char2   { signed char x, y; };
struct alignas(4)  char4   { signed char x, y, z, w; };
struct alignas(2)  uchar2  { unsigned char x, y; };
struct alignas(4)  uchar4  { unsigned char x, y, z, w; };
struct alignas(4)  short2  { short x, y; };
struct alignas(8)  short4  { short x, y, z, w; };
struct alignas(4)  ushort2 { unsigned short x, y; };
struct alignas(8)  ushort4 { unsigned short x, y, z, w; };
struct alignas(8)  int2    { int x, y; };
struct alignas(16) int4    { int x, y, z, w; };
struct alignas(8)  uint2   { unsigned x, y; };
struct alignas(16) uint4   { unsigned x, y, z, w; };
struct alignas(8)  float2  { float x, y; };
struct alignas(16) float4  { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };
struct alignas(16) longlong2  { long long x, y; };
struct alignas(16) ulonglong2 { unsigned long long x, y; };

constexpr char2   make_char2(signed char x, signed char y) { return {x, y}; }
constexpr char4   make_char4(signed char x, signed char y, signed char z, signed char w) { return {x, y, z, w}; }
constexpr uchar2  make_uchar2(unsigned char x, unsigned char y) { return {x, y}; }
constexpr uchar4  make_uchar4(unsigned char x, unsigned char y, unsigned char z, unsigned char w) { return {x, y, z, w}; }
constexpr short2  make_short2(short x, short y) { return {x, y}; }
constexpr short4  make_short4(short x, short y, short z, short w) { return {x, y, z, w}; }
constexpr ushort2 make_ushort2(unsigned short x, unsigned short y) { return {x, y}; }
constexpr ushort4 make_ushort4(unsigned short x, unsigned short y, unsigned short z, unsigned short w) { return {x, y, z, w}; }
constexpr int2    make_int2(int x, int y) { return {x, y}; }
constexpr int4    make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
constexpr uint2   make_uint2(unsigned x, unsigned y) { return {x, y}; }
constexpr uint4   make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
constexpr float2  make_float2(float x, float y) { return {x, y}; }
constexpr float4  make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
constexpr double2 make_double2(double x, double y) { return {x, y}; }
// clang-format on

static_assert(sizeof(char4) == 4 && sizeof(uint4) == 16 && sizeof(float4) == 16);

}  // namespace nibble::kernels::emulated
