// Runs programs the way a shell does, and keeps what they say.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace nibble::test {

struct Finished {
    int status = -1;  // 128 + the signal's number when a signal ended it
    std::string out, err;
};

/// A folder of its own that goes away with this object.
class TempFolder {
public:
    TempFolder();
    ~TempFolder();
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    /// Names of the files inside, sorted.
    std::vector<std::string> files() const;

private:
    std::filesystem::path path_;
};

/// The nibble program with these words, without HOME or a display, in the C locale.
Finished nibble(const std::vector<std::string>& words);

/// A line for /bin/sh, in the same surroundings; $NIBBLE is the program.
Finished shell(const std::string& line);

std::string contents(const std::string& path);
void write(const std::string& path, const std::string& text);

}  // namespace nibble::test
