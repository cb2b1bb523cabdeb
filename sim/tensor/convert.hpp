// From stored bits to floats: exact, without branches, so that the compiler vectorises the loops
// over whole tensors and reading runs at the speed of memory.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "sim/tensor/dtype.hpp"

namespace nibble {

/// Whether convert() takes it: plain types, and blocks with a codec.
bool is_read(DType dtype);
/// The types that files may hold and that are read: "F64 to F16, ... Q4_0, Q8_0".
std::string types_read();

/// Converts out.size() values that `stored` holds, from any address. For block types out.size() is
/// a multiple of the block. Of types that are not read: a broken invariant.
void convert(DType dtype, std::span<const std::byte> stored, std::span<float> out);
void convert(DType dtype, std::span<const std::byte> stored, std::span<double> out);

}  // namespace nibble
