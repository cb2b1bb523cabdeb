// Byte strings and small files for the tests of the tensor readers: each format is written out by
// hand here, so that a reader and a writer cannot agree on a mistake.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "sim/core/error.hpp"
#include "sim/tensor/tensor_file.hpp"

#include "tests/catch.hpp"

namespace nibble::test {

/// The bytes of a number, lowest first.
template <class T>
std::string le(T value) {
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

inline std::string floats(const std::vector<float>& values) {
    std::string bytes;
    for (const float v : values) {
        bytes += le(v);
    }
    return bytes;
}

inline std::string npy(const std::string& header, const std::string& data) {
    return std::string("\x93NUMPY\x01\x00", 8) + le(static_cast<std::uint16_t>(header.size())) +
           header + data;
}
inline std::string npy_header(const std::string& descr, const std::string& shape,
                              bool fortran_order = false) {
    return "{'descr': '" + descr + "', 'fortran_order': " + (fortran_order ? "True" : "False") +
           ", 'shape': " + shape + ", }\n";
}

inline std::string safetensors(const std::string& json, const std::string& data) {
    return le(static_cast<std::uint64_t>(json.size())) + json + data;
}

inline std::string gguf_string(std::string_view text) {
    return le(static_cast<std::uint64_t>(text.size())) + std::string(text);
}
/// A metadata pair; `value` are the bytes that follow the type number.
inline std::string gguf_pair(std::string_view key, std::uint32_t type, const std::string& value) {
    return gguf_string(key) + le(type) + value;
}
/// A tensor's description; `dimensions` in file order, fastest first.
inline std::string gguf_tensor(std::string_view name, const std::vector<std::int64_t>& dimensions,
                               std::uint32_t type, std::uint64_t offset) {
    std::string bytes = gguf_string(name) + le(static_cast<std::uint32_t>(dimensions.size()));
    for (const std::int64_t d : dimensions) {
        bytes += le(d);
    }
    return bytes + le(type) + le(offset);
}
inline std::string gguf(const std::vector<std::string>& pairs,
                        const std::vector<std::string>& tensors, const std::string& data,
                        std::uint32_t version = 3, std::size_t alignment = 32) {
    std::string bytes = "GGUF" + le(version) + le(static_cast<std::uint64_t>(tensors.size())) +
                        le(static_cast<std::uint64_t>(pairs.size()));
    for (const std::string& pair : pairs) {
        bytes += pair;
    }
    for (const std::string& tensor : tensors) {
        bytes += tensor;
    }
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
    return bytes + data;
}

/// A folder of its own, removed at the end.
class TempFolder {
public:
    TempFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "nibble-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ~TempFolder() { std::filesystem::remove_all(path_); }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path write(const std::string& name, std::string_view bytes) const {
        const auto path = path_ / name;
        // Not truncated: ext4 answers that with a flush to disk, thousands of times in a corpus.
        std::filesystem::remove(path);
        std::ofstream(path, std::ios::binary)
            .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        return path;
    }

private:
    std::filesystem::path path_;
};

/// An open file made of `bytes`.
inline std::shared_ptr<const TensorFile> open_bytes(const TempFolder& folder,
                                                    const std::string& name,
                                                    std::string_view bytes) {
    return TensorFile::open(folder.write(name, bytes));
}

/// What opening and reading every tensor of a file made of `bytes` throws; fails when nothing is.
inline Error refusal(const std::string& name, std::string_view bytes) {
    const TempFolder folder;
    try {
        const auto file = open_bytes(folder, name, bytes);
        for (const TensorInfo& tensor : file->tensors()) {
            file->read_all(tensor);
        }
    } catch (const Error& error) { return error; }
    FAIL("accepted " << name);
    throw std::logic_error("unreachable");
}

/// Checks that the file is refused with `code`, naming itself and each of `words`.
inline void check_refused(const std::string& name, std::string_view bytes, Error::Code code,
                          const std::vector<std::string>& words) {
    const Error error = refusal(name, bytes);
    INFO(error.line());
    CHECK(error.code() == code);
    CHECK(std::string(error.what()).find(name) != std::string::npos);
    for (const std::string& word : words) {
        INFO(word);
        CHECK(std::string(error.what()).find(word) != std::string::npos);
    }
}

}  // namespace nibble::test
