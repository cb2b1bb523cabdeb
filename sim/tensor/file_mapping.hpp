// A file's bytes as memory: pages are read from disk when they are touched, and never copied.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace nibble {

/// Owns a private, read-only mapping of a whole regular file.
class FileMapping {
public:
    /// Throws Error::io naming the path: missing, a directory or device, empty, not permitted.
    explicit FileMapping(const std::filesystem::path& path);
    ~FileMapping();
    FileMapping(const FileMapping&) = delete;
    FileMapping& operator=(const FileMapping&) = delete;

    std::span<const std::byte> bytes() const { return bytes_; }

private:
    std::span<const std::byte> bytes_;
};

}  // namespace nibble
