#include "sim/tensor/convert.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>
#include <utility>

#include "sim/core/error.hpp"
#include "sim/tensor/block_codecs.hpp"

namespace nibble {
namespace {

static_assert(std::endian::native == std::endian::little,
              "all three file formats are little-endian and are read in place");

template <class Stored, class Out, class Decode>
void convert_each(const std::byte* stored, std::span<Out> out, const Decode& decode) {
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<Out>(decode(load<Stored>(stored + i * sizeof(Stored))));
    }
}

template <class Stored, class Out>
void cast_each(const std::byte* stored, std::span<Out> out) {
    if constexpr (std::is_same_v<Stored, Out>) {
        std::memcpy(out.data(), stored, out.size_bytes());
    } else {
        convert_each<Stored>(stored, out, [](Stored value) { return value; });
    }
}

using Decode = void (*)(const std::byte* block, float* out);

template <std::size_t row>
constexpr Decode decode_of_row() {
    if constexpr (has_codec<kernels::packed_layouts[row].format>) {
        return BlockCodec<kernels::packed_layouts[row].format>::decode;
    }
    return nullptr;
}

/// The codec of a block type; null where there is none.
Decode decode_of(kernels::PackedFormat format) {
    static constexpr auto decoders = []<std::size_t... row>(std::index_sequence<row...>) {
        return std::array{decode_of_row<row>()...};
    }
    (std::make_index_sequence<std::size(kernels::packed_layouts)>{});
    return decoders[static_cast<std::size_t>(format)];
}

template <class Out>
void dequantize(const StoredType& type, const std::byte* stored, std::span<Out> out) {
    const Decode decode = decode_of(type.block);
    NIBBLE_ASSERT(decode != nullptr, "a type without a codec is refused before");
    std::array<float, longest_block> values;
    for (std::size_t first = 0; first < out.size(); first += type.size.elements) {
        if constexpr (std::is_same_v<Out, float>) {
            decode(stored, out.data() + first);
        } else {
            decode(stored, values.data());
            std::copy_n(values.begin(), type.size.elements, out.data() + first);
        }
        stored += type.size.bytes;
    }
}

template <class Out>
void convert_to(DType dtype, std::span<const std::byte> stored, std::span<Out> out) {
    const BlockSize block = block_size(dtype);
    NIBBLE_ASSERT(dtype != DType::other, "a type without a conversion is refused before");
    NIBBLE_ASSERT(out.size() % block.elements == 0 &&
                      stored.size() == out.size() / block.elements * block.bytes,
                  "whole blocks, and their bytes");
    const std::byte* from = stored.data();
    if (out.empty()) {
        return;
    }
    switch (dtype) {
        case DType::f64:
            return cast_each<double>(from, out);
        case DType::f32:
            return cast_each<float>(from, out);
        case DType::f16:
            return convert_each<std::uint16_t>(from, out, formats::to_float<formats::fp16>);
        case DType::bf16:
            return convert_each<std::uint16_t>(from, out, formats::bf16_to_float);
        case DType::f8_e4m3:
            return convert_each<std::uint8_t>(from, out, formats::to_float<formats::fp8_e4m3>);
        case DType::f8_e5m2:
            return convert_each<std::uint8_t>(from, out, formats::to_float<formats::fp8_e5m2>);
        case DType::i8:
            return cast_each<std::int8_t>(from, out);
        case DType::u8:
            return cast_each<std::uint8_t>(from, out);
        case DType::i16:
            return cast_each<std::int16_t>(from, out);
        case DType::u16:
            return cast_each<std::uint16_t>(from, out);
        case DType::i32:
            return cast_each<std::int32_t>(from, out);
        case DType::u32:
            return cast_each<std::uint32_t>(from, out);
        case DType::i64:
            return cast_each<std::int64_t>(from, out);
        case DType::u64:
            return cast_each<std::uint64_t>(from, out);
        case DType::boolean:
            return convert_each<std::uint8_t>(from, out, [](std::uint8_t b) { return b != 0; });
        default:
            return dequantize(stored_type(dtype), from, out);
    }
}

}  // namespace

bool is_read(DType dtype) {
    return dtype != DType::other &&
           (stored_type(dtype).is_plain || decode_of(stored_type(dtype).block) != nullptr);
}

std::string types_read() {
    std::string text = "F64 to F16, BF16, F8_E4M3, F8_E5M2, integers, BOOL";
    for (const StoredType& type : stored_types) {
        if (!type.is_plain && is_read(type.dtype)) {
            text += ", " + std::string(type.name);
        }
    }
    return text;
}

void convert(DType dtype, std::span<const std::byte> stored, std::span<float> out) {
    convert_to(dtype, stored, out);
}

void convert(DType dtype, std::span<const std::byte> stored, std::span<double> out) {
    convert_to(dtype, stored, out);
}

}  // namespace nibble
