// From codes back to floats, value = level(code) * scale, in every format of packed.hpp that keeps
// its scales apart. Little is read and much is written: the shape of the stores decides.
//
//     codes        (rows, row_bytes)  bytes
//     scales       (rows, groups)     float, or E8M0 exponents; (1) with one scale for all
//     zero_points  (rows, groups)     bytes, for unsigned integers
//     y            (rows, columns)    float
#include <type_traits>

#include "kernels/quantize/codecs.cuh"
#include "kernels/rungs.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

template <class Codec>
__device__ inline unsigned code_at(Global<const unsigned char> codes, std::size_t row_start,
                                   unsigned column) {
    if constexpr (Codec::bits == 8) {
        return codes[row_start + column];
    } else {
        const unsigned byte = codes[row_start + column / 2];
        return byte >> nibble_shift<Codec>(static_cast<int>(column % 2)) & 0xfu;
    }
}

/// The scale and zero point that turn codes into values.
struct Scale {
    float scale, zero_point;
};
template <class Codec>
__device__ inline Scale scale_at(Global<const typename Codec::Scale> scales,
                                 Global<const unsigned char> zero_points, std::size_t g) {
    float zero = 0.0f;
    if constexpr (Codec::has_zero_point) {
        zero = static_cast<float>(zero_points[g]);
    }
    return {Codec::scale(scales[g]), zero};
}

/// One thread a group, because that is how scales are stored. Neighbouring lanes write a group
/// apart: 32 sectors for 128 bytes, at every store.
template <class Codec>
__global__ void dequantize_naive(Global<const unsigned char> codes,
                                 Global<const typename Codec::Scale> scales,
                                 Global<const unsigned char> zero_points, Global<float> y,
                                 Shape shape) {
    const std::size_t g = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (g >= shape.all_groups) {
        return;
    }
    const Group group = group_at<Codec::bits>(shape, g);
    const Scale by = scale_at<Codec>(scales, zero_points, g);
    for (unsigned i = 0; i < group.size; ++i) {
        const unsigned code = code_at<Codec>(codes, group.code_start, i);
        y[group.start + i] = __fmul_rn(Codec::value(code) - by.zero_point, by.scale);
    }
}

/// One thread a value: neighbouring lanes write neighbouring floats, and share the scale they read.
template <class Codec>
__global__ void dequantize_coalesced(Global<const unsigned char> codes,
                                     Global<const typename Codec::Scale> scales,
                                     Global<const unsigned char> zero_points, Global<float> y,
                                     Shape shape, std::size_t count) {
    const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i >= count) {
        return;
    }
    const std::size_t row = i / shape.columns;
    const unsigned column = static_cast<unsigned>(i % shape.columns);
    const Scale by =
        scale_at<Codec>(scales, zero_points, row * shape.groups + column / shape.group_size);
    const unsigned code = code_at<Codec>(codes, row * shape.row_bytes, column);
    y[i] = __fmul_rn(Codec::value(code) - by.zero_point, by.scale);
}

/// The levels of a table format, one in each lane: looking one up is a shuffle, which unlike a
/// table in memory has no address to wait for. Other formats compute their values. The whole warp
/// takes part.
template <class Codec>
struct Levels {
    float of_lane = 0.0f;

    __device__ explicit Levels(unsigned lane) {
        if constexpr (std::is_base_of_v<Table, Codec>) {
            of_lane = Codec::value(lane % 16);
        }
    }
    __device__ float operator[](unsigned code) const {
        if constexpr (std::is_base_of_v<Table, Codec>) {
            return __shfl_sync(full_warp, of_lane, static_cast<int>(code));
        } else {
            return Codec::value(code);
        }
    }
};

/// Four codes a load, four floats a store of 16 bytes, and several of both under way in each
/// thread.
template <class Codec, int in_flight>
__global__ void dequantize_vectorised(Global<const unsigned char> codes,
                                      Global<const typename Codec::Scale> scales,
                                      Global<const unsigned char> zero_points, Global<float> y,
                                      unsigned vectors_in_group, unsigned vectors) {
    using Codes = typename CodeWord<Codec, 4>::type;
    const Levels<Codec> levels(threadIdx.x % 32);
    const unsigned first = blockIdx.x * blockDim.x * in_flight + threadIdx.x;
    Codes words[in_flight] = {};
    Scale by[in_flight] = {};
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        const unsigned i = first + n * blockDim.x;
        if (i < vectors) {
            words[n] = as<const Codes>(codes)[i];
            by[n] = scale_at<Codec>(scales, zero_points, i / vectors_in_group);
        }
    }
    NIBBLE_UNROLL
    for (int n = 0; n < in_flight; ++n) {
        float v[4];
        NIBBLE_UNROLL
        for (int k = 0; k < 4; ++k) {
            const int shift = Codec::bits == 8 ? 8 * k : nibble_shift<Codec>(k);
            const unsigned code = words[n] >> shift & ((1u << Codec::bits) - 1u);
            v[k] = __fmul_rn(levels[code] - by[n].zero_point, by[n].scale);
        }
        const unsigned i = first + n * blockDim.x;
        if (i < vectors) {
            as<float4>(y)[i] = make_float4(v[0], v[1], v[2], v[3]);
        }
    }
}

