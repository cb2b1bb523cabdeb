// Packing codes 0 .. 15 two to a byte, the first of a pair in the low half, and unpacking them.
//
//     codes   (count)            bytes
//     packed  ((count + 1) / 2)  bytes; a last half without a code is 0
//
// No arithmetic at all: only how many bytes an instruction carries, and shifting them together.
#include "kernels/quantize/device_codes.cuh"
#include "kernels/rungs.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

/// One thread a packed byte: two loads of one byte, one store of one byte. A warp's store fills a
/// single sector.
__global__ void pack_nibbles_naive(Global<const unsigned char> codes, Global<unsigned char> packed,
                                   std::size_t count) {
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i < (count + 1) / 2) {
        unsigned byte = codes[2 * i];
        if (2 * i + 1 < count) {
            byte |= static_cast<unsigned>(codes[2 * i + 1]) << 4;
        }
        packed[i] = static_cast<unsigned char>(byte);
    }
}

/// Eight codes in two words become one word: folding each pair of bytes leaves its nibbles in bytes
/// 0 and 2, and one byte permutation picks those four.
__device__ inline unsigned fold(unsigned low, unsigned high) {
    return __byte_perm(low | low >> 4, high | high >> 4, 0x6420);
}

/// 16 codes a load, 8 packed bytes a store, folded in whole words; the last thread takes the codes
/// that fill no vector.
__global__ void pack_nibbles_vectorised(Global<const unsigned char> codes,
                                        Global<unsigned char> packed, std::size_t count) {
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    const std::size_t vectors = count / 16;
    if (i < vectors) {
        const uint4 v = as<const uint4>(codes)[i];
        as<uint2>(packed)[i] = make_uint2(fold(v.x, v.y), fold(v.z, v.w));
    } else if (i == vectors) {
        for (std::size_t k = vectors * 16; k < count; k += 2) {
            unsigned byte = codes[k];
            if (k + 1 < count) {
                byte |= static_cast<unsigned>(codes[k + 1]) << 4;
            }
            packed[k / 2] = static_cast<unsigned char>(byte);
        }
    }
}

/// One thread a code: two neighbours read the same byte.
__global__ void unpack_nibbles_naive(Global<const unsigned char> packed,
                                     Global<unsigned char> codes, std::size_t count) {
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i < count) {
        const unsigned byte = packed[i / 2];
        codes[i] = static_cast<unsigned char>(byte >> (i % 2 == 0 ? 0 : 4) & 0xfu);
    }
}

/// 8 packed bytes a load, 16 codes a store: low and high nibbles of a word are masked out all at
/// once, and two byte permutations put them in turn.
__global__ void unpack_nibbles_vectorised(Global<const unsigned char> packed,
                                          Global<unsigned char> codes, std::size_t count) {
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    const std::size_t vectors = count / 16;
    if (i < vectors) {
        const uint2 v = as<const uint2>(packed)[i];
        const unsigned low[2] = {v.x & 0x0f0f0f0fu, v.y & 0x0f0f0f0fu};
        const unsigned high[2] = {v.x >> 4 & 0x0f0f0f0fu, v.y >> 4 & 0x0f0f0f0fu};
        uint4 all;
        all.x = __byte_perm(low[0], high[0], 0x5140);
        all.y = __byte_perm(low[0], high[0], 0x7362);
        all.z = __byte_perm(low[1], high[1], 0x5140);
        all.w = __byte_perm(low[1], high[1], 0x7362);
        as<uint4>(codes)[i] = all;
    } else if (i == vectors) {
        for (std::size_t k = vectors * 16; k < count; ++k) {
            const unsigned byte = packed[k / 2];
            codes[k] = static_cast<unsigned char>(byte >> (k % 2 == 0 ? 0 : 4) & 0xfu);
        }
    }
}

// ---- the ladders -----------------------------------------------------------------------------

/// Runs a kernel from bytes to bytes on so many threads.
template <auto kernel>
void run(const Job& job, Buffers b, std::size_t threads) {
    constexpr int in_block = 256;
    launch<kernel>({blocks_for(threads, in_block), in_block}, buffer<const unsigned char>(b, 0),
                   buffer<unsigned char>(b, 1), job.values());
}

constexpr RungRow pack_rows[] = {
    {"naive", "One thread a packed byte: one byte an instruction.", "pack_nibbles_naive",
     [](const Job& job, Buffers b) { run<pack_nibbles_naive>(job, b, (job.values() + 1) / 2); }},
    {"vectorised", "16 codes a load, 8 bytes a store, folded as whole words.",
     "pack_nibbles_vectorised",
     [](const Job& job, Buffers b) {
         run<pack_nibbles_vectorised>(job, b, job.values() / 16 + 1);
     }},
};
constexpr RungRow unpack_rows[] = {
    {"naive", "One thread a code: one byte an instruction.", "unpack_nibbles_naive",
     [](const Job& job, Buffers b) { run<unpack_nibbles_naive>(job, b, job.values()); }},
    {"vectorised", "8 bytes a load, 16 codes a store, masked and interleaved as whole words.",
     "unpack_nibbles_vectorised",
     [](const Job& job, Buffers b) {
         run<unpack_nibbles_vectorised>(job, b, job.values() / 16 + 1);
     }},
};

}  // namespace

std::span<const RungRow> pack_nibbles_rows() {
    return pack_rows;
}
std::span<const RungRow> unpack_nibbles_rows() {
    return unpack_rows;
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
