// Row-wise INT8 quantization, from naive to fast: one scale a row, max|x| / 127, as activations
// have one a token and weights one an output channel (LLM.int8(), arXiv 2208.07339, section 2.1).
//
//     x       (rows, columns)  float, half or bfloat16
//     codes   (rows, columns)  signed bytes
//     scales  (rows)           float
//
// A row is thousands of values: more than a warp wants to keep, less than a block can. The scale is
// known only when all of the row was seen, so either the row is read twice, or a block holds it.
#include "kernels/quantize/device_codes.cuh"
#include "kernels/rungs.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

__device__ inline signed char int8_code(float v, float divisor) {
    return static_cast<signed char>(integer_code(v, divisor, 127));
}

/// One thread a row: each load of a warp touches 32 rows, a sector each, and there are far too few
/// threads, one a row, to keep the memory busy.
template <class T>
__global__ void int8_row_naive(Global<const T> x, Global<signed char> codes, Global<float> scales,
                               std::size_t rows, unsigned columns) {
    const std::size_t row = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (row >= rows) {
        return;
    }
    const std::size_t start = row * columns;
    unsigned largest = 0;
    for (unsigned c = 0; c < columns; ++c) {
        largest = max(largest, magnitude(to_float(x[start + c])));
    }
    const float scale = absmax_scale(largest, 127.0f), divisor = divisor_of(scale);
    scales[row] = scale;
    for (unsigned c = 0; c < columns; ++c) {
        codes[start + c] = int8_code(to_float(x[start + c]), divisor);
    }
}

/// One block a row, neighbouring threads on neighbouring values. The maximum takes a tree in shared
/// memory, with a barrier for each of its levels; then the row is read again.
template <class T, int threads>
__global__ void __launch_bounds__(threads)
    int8_row_coalesced(Global<const T> x, Global<signed char> codes, Global<float> scales,
                       unsigned columns) {
    __shared__ Shared<unsigned[threads]> largest;
    const unsigned t = threadIdx.x;
    const std::size_t start = std::size_t{blockIdx.x} * columns;
    unsigned mine = 0;
    for (unsigned c = t; c < columns; c += threads) {
        mine = max(mine, magnitude(to_float(x[start + c])));
    }
    largest[t] = mine;
    __syncthreads();
    for (unsigned half = threads / 2; half > 0; half /= 2) {
        if (t < half) {
            const unsigned left = largest[t], right = largest[t + half];
            largest[t] = max(left, right);
        }
        __syncthreads();
    }
    const float scale = absmax_scale(largest[0], 127.0f), divisor = divisor_of(scale);
    if (t == 0) {
        scales[blockIdx.x] = scale;
    }
    for (unsigned c = t; c < columns; c += threads) {
        codes[start + c] = int8_code(to_float(x[start + c]), divisor);
    }
}

/// The maximum by shuffles: one barrier where the tree had nine, and one word of shared memory a
/// warp.
template <class T, int threads>
__global__ void __launch_bounds__(threads)
    int8_row_shuffles(Global<const T> x, Global<signed char> codes, Global<float> scales,
                      unsigned columns) {
    const unsigned t = threadIdx.x;
    const std::size_t start = std::size_t{blockIdx.x} * columns;
    unsigned largest = 0;
    for (unsigned c = t; c < columns; c += threads) {
        largest = max(largest, magnitude(to_float(x[start + c])));
    }
    const float scale = absmax_scale(max_of_block<threads>(largest), 127.0f);
    const float divisor = divisor_of(scale);
    if (t == 0) {
        scales[blockIdx.x] = scale;
    }
    for (unsigned c = t; c < columns; c += threads) {
        codes[start + c] = int8_code(to_float(x[start + c]), divisor);
    }
}

