// Tensors in files, viewed and not copied: .npy, .safetensors, .gguf.
//
// open() maps the file and reads its header only; values are converted when somebody asks for
// them. What the header claims is checked against the file's size before anything is allocated, so
// a malformed file costs an Error and nothing else. An Error names the file, the field and, where
// it helps, the byte.
//
// Left out: a file that another program shortens while it is mapped (the system answers such a read
// with SIGBUS). Replacing a file by renaming another over it, as the writers below do, is safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/tensor/dtype.hpp"

namespace nibble {

struct GgufMetadata;
class FileMapping;
struct ParsedFile;

struct TensorInfo {
    std::string name;  // UTF-8; an .npy file's one tensor is called as the file, without .npy
    DType dtype = DType::f32;
    std::string type_name;            // as the file spells it: "F16", "<f4", "Q4_K"
    std::vector<std::int64_t> shape;  // row-major, slowest first; GGUF's dimensions turned round
    std::uint64_t offset = 0;         // of the first byte, from the start of the file
    std::uint64_t bytes = 0;
    /// NumPy's Fortran order: stored with the first axis fastest. read() hands out row-major
    /// elements all the same; raw() does not.
    bool fortran_order = false;

    /// Product of the shape; 1 for a scalar, 0 when an axis is empty.
    std::int64_t elements() const;
};

struct MetadataEntry {
    std::string key;
    /// As text. GGUF's is one line, and long texts and arrays are cut with their length given;
    /// safetensors' is the whole string.
    std::string value;
};

/// An open file. Immutable, so any number of threads may read from it at once.
class TensorFile {
public:
    /// Throws Error::io when there is no readable, non-empty file; Error::bad_file when its content
    /// is not what its format says; Error::unsupported for archives and other known formats.
    static std::shared_ptr<const TensorFile> open(const std::filesystem::path& path);

    ~TensorFile();
    TensorFile(const TensorFile&) = delete;
    TensorFile& operator=(const TensorFile&) = delete;

    const std::filesystem::path& path() const { return path_; }
    /// "npy 1.0", "safetensors", "GGUF v3".
    std::string_view format() const;
    /// In the order of their data in the file; at least one.
    const std::vector<TensorInfo>& tensors() const;
    const std::vector<MetadataEntry>& metadata() const;
    /// A GGUF file's metadata with its types, tokenizer included (sim/tensor/gguf.hpp); null for
    /// other formats.
    const GgufMetadata* gguf() const;
    /// Size of the whole file.
    std::uint64_t bytes() const;

    /// Throws Error::bad_param naming the nearest tensor.
    const TensorInfo& find(std::string_view name) const;

    /// Converts the out.size() elements from `first` on (row-major count). f64 and wide integers
    /// round to the nearest float, a boolean is 0 or 1. Throws Error::unsupported when the type
    /// cannot be read, Error::bad_param when the range leaves the tensor.
    void read(const TensorInfo& tensor, std::int64_t first, std::span<float> out) const;
    /// The same without loss for f64 and 32-bit integers, and for 64-bit integers up to 2^53.
    void read(const TensorInfo& tensor, std::int64_t first, std::span<double> out) const;
    std::vector<float> read_all(const TensorInfo& tensor) const;
    /// The stored bytes, as they are in the file; lives as long as this object. May start at any
    /// address: copy with memcpy, do not cast.
    std::span<const std::byte> raw(const TensorInfo& tensor) const;

private:
    TensorFile(std::filesystem::path path, std::unique_ptr<const FileMapping> mapping,
               std::unique_ptr<const ParsedFile> parsed);

    std::filesystem::path path_;
    std::unique_ptr<const FileMapping> mapping_;
    std::unique_ptr<const ParsedFile> parsed_;
};

/// Over the finite values; NaN throughout when there are none.
struct TensorSummary {
    double min = 0, max = 0, mean = 0;
    double stddev = 0;  // of the population: the root of the mean squared deviation
    std::int64_t nan_count = 0;
    std::int64_t inf_count = 0;
};

/// Reads the tensor once, piece by piece, on all threads; the same bits for any number of them.
/// Throws what read() throws.
TensorSummary summarize(const TensorFile& file, const TensorInfo& tensor);

/// A tensor to be written. The values are not copied.
struct NamedTensor {
    std::string name;
    std::vector<std::int64_t> shape;
    std::span<const float> values;  // row-major
};

/// Both writers put the file in place whole or not at all (a temporary file beside it is renamed),
/// start the data at a multiple of 64 bytes, and write the same bytes for the same input. They
/// throw Error::bad_param when shape and values disagree, Error::io naming the path.
void write_npy(const std::filesystem::path& path, const std::vector<std::int64_t>& shape,
               std::span<const float> values);
/// Tensors keep their order and are stored as F32 or F16 (nearest, halves to even; beyond 65504
/// infinity). Also throws Error::bad_param for no tensor, a duplicate or non-UTF-8 name, the
/// reserved name "__metadata__", and another type.
void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {},
                       DType stored = DType::f32);

}  // namespace nibble
