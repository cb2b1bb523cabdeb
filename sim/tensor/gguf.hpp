// A GGUF file's metadata with its types: what a tokenizer or a model loader reads.
// Format: github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace nibble {

/// Arrays of arrays, which the format describes and ggml itself refuses, are refused.
using GgufArray =
    std::variant<std::vector<std::uint8_t>, std::vector<std::int8_t>, std::vector<std::uint16_t>,
                 std::vector<std::int16_t>, std::vector<std::uint32_t>, std::vector<std::int32_t>,
                 std::vector<float>, std::vector<bool>, std::vector<std::string>,
                 std::vector<std::uint64_t>, std::vector<std::int64_t>, std::vector<double>>;

/// The alternatives stand in the order of the format's type numbers: index() is the type.
using GgufValue = std::variant<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t,
                               std::uint32_t, std::int32_t, float, bool, std::string, GgufArray,
                               std::uint64_t, std::int64_t, double>;

struct GgufMetadata {
    std::uint32_t version = 3;
    std::uint64_t alignment = 32;
    /// In file order; keys are unique UTF-8. String values are bytes as stored, which some
    /// vocabularies fill with ill-formed UTF-8.
    std::vector<std::pair<std::string, GgufValue>> entries;

    /// Null when there is no such key.
    const GgufValue* find(std::string_view key) const;
};

/// One line: control bytes escaped, long texts and arrays cut with their length given.
std::string to_text(const GgufValue& value);

}  // namespace nibble
