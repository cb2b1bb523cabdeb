#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/quantize/packed.hpp"

namespace nibble::kernels {
namespace {

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();

float half_to_float(std::uint16_t h) {
    const std::uint32_t magnitude = h & 0x7fffu;
    float value = std::bit_cast<float>(magnitude << 13) * 0x1p112F;
    if (magnitude >= 0x7c00) {
        value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | 0x7f800000u);
    }
    return std::copysign(value, (h & 0x8000u) != 0 ? -1.0F : 1.0F);
}

std::uint16_t float_to_half(float x) {
    const auto sign = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16 & 0x8000u);
    const float magnitude = std::abs(x);
    if (!(magnitude <= std::numeric_limits<float>::max())) {
        return static_cast<std::uint16_t>(sign | (std::isnan(x) ? 0x7e00 : 0x7c00));
    }
    const int exponent = std::max(magnitude == 0 ? -99 : std::ilogb(magnitude), -14);
    const float steps = std::nearbyint(std::ldexp(magnitude, 10 - exponent));
    const int code = static_cast<int>(steps) + ((exponent + 14) << 10);
    return static_cast<std::uint16_t>(sign | std::min(code, 0x7c00));
}

float load(InputType type, const void* x, std::size_t i) {
    if (type == InputType::f32) {
        return static_cast<const float*>(x)[i];
    }
    const std::uint16_t bits = static_cast<const std::uint16_t*>(x)[i];
    return type == InputType::f16 ? half_to_float(bits)
                                  : std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

struct Minifloat {
    int mantissa_bits, bias;
    float largest;
};
Minifloat minifloat(PackedFormat format) {
    switch (format) {
        case PackedFormat::mxfp4:
            return {1, 1, 6};
        case PackedFormat::fp8_e5m2:
            return {2, 15, 57344};
        default:
            return {3, 7, 448};
    }
}

int minifloat_code(PackedFormat format, float x) {
    const Minifloat f = minifloat(format);
    if (std::isnan(x)) {
        return 0x7f;
    }
    const float magnitude = std::min(std::abs(x), f.largest);
    const int exponent = std::max(magnitude == 0 ? -99 : std::ilogb(magnitude), 1 - f.bias);
    const float steps = std::nearbyint(std::ldexp(magnitude, f.mantissa_bits - exponent));
    const int sign = !std::signbit(x) ? 0 : format == PackedFormat::mxfp4 ? 8 : 128;
    return sign | (static_cast<int>(steps) + ((exponent - 1 + f.bias) << f.mantissa_bits));
}

float minifloat_value(PackedFormat format, int code) {
    if (format == PackedFormat::mxfp4) {
        return level_table(format)[static_cast<std::size_t>(code)];
    }
    if (format == PackedFormat::fp8_e5m2) {
        return half_to_float(static_cast<std::uint16_t>(code << 8));
    }
    const int magnitude = code & 0x7f;
    const float value =
        magnitude == 0x7f
            ? nan_value
            : std::bit_cast<float>(static_cast<std::uint32_t>(magnitude) << 20) * 0x1p120F;
    return std::copysign(value, (code & 0x80) != 0 ? -1.0F : 1.0F);
}

int table_code(PackedFormat format, float x) {
    static constexpr std::array fp4_rising = {0, 1, 6, 7, 4, 5, 2, 3};
    const auto& levels = level_table(format);
    if (format == PackedFormat::nf4) {
        int code = 0;
        while (code < 15 && x > (levels[static_cast<std::size_t>(code)] +
                                 levels[static_cast<std::size_t>(code) + 1]) /
                                    2) {
            ++code;
        }
        return code;
    }
    std::size_t rank = 0;
    while (rank < 7 && std::abs(x) > (levels[static_cast<std::size_t>(fp4_rising[rank])] +
                                      levels[static_cast<std::size_t>(fp4_rising[rank + 1])]) /
                                         2) {
        ++rank;
    }
    return fp4_rising[rank] + (x < 0 ? 8 : 0);
}

bool is_nibble(PackedFormat f) {
    return f == PackedFormat::int4 || f == PackedFormat::uint4 || f == PackedFormat::nf4 ||
           f == PackedFormat::fp4 || f == PackedFormat::mxfp4;
}
bool high_first(PackedFormat f) {
    return f == PackedFormat::nf4 || f == PackedFormat::fp4;
}
bool is_mx(PackedFormat f) {
    return f == PackedFormat::mxfp4 || f == PackedFormat::mxfp8_e4m3;
}

void set_code(const PackedShape& s, std::uint8_t* row, std::size_t column, int code) {
    if (!is_nibble(s.format)) {
        row[column] = static_cast<std::uint8_t>(code);
        return;
    }
    const bool high = (column % 2 == 1) != high_first(s.format);
    std::uint8_t& byte = row[column / 2];
    if (column % 2 == 0) {
        byte = 0;
    }
    byte = static_cast<std::uint8_t>(byte | code << (high ? 4 : 0));
}

int get_code(const PackedShape& s, const std::uint8_t* row, std::size_t column) {
    if (!is_nibble(s.format)) {
        return row[column];
    }
    const bool high = (column % 2 == 1) != high_first(s.format);
    return row[column / 2] >> (high ? 4 : 0) & 15;
}

int code_of_zero(PackedFormat f) {
    return f == PackedFormat::int4 ? 8 : f == PackedFormat::nf4 ? 7 : 0;
}

float steps_of(PackedFormat f) {
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

int code_of(PackedFormat f, float x, float scale, float zero) {
    switch (f) {
        case PackedFormat::int8:
        case PackedFormat::int4: {
            const float q = std::isnan(x) ? 0.0F : std::nearbyint(x / scale);
            return static_cast<int>(std::clamp(q, -steps_of(f), steps_of(f))) +
                   (f == PackedFormat::int4 ? 8 : 0);
        }
        case PackedFormat::uint8:
        case PackedFormat::uint4:
            return static_cast<int>(
                std::clamp(std::nearbyint(x / scale) + zero, 0.0F, steps_of(f)));
        case PackedFormat::nf4:
        case PackedFormat::fp4:
            return table_code(f, x * (1 / scale));
        default:
            return minifloat_code(f, x / scale);
    }
}

/// The scale of a group and what is stored of it.
struct Scale {
    float value = 0;  // 0: all codes are those of zero
    std::uint8_t e8m0 = 0;
    std::uint8_t zero = 0;
};

Scale scale_of(PackedFormat f, const float* x, std::size_t n) {
    float low = 0, high = 0;
    bool finite = true;
    for (std::size_t i = 0; i < n; ++i) {
        finite = finite && std::isfinite(x[i]);
        low = std::min(low, x[i]);
        high = std::max(high, x[i]);
    }
    const bool affine = f == PackedFormat::uint8 || f == PackedFormat::uint4;
    const float largest = std::max(-low, high);
    Scale s;
    if (is_mx(f)) {
        const int emax = f == PackedFormat::mxfp4 ? 2 : 8;
        const int byte = largest == 0 ? 0 : std::ilogb(largest) - emax + 127;
        s.e8m0 = static_cast<std::uint8_t>(finite ? std::max(0, byte) : 255);
        s.value = finite ? std::ldexp(1.0F, s.e8m0 - 127) : nan_value;
        return s;
    }
    s.value = (affine ? high - low : largest) / steps_of(f);
    if (!finite || !std::isfinite(s.value)) {
        s.value = nan_value;
        return s;
    }
    if ((f == PackedFormat::nf4 || f == PackedFormat::fp4) && !std::isfinite(1 / s.value)) {
        s.value = 0;
    }
    if (affine && s.value > 0) {
        s.zero = static_cast<std::uint8_t>(
            std::clamp(std::nearbyint(-low / s.value), 0.0F, steps_of(f)));
    }
    return s;
}

float inverse_or_zero(float d) {
    return std::isfinite(1 / d) ? 1 / d : 0.0F;
}

void quantize_block(const float* x, Q4Block& out) {
    float largest = 0;
    bool finite = true;
    for (std::size_t i = 0; i < 32; ++i) {
        finite = finite && std::isfinite(x[i]);
        largest = std::abs(x[i]) > std::abs(largest) ? x[i] : largest;
    }
    const float d = finite ? largest / -8 : nan_value, inverse = finite ? inverse_or_zero(d) : 0;
    out.d = float_to_half(d);
    const auto code = [&](float v) {
        return finite ? std::min(15, static_cast<int>(v * inverse + 8.5F)) : 8;
    };
    for (std::size_t i = 0; i < 16; ++i) {
        out.codes[i] = static_cast<std::uint8_t>(code(x[i]) | code(x[i + 16]) << 4);
    }
}

void quantize_block(const float* x, Q8Block& out) {
    float largest = 0;
    bool finite = true;
    for (std::size_t i = 0; i < 32; ++i) {
        finite = finite && std::isfinite(x[i]);
        largest = std::max(largest, std::abs(x[i]));
    }
    const float d = finite ? largest / 127 : nan_value, inverse = finite ? inverse_or_zero(d) : 0;
    out.d = float_to_half(d);
    for (std::size_t i = 0; i < 32; ++i) {
        out.codes[i] = static_cast<std::int8_t>(finite ? std::round(x[i] * inverse) : 0);
    }
}

void check_rows(const PackedShape& s, std::size_t first, std::size_t count) {
    const bool block = s.format == PackedFormat::q4_0 || s.format == PackedFormat::q8_0;
    if (block && s.columns % 32 != 0) {
        throw std::invalid_argument(std::string(name(s.format)) + ": " + std::to_string(s.columns) +
                                    " columns, not a multiple of 32");
    }
    if (first > s.rows || count > s.rows - first) {
        throw std::invalid_argument("rows " + std::to_string(first) + " .. " +
                                    std::to_string(first + count) + " of a matrix of " +
                                    std::to_string(s.rows));
    }
}

void check_per_tensor(PackedFormat f) {
    if (f != PackedFormat::int8 && f != PackedFormat::int4 && f != PackedFormat::fp8_e4m3 &&
        f != PackedFormat::fp8_e5m2) {
        throw std::invalid_argument(std::string(name(f)) +
                                    ": no scale per tensor; int8, int4 and fp8 have one");
    }
}

}  // namespace

void quantize_rows(const PackedShape& s, InputType type, const void* x, const PackedView& out,
                   std::size_t first, std::size_t count) {
    check_rows(s, first, count);
    std::vector<float> group(s.group());
    for (std::size_t r = first; r < first + count; ++r) {
        std::uint8_t* row = out.codes + r * s.row_bytes();
        for (std::size_t g = 0; g < s.groups(); ++g) {
            const std::size_t begin = g * s.group(), end = std::min(s.columns, begin + s.group());
            for (std::size_t c = begin; c < end; ++c) {
                group[c - begin] = load(type, x, r * s.columns + c);
            }
            if (s.format == PackedFormat::q4_0) {
                Q4Block block;
                quantize_block(group.data(), block);
                std::memcpy(row + g * sizeof(block), &block, sizeof(block));
                continue;
            }
            if (s.format == PackedFormat::q8_0) {
                Q8Block block;
                quantize_block(group.data(), block);
                std::memcpy(row + g * sizeof(block), &block, sizeof(block));
                continue;
            }
            const Scale scale = scale_of(s.format, group.data(), end - begin);
            const std::size_t at = r * s.groups() + g;
            if (is_mx(s.format)) {
                static_cast<std::uint8_t*>(out.scales)[at] = scale.e8m0;
            } else {
                static_cast<float*>(out.scales)[at] = scale.value;
            }
            if (s.zero_point_bytes() != 0) {
                out.zero_points[at] = scale.zero;
            }
            for (std::size_t c = begin; c < end; ++c) {
                set_code(s, row, c,
                         scale.value > 0
                             ? code_of(s.format, group[c - begin], scale.value, scale.zero)
                             : code_of_zero(s.format));
            }
        }
    }
}

void dequantize_rows(const PackedShape& s, const ConstPackedView& packed, float* y,
                     std::size_t first, std::size_t count) {
    check_rows(s, first, count);
    for (std::size_t r = first; r < first + count; ++r) {
        const std::uint8_t* row = packed.codes + r * s.row_bytes();
        for (std::size_t c = 0; c < s.columns; ++c) {
            float& out = y[r * s.columns + c];
            const std::size_t g = c / s.group(), at = r * s.groups() + g;
            if (s.format == PackedFormat::q4_0) {
                Q4Block block;
                std::memcpy(&block, row + g * sizeof(block), sizeof(block));
                const int code = c % 32 < 16 ? block.codes[c % 32] & 15 : block.codes[c % 16] >> 4;
                out = half_to_float(block.d) * static_cast<float>(code - 8);
                continue;
            }
            if (s.format == PackedFormat::q8_0) {
                Q8Block block;
                std::memcpy(&block, row + g * sizeof(block), sizeof(block));
                out = half_to_float(block.d) * static_cast<float>(block.codes[c % 32]);
                continue;
            }
            float scale = 0;
            if (is_mx(s.format)) {
                const int byte = static_cast<const std::uint8_t*>(packed.scales)[at];
                scale = byte == 255 ? nan_value : std::ldexp(1.0F, byte - 127);
            } else {
                scale = static_cast<const float*>(packed.scales)[at];
            }
            const int code = get_code(s, row, c);
            switch (s.format) {
                case PackedFormat::int8:
                    out = static_cast<float>(static_cast<std::int8_t>(code)) * scale;
                    break;
                case PackedFormat::uint8:
                case PackedFormat::uint4:
                    out = static_cast<float>(code - packed.zero_points[at]) * scale;
                    break;
                case PackedFormat::int4:
                    out = static_cast<float>(code - 8) * scale;
                    break;
                case PackedFormat::nf4:
                case PackedFormat::fp4:
                    out = level_table(s.format)[static_cast<std::size_t>(code)] * scale;
                    break;
                default:
                    out = minifloat_value(s.format, code) * scale;
            }
        }
    }
}

void quantize_rows_with(const PackedShape& s, float scale, InputType type, const void* x,
                        const PackedView& out, std::size_t first, std::size_t count) {
    check_rows(s, first, count);
    check_per_tensor(s.format);
    const bool usable = scale > 0 && std::isfinite(scale);
    for (std::size_t r = first; r < first + count; ++r) {
        for (std::size_t c = 0; c < s.columns; ++c) {
            set_code(s, out.codes + r * s.row_bytes(), c,
                     usable ? code_of(s.format, load(type, x, r * s.columns + c), scale, 0)
                            : code_of_zero(s.format));
        }
    }
}

void dequantize_rows_with(const PackedShape& s, float scale, const ConstPackedView& packed,
                          float* y, std::size_t first, std::size_t count) {
    check_rows(s, first, count);
    check_per_tensor(s.format);
    const PackedShape row = {s.format, 1, s.columns, 0};
    for (std::size_t r = first; r < first + count; ++r) {
        ConstPackedView one = packed;
        one.codes += r * s.row_bytes();
        one.scales = &scale;
        dequantize_rows(row, one, y + r * s.columns, 0, 1);
    }
}

void quantize(const PackedShape& shape, InputType type, const void* x, const PackedView& out) {
    quantize_rows(shape, type, x, out, 0, shape.rows);
}

void dequantize(const PackedShape& shape, const ConstPackedView& packed, float* y) {
    dequantize_rows(shape, packed, y, 0, shape.rows);
}

void pack_nibbles(const std::uint8_t* codes, std::uint8_t* packed, std::size_t count,
                  bool high_first) {
    for (std::size_t i = 0; i < (count + 1) / 2; ++i) {
        const int even = codes[2 * i], odd = 2 * i + 1 < count ? codes[2 * i + 1] : 0;
        packed[i] = static_cast<std::uint8_t>(high_first ? even << 4 | odd : odd << 4 | even);
    }
}

void unpack_nibbles(const std::uint8_t* packed, std::uint8_t* codes, std::size_t count,
                    bool high_first) {
    for (std::size_t i = 0; i < count; ++i) {
        const bool high = (i % 2 == 1) != high_first;
        codes[i] = static_cast<std::uint8_t>(packed[i / 2] >> (high ? 4 : 0) & 15);
    }
}

}  // namespace nibble::kernels
