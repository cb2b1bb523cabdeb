// Tensors that are written as the bytes they are: packed weights, scales in FP16, indices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sim/tensor/dtype.hpp"

namespace nibble {

struct StoredTensor {
    std::string name;
    DType dtype = DType::f32;         // f32, f16 or i32
    std::vector<std::int64_t> shape;  // row-major, slowest first
    std::vector<std::byte> bytes;     // little-endian
};

/// As write_safetensors() of tensor_file.hpp; also throws Error::unsupported for other types.
void write_stored_safetensors(const std::filesystem::path& path,
                              const std::vector<StoredTensor>& tensors,
                              const std::map<std::string, std::string>& metadata = {});

}  // namespace nibble
