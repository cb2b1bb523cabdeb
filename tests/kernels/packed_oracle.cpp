#include "tests/kernels/packed_oracle.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "sim/core/rng.hpp"

namespace packed_oracle {

using namespace nibble::kernels;

namespace {

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();

float float_of(double x) {
    return static_cast<float>(x);
}
double divided(double a, double b) {
    return static_cast<double>(float_of(a / b));
}

bool has_nibbles(PackedFormat f) {
    return f == PackedFormat::int4 || f == PackedFormat::uint4 || f == PackedFormat::nf4 ||
           f == PackedFormat::fp4 || f == PackedFormat::mxfp4;
}
bool even_is_high(PackedFormat f) {
    return f == PackedFormat::nf4 || f == PackedFormat::fp4;
}
bool is_affine(PackedFormat f) {
    return f == PackedFormat::uint8 || f == PackedFormat::uint4;
}
bool is_mx(PackedFormat f) {
    return f == PackedFormat::mxfp4 || f == PackedFormat::mxfp8_e4m3;
}
bool is_small_float(PackedFormat f) {
    return is_mx(f) || f == PackedFormat::fp8_e4m3 || f == PackedFormat::fp8_e5m2;
}

double range_steps(PackedFormat f) {
    switch (f) {
        case PackedFormat::int8:
            return 127;
        case PackedFormat::uint8:
            return 255;
        case PackedFormat::int4:
            return 7;
        case PackedFormat::uint4:
            return 15;
        case PackedFormat::fp8_e4m3:
            return 448;
        case PackedFormat::fp8_e5m2:
            return 57344;
        default:
            return 1;
    }
}

/// A small float from its fields.
double small_float_value(int code, int exponent_bits, int mantissa_bits) {
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const int mantissa = code & ((1 << mantissa_bits) - 1);
    const int exponent = code >> mantissa_bits & ((1 << exponent_bits) - 1);
    const int sign = code >> (exponent_bits + mantissa_bits);
    const double whole = exponent == 0 ? mantissa : mantissa + (1 << mantissa_bits);
    const double magnitude = std::ldexp(whole, std::max(exponent, 1) - bias - mantissa_bits);
    return sign != 0 ? -magnitude : magnitude;
}

/// The code of the nearest number; ties to the even code.
int nearest_small_float(PackedFormat format, double x) {
    const int codes = format == PackedFormat::mxfp4 ? 8 : 128;
    int best = 0;
    double nearest = INFINITY;
    for (int code = 0; code < codes; ++code) {
        const double distance = std::abs(std::abs(x) - value_of(format, code, 0));
        if (distance < nearest || (distance == nearest && code % 2 == 0)) {
            nearest = distance;
            best = code;
        }
    }
    return best + (std::signbit(x) ? codes : 0);
}

/// The nearest level, where the middle between two is a float.
int nearest_level(PackedFormat format, double x) {
    std::vector<int> rising(format == PackedFormat::nf4 ? 16 : 8);
    for (std::size_t k = 0; k < rising.size(); ++k) {
        rising[k] = static_cast<int>(k);
    }
    std::sort(rising.begin(), rising.end(),
              [&](int a, int b) { return value_of(format, a, 0) < value_of(format, b, 0); });
    const double place = format == PackedFormat::nf4 ? x : std::abs(x);
    std::size_t k = 0;
    while (k + 1 < rising.size() &&
           place >
               static_cast<double>(float_of(
                   (value_of(format, rising[k], 0) + value_of(format, rising[k + 1], 0)) / 2))) {
        ++k;
    }
    return rising[k] + (format == PackedFormat::fp4 && x < 0 ? 8 : 0);
}

int code_of(PackedFormat f, double x, double scale, int zero) {
    switch (f) {
        case PackedFormat::int8:
            return static_cast<int>(std::clamp(std::nearbyint(divided(x, scale)), -127.0, 127.0)) &
                   255;
        case PackedFormat::int4:
            return static_cast<int>(std::clamp(std::nearbyint(divided(x, scale)), -7.0, 7.0)) + 8;
        case PackedFormat::uint8:
        case PackedFormat::uint4:
            return static_cast<int>(
                std::clamp(std::nearbyint(divided(x, scale)) + zero, 0.0, range_steps(f)));
        case PackedFormat::nf4:
        case PackedFormat::fp4:
            return nearest_level(f, static_cast<double>(float_of(x * divided(1, scale))));
        default:
            return nearest_small_float(f, divided(x, scale));
    }
}

struct Scale {
    float scale = 0;
    int e8m0 = 0, zero = 0;
};

Scale scale_of(PackedFormat f, const float* x, std::size_t count) {
    double low = 0, high = 0;
    Scale s;
    for (std::size_t i = 0; i < count; ++i) {
        if (!std::isfinite(x[i])) {
            return {nan_value, 255, 0};
        }
        low = std::min(low, static_cast<double>(x[i]));
        high = std::max(high, static_cast<double>(x[i]));
    }
    const double largest = std::max(high, -low);
    if (is_mx(f)) {
        const int emax = f == PackedFormat::mxfp4 ? 2 : 8;
        s.e8m0 = largest == 0 ? 0 : std::max(0, std::ilogb(largest) - emax + 127);
        s.scale = float_of(std::ldexp(1.0, s.e8m0 - 127));
        return s;
    }
    const double span = is_affine(f) ? static_cast<double>(float_of(high - low)) : largest;
    s.scale = float_of(span / range_steps(f));
    if (!std::isfinite(s.scale)) {
        s.scale = nan_value;
    }
    const bool reciprocal = f == PackedFormat::nf4 || f == PackedFormat::fp4;
    if (reciprocal && !std::isfinite(float_of(1 / static_cast<double>(s.scale)))) {
        s.scale = 0;
    }
    if (is_affine(f) && s.scale > 0) {
        s.zero = static_cast<int>(
            std::min(range_steps(f), std::nearbyint(divided(-low, static_cast<double>(s.scale)))));
    }
    return s;
}

void set_code(const PackedShape& shape, Packed& packed, std::size_t row, std::size_t column,
              int code) {
    if (!has_nibbles(shape.format)) {
        packed.codes[row * shape.row_bytes() + column] = static_cast<std::uint8_t>(code);
        return;
    }
    const bool high = (column % 2 == 1) != even_is_high(shape.format);
    std::uint8_t& byte = packed.codes[row * shape.row_bytes() + column / 2];
    byte = static_cast<std::uint8_t>(byte + code * (high ? 16 : 1));  // bytes begin as 0
}

double inverse_or_zero(float d) {
    const float inverse = float_of(1 / static_cast<double>(d));
    return std::isfinite(inverse) ? static_cast<double>(inverse) : 0;
}

bool all_finite(const float* x) {
    return std::all_of(x, x + 32, [](float v) { return std::isfinite(v); });
}

Q4Block q4_block(const float* x) {
    Q4Block block;
    if (!all_finite(x)) {
        block.d = 0x7e00;
        std::memset(block.codes, 0x88, sizeof(block.codes));
        return block;
    }
    const float extreme =
        *std::max_element(x, x + 32, [](float a, float b) { return std::abs(a) < std::abs(b); });
    const float d = float_of(static_cast<double>(std::abs(extreme) > 0 ? extreme : 0.0F) / -8);
    const double inverse = inverse_or_zero(d);
    block.d = binary16_code(static_cast<double>(d));
    const auto code = [&](float v) {
        const double quotient = static_cast<double>(float_of(static_cast<double>(v) * inverse));
        return std::min(15, static_cast<int>(std::floor(float_of(quotient + 8.5))));
    };
    for (std::size_t i = 0; i < 16; ++i) {
        block.codes[i] = static_cast<std::uint8_t>(code(x[i]) + 16 * code(x[i + 16]));
    }
    return block;
}

Q8Block q8_block(const float* x) {
    Q8Block block = {};
    if (!all_finite(x)) {
        block.d = 0x7e00;
        return block;
    }
    double largest = 0;
    for (std::size_t i = 0; i < 32; ++i) {
        largest = std::max(largest, static_cast<double>(std::abs(x[i])));
    }
    const float d = float_of(largest / 127);
    const double inverse = inverse_or_zero(d);
    block.d = binary16_code(static_cast<double>(d));
    for (std::size_t i = 0; i < 32; ++i) {
        block.codes[i] =
            static_cast<std::int8_t>(std::round(float_of(static_cast<double>(x[i]) * inverse)));
    }
    return block;
}

template <class Block>
Packed quantize_blocks(const PackedShape& shape, const std::vector<float>& x,
                       Block (*make)(const float*)) {
    Packed packed(shape);
    for (std::size_t b = 0; b < x.size() / 32; ++b) {
        const Block block = make(x.data() + 32 * b);
        std::memcpy(packed.codes.data() + b * sizeof(Block), &block, sizeof(Block));
    }
    return packed;
}

/// Value i of the blocks.
float block_value(const PackedShape& shape, const Packed& packed, std::size_t i) {
    const std::size_t at = i % 32;
    int code = 0;
    std::uint16_t d = 0;
    if (shape.format == PackedFormat::q4_0) {
        Q4Block block;
        std::memcpy(&block, packed.codes.data() + i / 32 * sizeof(block), sizeof(block));
        code = (at < 16 ? block.codes[at] % 16 : block.codes[at - 16] / 16) - 8;
        d = block.d;
    } else {
        Q8Block block;
        std::memcpy(&block, packed.codes.data() + i / 32 * sizeof(block), sizeof(block));
        code = block.codes[at];
        d = block.d;
    }
    return float_of(binary16_value(d) * code);
}

}  // namespace

Packed quantize(const PackedShape& shape, const std::vector<float>& x) {
    if (shape.format == PackedFormat::q4_0) {
        return quantize_blocks(shape, x, q4_block);
    }
    if (shape.format == PackedFormat::q8_0) {
        return quantize_blocks(shape, x, q8_block);
    }
    Packed packed(shape);
    const int zero_code = shape.format == PackedFormat::int4  ? 8
                          : shape.format == PackedFormat::nf4 ? 7
                                                              : 0;
    for (std::size_t row = 0; row < shape.rows; ++row) {
        for (std::size_t begin = 0; begin < shape.columns; begin += shape.group()) {
            const std::size_t count = std::min(shape.group(), shape.columns - begin);
            const float* values = x.data() + row * shape.columns + begin;
            const Scale s = scale_of(shape.format, values, count);
            const std::size_t at = row * shape.groups() + begin / shape.group();
            if (is_mx(shape.format)) {
                packed.scales[at] = static_cast<std::uint8_t>(s.e8m0);
            } else {
                std::memcpy(packed.scales.data() + 4 * at, &s.scale, 4);
            }
            if (is_affine(shape.format)) {
                packed.zero_points[at] = static_cast<std::uint8_t>(s.zero);
            }
            for (std::size_t i = 0; i < count; ++i) {
                set_code(shape, packed, row, begin + i,
                         s.scale > 0 ? code_of(shape.format, static_cast<double>(values[i]),
                                               static_cast<double>(s.scale), s.zero)
                                     : zero_code);
            }
        }
    }
    return packed;
}

std::vector<float> dequantize(const PackedShape& shape, const Packed& packed) {
    std::vector<float> y(shape.rows * shape.columns);
    const bool blocks = shape.format == PackedFormat::q4_0 || shape.format == PackedFormat::q8_0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        if (blocks) {
            y[i] = block_value(shape, packed, i);
            continue;
        }
        const std::size_t row = i / shape.columns, column = i % shape.columns;
        const std::size_t group = row * shape.groups() + column / shape.group();
        float scale = nan_value;
        if (!is_mx(shape.format)) {
            std::memcpy(&scale, packed.scales.data() + 4 * group, 4);
        } else if (packed.scales[group] != 255) {
            scale = float_of(std::ldexp(1.0, packed.scales[group] - 127));
        }
        const int zero = packed.zero_points.empty() ? 0 : packed.zero_points[group];
        y[i] = float_of(value_of(shape.format, code_at(shape, packed, row, column), zero) *
                        static_cast<double>(scale));
    }
    return y;
}