/// The codes of one vector as one word: from quotients, or from values and what divides them.
template <class Codes, int values>
__device__ inline Codes pack_bytes(const int (&codes)[values]) {
    unsigned words[2] = {0, 0};
    NIBBLE_UNROLL
    for (int k = 0; k < values; ++k) {
        words[k / 4] |= (static_cast<unsigned>(codes[k]) & 0xffu) << (8 * (k % 4));
    }
    if constexpr (sizeof(Codes) == 4) {
        return words[0];
    } else {
        return make_uint2(words[0], words[1]);
    }
}
template <class Codes, int values>
__device__ inline Codes int8_codes(const float (&v)[values], float divisor) {
    int codes[values];
    NIBBLE_UNROLL
    for (int k = 0; k < values; ++k) {
        codes[k] = integer_code(v[k], divisor, 127);
    }
    return pack_bytes<Codes>(codes);
}

/// 16 bytes a load and one word of codes a store: a quarter of the instructions (an eighth for
/// 16-bit input). The row is still read twice; the second time it mostly comes from a cache.
template <class T, class Codes, int threads>
__global__ void __launch_bounds__(threads)
    int8_row_vectorised(Global<const T> x, Global<signed char> codes, Global<float> scales,
                        unsigned vectors) {
    using Word = typename Vector<T>::Word;
    constexpr int values = Vector<T>::values;
    const unsigned t = threadIdx.x;
    const std::size_t start = std::size_t{blockIdx.x} * vectors;
    float v[values];
    unsigned largest = 0;
    for (unsigned i = t; i < vectors; i += threads) {
        const Word word = as<const Word>(x)[start + i];
        unpack<T>(word, v);
        NIBBLE_UNROLL
        for (int k = 0; k < values; ++k) {
            largest = max(largest, magnitude(v[k]));
        }
    }
    const float scale = absmax_scale(max_of_block<threads>(largest), 127.0f);
    const float divisor = divisor_of(scale);
    if (t == 0) {
        scales[blockIdx.x] = scale;
    }
    for (unsigned i = t; i < vectors; i += threads) {
        const Word word = as<const Word>(x)[start + i];
        unpack<T>(word, v);
        as<Codes>(codes)[start + i] = int8_codes<Codes>(v, divisor);
    }
}

/// Codes of one vector without a division: see Divisor. A safe one needs no limits: no quotient
/// rounds beyond 127.
template <class Codes, int values>
__device__ inline Codes int8_codes(const float (&v)[values], const Divisor& divisor) {
    int codes[values];
    NIBBLE_UNROLL
    for (int k = 0; k < values; ++k) {
        codes[k] = static_cast<int>(rounded_bits(divide(v[k], divisor)));
    }
    return pack_bytes<Codes>(codes);
}

/// The block holds its row in registers: every value is read once, all loads of a thread are under
/// way at the same time, and nothing is left to memory but what must move.
template <class T, class Codes, int threads, int in_flight>
__global__ void __launch_bounds__(threads)
    int8_row_registers(Global<const T> x, Global<signed char> codes, Global<float> scales,
                       unsigned vectors) {
    using Word = typename Vector<T>::Word;
    constexpr int values = Vector<T>::values;
    const unsigned t = threadIdx.x;
    const std::size_t start = std::size_t{blockIdx.x} * vectors;
    Word words[in_flight] = {};
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        if (n * threads + t < vectors) {
            words[n] = as<const Word>(x)[start + n * threads + t];
        }
    }
    float v[values];
    unsigned largest = 0;
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        unpack<T>(words[n], v);
        NIBBLE_UNROLL
        for (int k = 0; k < values; ++k) {
            largest = max(largest, magnitude(v[k]));
        }
    }
    const float scale = absmax_scale(max_of_block<threads>(largest), 127.0f);
    const Divisor divisor = make_divisor(scale);
    if (t == 0) {
        scales[blockIdx.x] = scale;
    }
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        if (n * threads + t < vectors) {
            unpack<T>(words[n], v);
            as<Codes>(codes)[start + n * threads + t] =
                divisor.safe ? int8_codes<Codes>(v, divisor)
                             : int8_codes<Codes>(v, divisor_of(scale));
        }
    }
}

// ---- the ladder ------------------------------------------------------------------------------

