// One scale for a whole matrix: first the largest magnitude of all, then the codes. Blocks cannot
// wait for each other inside a kernel, so it takes two launches, and the matrix is read twice: the
// coarsest scale is not the cheapest to find.
//
//     x        (rows, columns)    float, half or bfloat16
//     codes    (rows, row_bytes)  bytes
//     scale    (1)                float, max|x| / limit; NaN when any value is NaN or infinite
//     largest  (1)                the bits of max|x|, from the first launch to the second
#include "kernels/quantize/codecs.cuh"
#include "kernels/reduce/absmax.cuh"
#include "kernels/rungs.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

/// One thread a byte of codes. Before it, absmax_naive: every value goes to the same address
/// by an atomic maximum, and they queue up there.
template <class Codec, class T>
__global__ void quantize_tensor_naive(Global<const T> x, Global<unsigned char> codes,
                                      Global<float> scale, Global<const unsigned> largest,
                                      Shape shape, std::size_t bytes) {
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i >= bytes) {
        return;
    }
    constexpr unsigned in_byte = 8 / Codec::bits;
    const unsigned extent[1] = {largest[0]};
    const Grid grid = Codec::grid(extent);
    if (i == 0) {
        scale[0] = grid.scale;
    }
    const unsigned column = static_cast<unsigned>(i % shape.row_bytes) * in_byte;
    const std::size_t at = i / shape.row_bytes * shape.columns + column;
    const bool has_next = column + 1 < shape.columns;
    const float first = to_float(x[at]), next = to_float(x[at + (has_next ? 1 : 0)]);
    codes[i] = pack_byte<Codec>(grid, first, next, has_next);
}

/// 16 bytes a load, several under way, and codes stored as words. Before it, absmax_vectorised:
/// one atomic a block.
template <class Codec, class T, int in_flight>
__global__ void quantize_tensor(Global<const T> x, Global<unsigned char> codes, Global<float> scale,
                                Global<const unsigned> largest, std::size_t vectors) {
    using Word = typename Vector<T>::Word;
    constexpr int values = Vector<T>::values;
    using Codes = typename CodeWord<Codec, values>::type;
    const std::size_t first = std::size_t{blockIdx.x} * blockDim.x * in_flight + threadIdx.x;
    Word words[in_flight] = {};
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        if (first + n * blockDim.x < vectors) {
            words[n] = as<const Word>(x)[first + n * blockDim.x];
        }
    }
    const unsigned extent[1] = {largest[0]};
    const Grid grid = Codec::grid(extent);
    if (first == 0) {
        scale[0] = grid.scale;
    }
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        if (first + n * blockDim.x < vectors) {
            float v[values];
            unpack<T>(words[n], v);
            as<Codes>(codes)[first + n * blockDim.x] = pack<Codec, values>(grid, v);
        }
    }
}

// ---- the ladders -----------------------------------------------------------------------------

constexpr int block_threads = 256;

template <PackedFormat format, class T>
void run_naive_codes(const Job& job, Buffers b) {
    Shape shape = shape_of(job, format);
    const std::size_t bytes = job.rows * shape.row_bytes;
    launch<quantize_tensor_naive<Codec<format>, T>>(
        {blocks_for(bytes, block_threads), block_threads}, buffer<const T>(b, 0),
        buffer<unsigned char>(b, 1), buffer<float>(b, 2), buffer<const unsigned>(b, 3), shape,
        bytes);
}

template <PackedFormat format>
void naive(const Job& job, Buffers b) {
    with_input(job.input, [&]<class T>(Type<T>) {
        run_absmax_naive(buffer<const T>(b, 0), buffer<unsigned>(b, 3), job.values());
        run_naive_codes<format, T>(job, b);
    });
}

/// Rows that are not whole vectors get their codes byte by byte.
template <PackedFormat format>
void vectorised(const Job& job, Buffers b) {
    with_input(job.input, [&]<class T>(Type<T>) {
        run_absmax_vectorised(buffer<const T>(b, 0), buffer<unsigned>(b, 3), job.values());
        if (job.columns % Vector<T>::values != 0) {
            return run_naive_codes<format, T>(job, b);
        }
        constexpr int loads = 4;
        const std::size_t vectors = job.values() / Vector<T>::values;
        launch<quantize_tensor<Codec<format>, T, loads>>(
            {blocks_for(vectors, block_threads * loads), block_threads}, buffer<const T>(b, 0),
            buffer<unsigned char>(b, 1), buffer<float>(b, 2), buffer<const unsigned>(b, 3),
            vectors);
    });
}

template <PackedFormat format>
constexpr RungRow rows[] = {
    {"naive",
     "Every value goes to one address by an atomic maximum; then a thread a byte of codes.",
     "quantize_tensor_naive", naive<format>},
    {"vectorised",
     "Maxima are joined in registers, one atomic a block; then 16-byte loads and "
     "whole words of codes.",
     "quantize_tensor", vectorised<format>},
};

}  // namespace

std::span<const RungRow> quantize_tensor_rows(PackedFormat format) {
    return rows_of(format, [](auto f) -> std::span<const RungRow> {
        if constexpr (layout(f()).takes_tensor_scale()) {
            return rows<f()>;
        } else {
            return {};
        }
    });
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
