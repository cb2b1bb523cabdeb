// A file that appears whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace nibble {

/// Writes beside `path` and renames over it in commit(); without a commit the temporary file is
/// removed, and one that a killed run left is removed by the next write. A link is followed, and a
/// file that is there keeps its owner and mode. Whoever has the old file open or mapped keeps it.
/// Not flushed to disk: a power cut may lose the file. Throws Error::io naming `path`, also when it
/// is no regular file.
class AtomicFile {
public:
    explicit AtomicFile(const std::filesystem::path& path);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    void write(std::span<const std::byte> bytes);
    void write(std::string_view text);
    void commit();

private:
    [[noreturn]] void fail(std::string_view doing) const;

    std::filesystem::path path_;    // as it was given, for messages
    std::filesystem::path target_;  // behind links
    std::filesystem::path temporary_;
    int fd_ = -1;
};

}  // namespace nibble