constexpr int block_threads = 256;

template <class T>
using CodesOf = std::conditional_t<Vector<T>::values == 4, unsigned, uint2>;

/// For the kernels that take a block a row.
Launch block_a_row(const Job& job, int threads) {
    return {static_cast<unsigned>(job.rows), static_cast<unsigned>(threads)};
}
/// Rows that are whole vectors; others start between two.
template <class T>
bool has_vectors(const Job& job) {
    return job.columns % Vector<T>::values == 0;
}

void naive(const Job& job, Buffers b) {
    with_input(job.input, [&]<class T>(Type<T>) {
        constexpr int threads = 64;
        launch<int8_row_naive<T>>({blocks_for(job.rows, threads), threads}, buffer<const T>(b, 0),
                                  buffer<signed char>(b, 1), buffer<float>(b, 2), job.rows,
                                  job.columns);
    });
}
void coalesced(const Job& job, Buffers b) {
    with_input(job.input, [&]<class T>(Type<T>) {
        launch<int8_row_coalesced<T, block_threads>>(
            block_a_row(job, block_threads), buffer<const T>(b, 0), buffer<signed char>(b, 1),
            buffer<float>(b, 2), job.columns);
    });
}
void shuffles(const Job& job, Buffers b) {
    with_input(job.input, [&]<class T>(Type<T>) {
        launch<int8_row_shuffles<T, block_threads>>(
            block_a_row(job, block_threads), buffer<const T>(b, 0), buffer<signed char>(b, 1),
            buffer<float>(b, 2), job.columns);
    });
}
/// Rows that are not whole vectors take the rung before.
void vectorised(const Job& job, Buffers b) {
    with_input(job.input, [&]<class T>(Type<T>) {
        if (!has_vectors<T>(job)) {
            return shuffles(job, b);
        }
        launch<int8_row_vectorised<T, CodesOf<T>, block_threads>>(
            block_a_row(job, block_threads), buffer<const T>(b, 0), buffer<signed char>(b, 1),
            buffer<float>(b, 2), job.columns / Vector<T>::values);
    });
}
template <class T, int threads, int in_flight>
void run_registers(const Job& job, Buffers b) {
    launch<int8_row_registers<T, CodesOf<T>, threads, in_flight>>(
        block_a_row(job, threads), buffer<const T>(b, 0), buffer<signed char>(b, 1),
        buffer<float>(b, 2), job.columns / Vector<T>::values);
}
/// Rows too long for a block's registers take the rung before.
void registers(const Job& job, Buffers b) {
    with_input(job.input, [&]<class T>(Type<T>) {
        const std::size_t vectors = job.columns / Vector<T>::values;
        if (!has_vectors<T>(job) || vectors > 8 * 1024) {
            return vectorised(job, b);
        }
        if (vectors <= 4 * 64) {
            run_registers<T, 64, 4>(job, b);
        } else if (vectors <= 4 * 256) {
            run_registers<T, 256, 4>(job, b);
        } else if (vectors <= 4 * 512) {
            run_registers<T, 512, 4>(job, b);
        } else {
            run_registers<T, 1024, 8>(job, b);
        }
    });
}

constexpr RungRow rows[] = {
    {"naive", "One thread a row: lanes stand a row apart, and there are too few of them.",
     "int8_row_naive", naive},
    {"coalesced",
     "One block a row: neighbouring threads read neighbouring values; the maximum "
     "goes through a tree in shared memory.",
     "int8_row_coalesced", coalesced},
    {"shuffles", "The maximum goes through registers: one barrier instead of nine.",
     "int8_row_shuffles", shuffles},
    {"vectorised",
     "16 bytes a load and a whole word of codes a store: a quarter of the "
     "instructions.",
     "int8_row_vectorised", vectorised},
    {"registers",
     "The block keeps its row in registers: it is read once, with all loads under way "
     "together, and no division.",
     "int8_row_registers", registers},
};

}  // namespace

std::span<const RungRow> quantize_int8_row_rows() {
    return rows;
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