int code_at(const PackedShape& shape, const Packed& packed, std::size_t row, std::size_t column) {
    const std::uint8_t* codes = packed.codes.data() + row * shape.row_bytes();
    if (!has_nibbles(shape.format)) {
        return codes[column];
    }
    const bool high = (column % 2 == 1) != even_is_high(shape.format);
    return high ? codes[column / 2] / 16 : codes[column / 2] % 16;
}

double value_of(PackedFormat format, int code, int zero_point) {
    switch (format) {
        case PackedFormat::int8:
            return code < 128 ? code : code - 256;
        case PackedFormat::int4:
            return code - 8;
        case PackedFormat::uint8:
        case PackedFormat::uint4:
            return code - zero_point;
        case PackedFormat::nf4:
        case PackedFormat::fp4:
            return static_cast<double>(
                (*layout(format).codes->levels)[static_cast<std::size_t>(code)]);
        case PackedFormat::mxfp4:
            return small_float_value(code, 2, 1);
        case PackedFormat::fp8_e5m2: {
            const int magnitude = code & 127;
            if (magnitude > 0x7c) {
                return static_cast<double>(nan_value);
            }
            return magnitude == 0x7c ? (code < 128 ? INFINITY : -INFINITY)
                                     : small_float_value(code, 5, 2);
        }
        default:
            return (code & 127) == 127 ? static_cast<double>(nan_value)
                                       : small_float_value(code, 4, 3);
    }
}

