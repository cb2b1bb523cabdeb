// Quantization with a scale for each group, in every format of packed.hpp that has one, by the same
// three kernels: what differs between the formats is their codec (codecs.cuh). The two formats to
// study step by step are in int4_group.cuh and int8_row.cuh.
//
//     x            (rows, columns)    float, half or bfloat16
//     codes        (rows, row_bytes)  bytes
//     scales       (rows, groups)     float, or E8M0 exponents
//     zero_points  (rows, groups)     bytes, for unsigned integers
#include "kernels/quantize/codecs.cuh"
#include "kernels/rungs.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

/// Where a kernel writes.
template <class Codec>
struct Out {
    unsigned char* codes;
    typename Codec::Scale* scales;
    unsigned char* zero_points;
};

template <class Codec>
__device__ inline void store_grid(const Grid& grid, Global<typename Codec::Scale> scales,
                                  Global<unsigned char> zero_points, std::size_t g) {
    scales[g] = Codec::stored(grid);
    if constexpr (Codec::has_zero_point) {
        zero_points[g] = grid.zero_point;
    }
}

/// One thread a group, which reads it twice: for the scale, and for the codes. Neighbouring lanes
/// stand a group apart, so every load and store of a warp is spread over 32 sectors.
template <class Codec, class T>
__global__ void quantize_groups_naive(Global<const T> x, Global<unsigned char> codes,
                                      Global<typename Codec::Scale> scales,
                                      Global<unsigned char> zero_points, Shape shape) {
    const std::size_t g = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (g >= shape.all_groups) {
        return;
    }
    constexpr unsigned in_byte = 8 / Codec::bits;
    const Group group = group_at<Codec::bits>(shape, g);
    unsigned extent[Codec::extents];
    fill_empty<Codec>(extent);
    for (unsigned i = 0; i < group.size; ++i) {
        Codec::widen(extent, to_float(x[group.start + i]));
    }
    const Grid grid = Codec::grid(extent);
    store_grid<Codec>(grid, scales, zero_points, g);
    for (unsigned i = 0; i < group.size; i += in_byte) {
        const bool has_next = i + 1 < group.size;
        const float first = to_float(x[group.start + i]);
        const float next = to_float(x[group.start + i + (has_next ? 1 : 0)]);
        codes[group.code_start + i / in_byte] = pack_byte<Codec>(grid, first, next, has_next);
    }
}

/// One warp a group: neighbouring lanes on neighbouring values, maxima by shuffles. Takes groups of
/// any size, and reads them twice.
template <class Codec, class T>
__global__ void quantize_groups_shuffles(Global<const T> x, Global<unsigned char> codes,
                                         Global<typename Codec::Scale> scales,
                                         Global<unsigned char> zero_points, Shape shape) {
    const std::size_t g = (std::size_t{blockIdx.x} * blockDim.x + threadIdx.x) / 32;
    const unsigned lane = threadIdx.x % 32;
    if (g >= shape.all_groups) {
        return;
    }
    constexpr unsigned in_byte = 8 / Codec::bits;
    const Group group = group_at<Codec::bits>(shape, g);
    unsigned extent[Codec::extents];
    fill_empty<Codec>(extent);
    for (unsigned i = lane; i < group.size; i += 32) {
        Codec::widen(extent, to_float(x[group.start + i]));
    }
    join_lanes(extent, 32);
    const Grid grid = Codec::grid(extent);
    if (lane == 0) {
        store_grid<Codec>(grid, scales, zero_points, g);
    }
    for (unsigned i = lane * in_byte; i < group.size; i += 32 * in_byte) {
        const bool has_next = i + 1 < group.size;
        const float first = to_float(x[group.start + i]);
        const float next = to_float(x[group.start + i + (has_next ? 1 : 0)]);
        codes[group.code_start + i / in_byte] = pack_byte<Codec>(grid, first, next, has_next);
    }
}