// ---- the ladders -----------------------------------------------------------------------------

constexpr int block_threads = 256;

/// Buffers: codes, scales, zero points where there are any, y.
template <PackedFormat format>
struct In {
    using Scales = typename Codec<format>::Scale;
    const unsigned char* codes;
    const Scales* scales;
    const unsigned char* zero_points;
    float* y;

    explicit In(Buffers b)
        : codes(buffer<const unsigned char>(b, 0)),
          scales(buffer<const Scales>(b, 1)),
          zero_points(Codec<format>::has_zero_point ? buffer<const unsigned char>(b, 2) : nullptr),
          y(buffer<float>(b, b.size() - 1)) {}
};

template <PackedFormat format>
void naive(const Job& job, Buffers b) {
    const In<format> in(b);
    const Shape shape = shape_of(job, format);
    launch<dequantize_naive<Codec<format>>>(
        {blocks_for(shape.all_groups, block_threads), block_threads}, in.codes, in.scales,
        in.zero_points, in.y, shape);
}

template <PackedFormat format>
void coalesced_by(const Job& job, Buffers b, const Shape& shape) {
    const In<format> in(b);
    launch<dequantize_coalesced<Codec<format>>>(
        {blocks_for(job.values(), block_threads), block_threads}, in.codes, in.scales,
        in.zero_points, in.y, shape, job.values());
}

/// Rows or groups that are not whole vectors take the rung before.
template <PackedFormat format>
void vectorised_by(const Job& job, Buffers b, const Shape& shape, std::size_t vectors_in_group) {
    constexpr int loads = 4;
    if (vectors_in_group == 0) {
        return coalesced_by<format>(job, b, shape);
    }
    const In<format> in(b);
    const std::size_t vectors = job.values() / 4;
    launch<dequantize_vectorised<Codec<format>, loads>>(
        {blocks_for(vectors, block_threads * loads), block_threads}, in.codes, in.scales,
        in.zero_points, in.y, vectors_in_group, vectors);
}

template <PackedFormat format>
void coalesced(const Job& job, Buffers b) {
    coalesced_by<format>(job, b, shape_of(job, format));
}
template <PackedFormat format>
void vectorised(const Job& job, Buffers b) {
    const Shape shape = shape_of(job, format);
    const bool fits = shape.columns % shape.group_size == 0 && shape.group_size % 4 == 0;
    vectorised_by<format>(job, b, shape, fits ? shape.group_size / 4 : 0);
}

/// One scale for all: every column of every row belongs to group 0.
template <PackedFormat format>
Shape tensor_shape(const Job& job) {
    Shape shape = shape_of(job, format);
    shape.groups = 0;
    shape.group_size = shape.columns;
    return shape;
}
template <PackedFormat format>
void tensor_coalesced(const Job& job, Buffers b) {
    coalesced_by<format>(job, b, tensor_shape<format>(job));
}
template <PackedFormat format>
void tensor_vectorised(const Job& job, Buffers b) {
    vectorised_by<format>(job, b, tensor_shape<format>(job),
                          job.columns % 4 == 0 ? job.values() / 4 : 0);
}

constexpr const char* teaches_coalesced =
    "One thread a value: neighbouring lanes write neighbouring floats.";
constexpr const char* teaches_vectorised =
    "Four codes a load and 16 bytes a store, several under way; tables are looked up by shuffles.";

template <PackedFormat format>
constexpr RungRow group_rows[] = {
    {"naive", "One thread a group: every store of a warp is spread over 32 sectors.",
     "dequantize_naive", naive<format>},
    {"coalesced", teaches_coalesced, "dequantize_coalesced", coalesced<format>},
    {"vectorised", teaches_vectorised, "dequantize_vectorised", vectorised<format>},
};
template <PackedFormat format>
constexpr RungRow tensor_rows[] = {
    {"coalesced", teaches_coalesced, "dequantize_coalesced", tensor_coalesced<format>},
    {"vectorised", teaches_vectorised, "dequantize_vectorised", tensor_vectorised<format>},
};

}  // namespace

std::span<const RungRow> dequantize_group_rows(PackedFormat format) {
    return rows_of(format, [](auto f) -> std::span<const RungRow> {
        if constexpr (layout(f()).packing == Packing::arrays) {
            return group_rows<f()>;
        } else {
            return {};
        }
    });
}
std::span<const RungRow> dequantize_tensor_rows(PackedFormat format) {
    return rows_of(format, [](auto f) -> std::span<const RungRow> {
        if constexpr (layout(f()).takes_tensor_scale()) {
            return tensor_rows<f()>;
        } else {
            return {};
        }
    });
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
