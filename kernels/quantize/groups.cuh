// Group-wise quantization as the labs ask for it: ranges, and codes with their rounding errors, in
// one pass over the values each. Compiled by nvcc (groups.cu) and for the emulator (groups.cpp).
//
// Sixteen lanes take one group, or a segment of 4096 values of a longer one, and go along it side
// by side: neighbouring lanes read neighbouring values, so every sector that is moved is used.
// Sixteen, and not a warp, because that is how the processor's backend sums
// (kernels/quantize/cpu.cpp): lane i adds up the squares of values i, i + 16, i + 32 ..., and the
// sixteen sums are folded in its order. With each operation rounded by itself (__fmul_rn: nvcc
// would fuse a multiplication with the addition after it) a GPU then gives the processor's bits.
#include "kernels/cuda.hpp"
#include "kernels/quantize/groups_kernels.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

constexpr unsigned whole_warp = 0xffffffffu;
constexpr unsigned team = 16;  // lanes that share a segment
constexpr unsigned block_threads = 128;

struct Geometry {
    unsigned columns, group_size, groups_per_row, segments_per_group, segments;
};

/// The values that a team works on: [first, first + count) of the matrix.
struct Segment {
    std::size_t group, first;
    unsigned count;
};

__device__ inline unsigned team_index() {
    return (blockIdx.x * blockDim.x + threadIdx.x) / team;
}

/// Beyond the last segment, and where the short last group of a row has fewer, nothing is left.
__device__ inline Segment segment_of(unsigned index, const Geometry& g) {
    if (index >= g.segments) {
        return {0, 0, 0};
    }
    const unsigned group = index / g.segments_per_group;
    const unsigned row = group / g.groups_per_row, in_row = group % g.groups_per_row;
    const unsigned longest =
        g.segments_per_group == 1 ? g.group_size : longest_float_sum;  // of a segment
    const unsigned skipped = index % g.segments_per_group * longest;
    const unsigned start = in_row * g.group_size;
    const unsigned left = g.columns - start;  // in the row
    const unsigned size = left < g.group_size ? left : g.group_size;
    const unsigned rest = skipped < size ? size - skipped : 0;
    return {group, static_cast<std::size_t>(row) * g.columns + start + skipped,
            rest < longest ? rest : longest};
}

__global__ void __launch_bounds__(block_threads)
    find_ranges(Global<const float> values, Global<float> low, Global<float> high, Geometry g) {
    const Segment s = segment_of(team_index(), g);
    const unsigned lane = threadIdx.x % team;
    float smallest = INFINITY, largest = -INFINITY;
    for (unsigned i = lane; i < s.count; i += team) {
        const float x = values[s.first + i];
        smallest = x < smallest ? x : smallest;
        largest = x > largest ? x : largest;
    }
    for (int offset = team / 2; offset > 0; offset /= 2) {
        const float other_low = __shfl_xor_sync(whole_warp, smallest, offset);
        const float other_high = __shfl_xor_sync(whole_warp, largest, offset);
        smallest = other_low < smallest ? other_low : smallest;
        largest = other_high > largest ? other_high : largest;
    }
    if (lane == 0 && s.count > 0) {
        low[s.group] = smallest;
        high[s.group] = largest;
    }
}

/// A value's code, a whole number, and what it comes back as.
struct Rounded {
    float code, value;
};

/// Scale, stored scale and zero point of a group.
struct Scale {
    float scale, stored, zero_point;
};

__device__ inline float clamped(float x, float low, float high) {
    const float raised = x < low ? low : x;
    return raised > high ? high : raised;
}

struct IntegerRounder {
    float low, high;

    __device__ Rounded operator()(float x, const Scale& s) const {
        const float steps =
            clamped(rintf(__fdiv_rn(x, s.scale)), low - s.zero_point, high - s.zero_point);
        return {steps + s.zero_point, __fmul_rn(steps, s.stored)};
    }
};

struct CodebookRounder {
    LevelTable table;

    __device__ Rounded operator()(float x, const Scale& s) const {
        const float scaled = __fmul_rn(x, __fdiv_rn(1.0f, s.scale));
        unsigned code = 0;
        for (unsigned k = 0; k + 1 < table.count; ++k) {
            code += scaled > table.middle[k] ? 1 : 0;
        }
        return {static_cast<float>(code), __fmul_rn(table.level[code], s.stored)};
    }
};

struct SmallFloatRounder {
    int exponent_bits, mantissa_bits, bias;
    float largest;