/// Small groups: 16-byte loads, several under way in each thread, values kept in registers, so that
/// the matrix is read once; the lanes of a group find its scale by shuffles and each stores its
/// packed codes as one word. Groups fill a power of two of at most 32 lanes.
template <class Codec, class T, int in_flight>
__global__ void quantize_groups_in_flight(Global<const T> x, Global<unsigned char> codes,
                                          Global<typename Codec::Scale> scales,
                                          Global<unsigned char> zero_points, int lanes,
                                          std::size_t vectors) {
    using Word = typename Vector<T>::Word;
    constexpr int values = Vector<T>::values;
    using Codes = typename CodeWord<Codec, values>::type;
    const std::size_t warp = (std::size_t{blockIdx.x} * blockDim.x + threadIdx.x) / 32;
    const std::size_t first = warp * 32 * in_flight + threadIdx.x % 32;
    Word words[in_flight] = {};
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        if (first + 32 * n < vectors) {
            words[n] = as<const Word>(x)[first + 32 * n];
        }
    }
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        const std::size_t i = first + 32 * n;
        float v[values];
        unpack<T>(words[n], v);
        unsigned extent[Codec::extents];
        fill_empty<Codec>(extent);
        NIBBLE_UNROLL
        for (int k = 0; k < values; ++k) {
            Codec::widen(extent, v[k]);
        }
        join_lanes(extent, lanes);
        const Grid grid = Codec::grid(extent);
        if (i < vectors) {
            as<Codes>(codes)[i] = pack<Codec, values>(grid, v);
            if (i % static_cast<unsigned>(lanes) == 0) {
                store_grid<Codec>(grid, scales, zero_points, i / static_cast<unsigned>(lanes));
            }
        }
    }
}

/// Large groups, whole rows say: one block a group, which it holds in registers between the scale
/// and the codes. Warps join by shuffles, the block through one word of shared memory a warp.
template <class Codec, class T, int threads, int in_flight>
__global__ void __launch_bounds__(threads)
    quantize_groups_in_registers(Global<const T> x, Global<unsigned char> codes,
                                 Global<typename Codec::Scale> scales,
                                 Global<unsigned char> zero_points, int vectors) {
    using Word = typename Vector<T>::Word;
    constexpr int values = Vector<T>::values, warps = threads / 32;
    using Codes = typename CodeWord<Codec, values>::type;
    __shared__ Shared<unsigned[Codec::extents][32]> of_warps;
    const int t = static_cast<int>(threadIdx.x);
    const std::size_t start = std::size_t{blockIdx.x} * static_cast<unsigned>(vectors);
    Word words[in_flight] = {};
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        if (n * threads + t < vectors) {
            words[n] = as<const Word>(x)[start + n * threads + t];
        }
    }
    unsigned extent[Codec::extents];
    fill_empty<Codec>(extent);
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        float v[values];
        unpack<T>(words[n], v);
        NIBBLE_UNROLL
        for (int k = 0; k < values; ++k) {
            Codec::widen(extent, v[k]);
        }
    }
    join_lanes(extent, 32);
    if (t % 32 == 0) {
        for (int e = 0; e < Codec::extents; ++e) {
            of_warps[e][t / 32] = extent[e];
        }
    }
    __syncthreads();
    for (int e = 0; e < Codec::extents; ++e) {
        extent[e] = of_warps[e][t % warps];
    }
    join_lanes(extent, warps);
    const Grid grid = Codec::grid(extent);
    if (t == 0) {
        store_grid<Codec>(grid, scales, zero_points, blockIdx.x);
    }
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        if (n * threads + t < vectors) {
            float v[values];
            unpack<T>(words[n], v);
            as<Codes>(codes)[start + n * threads + t] = pack<Codec, values>(grid, v);
        }
    }
}

// ---- the ladders -----------------------------------------------------------------------------

constexpr int block_threads = 256;