std::vector<int> all_codes(PackedFormat format) {
    std::vector<int> codes;
    for (int code = 0; code < (has_nibbles(format) ? 16 : 256); ++code) {
        const bool beyond = (format == PackedFormat::int8 && code == 128) ||
                            (format == PackedFormat::int4 && code == 0) ||
                            (is_small_float(format) && !std::isfinite(value_of(format, code, 0)));
        if (!beyond) {
            codes.push_back(code);
        }
    }
    return codes;
}

std::vector<float> normal_weights(std::size_t count) {
    const nibble::Rng rng = nibble::Rng(7).stream("packed-weights");
    std::vector<float> x(count);
    for (std::size_t i = 0; i < count; ++i) {
        x[i] = static_cast<float>(0.02 * rng.normal(i));
    }
    return x;
}

double binary16_value(std::uint16_t half) {
    const int magnitude = half & 0x7fff;
    if (magnitude > 0x7c00) {
        return static_cast<double>(nan_value);
    }
    return magnitude == 0x7c00 ? (half < 0x8000 ? INFINITY : -INFINITY)
                               : small_float_value(half, 5, 10);
}

std::uint16_t binary16_code(double x) {
    if (std::isnan(x)) {
        return 0x7e00;
    }
    const int sign = std::signbit(x) ? 0x8000 : 0;
    // Numbers are 2^(exponent - 10) apart, and 2^-24 below the normal ones.
    const double magnitude = std::abs(x);
    const int exponent = std::max(magnitude == 0 ? -14 : std::ilogb(magnitude), -14);
    const double rounded =
        std::ldexp(std::nearbyint(std::ldexp(magnitude, 10 - exponent)), exponent - 10);
    if (rounded > 65504) {
        return static_cast<std::uint16_t>(sign + 0x7c00);
    }
    int code = 0;  // 15 halvings find it among 0 .. 0x7bff
    for (int step = 0x4000; step > 0; step /= 2) {
        const int next = code + step;
        if (next <= 0x7bff && binary16_value(static_cast<std::uint16_t>(next)) <= rounded) {
            code = next;
        }
    }
    return static_cast<std::uint16_t>(sign + code);
}

}  // namespace packed_oracle