    __device__ Rounded operator()(float x, const Scale& s) const {
        const float scaled = clamped(__fdiv_rn(x, s.scale), -largest, largest);
        // The spacing of the format's numbers around `scaled`, and its reciprocal: powers of two.
        const unsigned smallest = static_cast<unsigned>(128 - bias) << 23;  // of the normal numbers
        const unsigned own = __float_as_uint(scaled) & (255u << 23);
        const unsigned exponent = own > smallest ? own : smallest;
        const unsigned spacing = exponent - (static_cast<unsigned>(mantissa_bits) << 23);
        const float steps = rintf(__fmul_rn(scaled, __uint_as_float((254u << 23) - spacing)));
        const float value = __fmul_rn(steps, __uint_as_float(spacing));
        // A magnitude's code counts the numbers below it: |steps| in the first binade, and
        // 2^mantissa_bits more for each binade after it.
        const unsigned below = ((exponent - smallest) >> 23) << mantissa_bits;
        const unsigned sign = __float_as_uint(x) >> 31 << (exponent_bits + mantissa_bits);
        return {static_cast<float>(below + sign) + fabsf(steps), __fmul_rn(value, s.stored)};
    }
};

struct Scales {
    Global<const float> scale, stored, zero_point;  // (row, group)
};

struct Results {
    Global<std::int16_t> codes;  // (row, column), or null
    Global<float> dequantized;   // (row, column), or null
    Global<double> squared;      // (segment)
    Global<float> largest;       // (segment)
    Global<unsigned> zeros;      // (segment)
};

template <class Rounder>
__global__ void __launch_bounds__(block_threads)
    quantize_groups(Global<const float> values, Scales scales, Results out, Geometry g,
                    Rounder rounder) {
    const unsigned index = team_index();
    const Segment s = segment_of(index, g);
    const unsigned lane = threadIdx.x % team;
    Scale scale{1.0f, 1.0f, 0.0f};
    if (s.count > 0) {
        scale = {scales.scale[s.group], scales.stored[s.group], scales.zero_point[s.group]};
    }
    float squared = 0.0f, largest = 0.0f;
    unsigned zeros = 0;
    for (unsigned i = lane; i < s.count; i += team) {
        const float x = values[s.first + i];
        const Rounded r = rounder(x, scale);
        const float error = x - r.value;
        squared = __fadd_rn(squared, __fmul_rn(error, error));
        largest = fabsf(error) > largest ? fabsf(error) : largest;
        zeros += r.value == 0.0f ? 1 : 0;
        if (out.codes) {
            out.codes[s.first + i] = static_cast<std::int16_t>(r.code);
        }
        if (out.dequantized) {
            out.dequantized[s.first + i] = r.value;
        }
    }
    // Lanes 0 to 3 add those 4, 8 and 12 after them, one by one; then pairs, then both pairs.
    const double own = squared;
    double sum = own;
    for (unsigned offset = 4; offset < team; offset += 4) {
        sum += __shfl_down_sync(whole_warp, own, offset, team);
    }
    sum += __shfl_down_sync(whole_warp, sum, 1, team);
    sum += __shfl_down_sync(whole_warp, sum, 2, team);
    for (int offset = team / 2; offset > 0; offset /= 2) {
        const float other = __shfl_xor_sync(whole_warp, largest, offset);
        largest = other > largest ? other : largest;
        zeros += __shfl_xor_sync(whole_warp, zeros, offset);
    }
    if (lane == 0 && index < g.segments) {
        out.squared[index] = sum;
        out.largest[index] = largest;
        out.zeros[index] = zeros;
    }
}

Geometry geometry_of(const GroupsJob& job, unsigned segments_per_group) {
    return {job.columns, job.group_size, job.groups_per_row(), segments_per_group,
            job.rows * job.groups_per_row() * segments_per_group};
}

Launch shape_of(const Geometry& g) {
    constexpr unsigned teams = block_threads / team;
    return {dim3((g.segments + teams - 1) / teams), dim3(block_threads)};
}

template <class Rounder>
void run_quantize(const GroupsJob& job, const Rounder& rounder) {
    const Geometry g = geometry_of(job, job.segments_per_group());
    const Scales scales{job.scale, job.stored_scale, job.zero_point};
    const Results results{job.codes, job.dequantized, job.squared, job.largest, job.zeros};
    launch<quantize_groups<Rounder>>(shape_of(g), job.values, scales, results, g, rounder);
}

}  // namespace

// clang-format off
const GroupsKernels groups_kernels{
    .ranges = [](const GroupsJob& job) {
        const Geometry g = geometry_of(job, 1);  // a range needs no double: one team a group
        launch<find_ranges>(shape_of(g), job.values, job.low, job.high, g);
    },
    .integer = [](const GroupsJob& job, const IntegerGrid& grid) {
        run_quantize(job, IntegerRounder{static_cast<float>(grid.low),
                                         static_cast<float>(grid.high)});
    },
    .codebook = [](const GroupsJob& job, const LevelTable& table) {
        run_quantize(job, CodebookRounder{table});
    },
    .small_float = [](const GroupsJob& job, const FloatFormat& f) {
        run_quantize(job, SmallFloatRounder{f.exponent_bits, f.mantissa_bits, f.bias,
                                            static_cast<float>(f.largest())});
    },
};
// clang-format on

}  // namespace nibble::kernels::NIBBLE_MACHINE