template <PackedFormat format>
Out<Codec<format>> out_of(Buffers b) {
    return {buffer<unsigned char>(b, 1), buffer<typename Codec<format>::Scale>(b, 2),
            Codec<format>::has_zero_point ? buffer<unsigned char>(b, 3) : nullptr};
}

template <PackedFormat format>
void naive(const Job& job, Buffers b) {
    const Shape shape = shape_of(job, format);
    const auto out = out_of<format>(b);
    with_input(job.input, [&]<class T>(Type<T>) {
        launch<quantize_groups_naive<Codec<format>, T>>(
            {blocks_for(shape.all_groups, block_threads), block_threads}, buffer<const T>(b, 0),
            out.codes, out.scales, out.zero_points, shape);
    });
}

template <PackedFormat format>
void shuffles(const Job& job, Buffers b) {
    const Shape shape = shape_of(job, format);
    const auto out = out_of<format>(b);
    with_input(job.input, [&]<class T>(Type<T>) {
        launch<quantize_groups_shuffles<Codec<format>, T>>(
            {blocks_for(shape.all_groups * 32, block_threads), block_threads},
            buffer<const T>(b, 0), out.codes, out.scales, out.zero_points, shape);
    });
}

/// A block of so many threads with so many vectors each.
template <PackedFormat format, class T, int threads, int in_flight>
void in_registers(const Shape& shape, Buffers b) {
    const auto out = out_of<format>(b);
    launch<quantize_groups_in_registers<Codec<format>, T, threads, in_flight>>(
        {static_cast<unsigned>(shape.all_groups), threads}, buffer<const T>(b, 0), out.codes,
        out.scales, out.zero_points, static_cast<int>(shape.group_size) / Vector<T>::values);
}

/// By the size of the groups: lanes, blocks; and where vectors do not fit, one warp a group.
template <PackedFormat format>
void vectorised(const Job& job, Buffers b) {
    const Shape shape = shape_of(job, format);
    with_input(job.input, [&]<class T>(Type<T>) {
        constexpr int loads = 4;
        const unsigned vectors = shape.group_size / Vector<T>::values;
        const bool fits =
            shape.columns % shape.group_size == 0 && shape.group_size % Vector<T>::values == 0;
        if (fits && vectors <= 32 && (vectors & (vectors - 1)) == 0) {
            const std::size_t all = job.values() / Vector<T>::values;
            const auto out = out_of<format>(b);
            launch<quantize_groups_in_flight<Codec<format>, T, loads>>(
                {blocks_for(all, block_threads * loads), block_threads}, buffer<const T>(b, 0),
                out.codes, out.scales, out.zero_points, static_cast<int>(vectors), all);
        } else if (fits && vectors <= 256) {
            in_registers<format, T, 64, 4>(shape, b);
        } else if (fits && vectors <= 1024) {
            in_registers<format, T, 256, 4>(shape, b);
        } else if (fits && vectors <= 8192) {
            in_registers<format, T, 1024, 8>(shape, b);
        } else {
            shuffles<format>(job, b);
        }
    });
}

template <PackedFormat format>
constexpr RungRow rows[] = {
    {"naive",
     "One thread a group: every load of a warp is spread over 32 sectors, and the matrix is "
     "read twice.",
     "quantize_groups_naive", naive<format>},
    {"shuffles",
     "One warp a group: neighbouring lanes read neighbouring values, and find the scale "
     "by shuffles.",
     "quantize_groups_shuffles", shuffles<format>},
    {"vectorised",
     "16 bytes a load, several under way, values kept in registers: the matrix is "
     "read once, and codes are stored as words.",
     "quantize_groups_in_flight", vectorised<format>},
};

}  // namespace

/// INT4 has a ladder of its own (int4_group.cuh).
std::span<const RungRow> quantize_group_rows(PackedFormat format) {
    return rows_of(format, [](auto f) -> std::span<const RungRow> {
        if constexpr (layout(f()).packing == Packing::arrays && f() != PackedFormat::int4) {
            return rows<f()>;
        } else {
            return {};
        }
    });
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
