// Element types of tensors in files, and how many bytes they take.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "kernels/formats/packed_formats.hpp"

namespace nibble {

// Plain types: X(id, name, bytes, ggml): the name in .safetensors and .gguf files, and the number
// of the type in the latter, -1 where they have none.
// clang-format off
#define NIBBLE_PLAIN_TYPES(X)      \
    X(f64,     "F64",     8, 28)   \
    X(f32,     "F32",     4, 0)    \
    X(f16,     "F16",     2, 1)    \
    X(bf16,    "BF16",    2, 30)   \
    X(f8_e4m3, "F8_E4M3", 1, -1)   \
    X(f8_e5m2, "F8_E5M2", 1, -1)   \
    X(i8,      "I8",      1, 24)   \
    X(u8,      "U8",      1, -1)   \
    X(i16,     "I16",     2, 25)   \
    X(u16,     "U16",     2, -1)   \
    X(i32,     "I32",     4, 26)   \
    X(u32,     "U32",     4, -1)   \
    X(i64,     "I64",     8, 27)   \
    X(u64,     "U64",     8, -1)   \
    X(boolean, "BOOL",    1, -1)
// clang-format on

/// Plain types, then blocks along the fastest axis as ggml packs them.
enum class DType : std::uint8_t {
#define NIBBLE_TYPE_ID(id, ...) id,
    NIBBLE_PLAIN_TYPES(NIBBLE_TYPE_ID) NIBBLE_BLOCK_FORMATS(NIBBLE_TYPE_ID)
#undef NIBBLE_TYPE_ID
    // Known by name and size; its values cannot be read.
    other,
};

/// `elements` values are stored together in `bytes` bytes; 1 element a block for plain types.
struct BlockSize {
    std::uint32_t elements;
    std::uint32_t bytes;
};

/// A type as files know it.
struct StoredType {
    DType dtype;
    std::string_view name;  // "F16", "Q4_0"
    BlockSize size;
    int ggml_type;
    bool is_plain;
    kernels::PackedFormat block = {};  // unless it is plain
};

inline constexpr auto stored_types = std::to_array<StoredType>({
#define NIBBLE_PLAIN_ROW(id, name, bytes, ggml) {DType::id, name, {1, bytes}, ggml, true},
#define NIBBLE_BLOCK_ROW(id, ...)                                             \
    {DType::id,                                                               \
     layout(kernels::PackedFormat::id).label,                                 \
     {static_cast<std::uint32_t>(layout(kernels::PackedFormat::id).elements), \
      static_cast<std::uint32_t>(layout(kernels::PackedFormat::id).bytes)},   \
     layout(kernels::PackedFormat::id).ggml_type,                             \
     false,                                                                   \
     kernels::PackedFormat::id},
    NIBBLE_PLAIN_TYPES(NIBBLE_PLAIN_ROW) NIBBLE_BLOCK_FORMATS(NIBBLE_BLOCK_ROW)
#undef NIBBLE_PLAIN_ROW
#undef NIBBLE_BLOCK_ROW
});

/// The row of any type but `other`.
constexpr const StoredType& stored_type(DType dtype) {
    return stored_types[static_cast<std::size_t>(dtype)];
}

/// What one stored value, or one block of them, takes. {1, 0} for `other`, whose size the file's
/// own format knows.
constexpr BlockSize block_size(DType dtype) {
    return dtype == DType::other ? BlockSize{1, 0} : stored_type(dtype).size;
}

/// "F32", "F8_E4M3", "BOOL", "Q4_0"; "other" for `other` (TensorInfo::type_name says which).
constexpr std::string_view name(DType dtype) {
    return dtype == DType::other ? "other" : stored_type(dtype).name;
}

}  // namespace nibble
