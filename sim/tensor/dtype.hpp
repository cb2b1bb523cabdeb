// Element types of tensors in files, and how many bytes they take.
#pragma once

#include <cstdint>
#include <string_view>

namespace nibble {

enum class DType : std::uint8_t {
    f64,
    f32,
    f16,
    bf16,
    f8_e4m3,  // OCP E4M3 ("FN"): no infinities, 0x7f and 0xff are NaN, largest 448
    f8_e5m2,
    i8,
    u8,
    i16,
    u16,
    i32,
    u32,
    i64,
    u64,
    boolean,
    // Blocks of 32 along the fastest axis, as ggml packs them.
    q4_0,
    q4_1,
    q5_0,
    q5_1,
    q8_0,
    // Known by name and size; its values cannot be read.
    other,
};

/// `elements` values are stored together in `bytes` bytes; 1 element a block for plain types.
struct BlockSize {
    std::uint32_t elements;
    std::uint32_t bytes;
};

/// What one stored value, or one block of them, takes. {1, 0} for `other`, whose size the file's
/// own format knows.
BlockSize block_size(DType dtype);

/// "f32", "f8_e4m3", "bool", "q4_0"; "other" for `other` (TensorInfo::type_name says which).
std::string_view name(DType dtype);

}  // namespace nibble
