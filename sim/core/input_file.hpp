// The one way to open a file from outside: a regular file. Devices would never end, named pipes
// would wait for a writer, folders hold no text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace nibble {

/// An open regular file. Throws Error::io naming the path and what it is instead.
class InputFile {
public:
    explicit InputFile(const std::filesystem::path& path);
    ~InputFile();
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;

    int descriptor() const { return descriptor_; }
    /// In bytes, as it was opened.
    std::uint64_t size() const { return size_; }
    /// Up to `most` bytes from `offset` on; fewer at the end of the file.
    std::string read(std::uint64_t offset, std::size_t most) const;

private:
    std::filesystem::path path_;
    int descriptor_ = -1;
    std::uint64_t size_ = 0;
};

/// Of a text that Nibble keeps whole in memory: traces, tokens, tokenizers, recordings.
constexpr std::size_t largest_text = std::size_t{256} << 20U;

/// The whole file. Throws what InputFile throws, and Error::bad_file naming the limit when it is
/// larger than `most` bytes.
std::string read_text_file(const std::filesystem::path& path, std::size_t most = largest_text);

}  // namespace nibble
