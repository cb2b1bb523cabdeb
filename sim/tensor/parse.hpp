// What the three readers share: what they return, and how they refuse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/error.hpp"
#include "sim/core/quoted.hpp"
#include "sim/tensor/gguf.hpp"
#include "sim/tensor/tensor_file.hpp"

namespace nibble {

/// A header, checked: every tensor lies within the file and its bytes fit its shape and type.
struct ParsedFile {
    std::string format;
    std::vector<TensorInfo> tensors;
    std::vector<MetadataEntry> metadata;
    std::unique_ptr<const GgufMetadata> gguf;
};

/// Each takes the whole file; `path` is for messages, and names an .npy file's tensor. They throw
/// Error::bad_file, and Error::unsupported for what is well-formed and not handled.
ParsedFile parse_npy(std::span<const std::byte> file, const std::filesystem::path& path);
ParsedFile parse_safetensors(std::span<const std::byte> file, const std::filesystem::path& path);
ParsedFile parse_gguf(std::span<const std::byte> file, const std::filesystem::path& path);

/// "path: problem", to be thrown.
Error bad_file(const std::filesystem::path& path, const std::string& problem,
               const std::string& hint = {});

/// "(3, 4)".
std::string shape_text(const std::vector<std::int64_t>& shape);

/// The product of the axes; nothing when an axis is negative or the product, empty axes aside,
/// exceeds 2^63 - 1.
std::optional<std::uint64_t> checked_elements(const std::vector<std::int64_t>& shape);

/// elements * bits / 8 for a plain type; nothing when it exceeds 2^63 - 1 or is no whole number.
std::optional<std::uint64_t> checked_bytes(std::uint64_t elements, std::uint64_t bits);

std::string_view as_text(std::span<const std::byte> bytes);

}  // namespace nibble
