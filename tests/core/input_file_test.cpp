#include "sim/core/input_file.hpp"

#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sim/core/error.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble::input_file_test {

namespace {

std::string refusal(const std::string& path, std::size_t most = largest_text) {
    try {
        read_text_file(path, most);
    } catch (const Error& e) {
        CHECK(std::string(e.what()).find(path) == 0);
        return e.what();
    }
    return "read";
}

bool ends(const std::string& text, const std::string& with) {
    return text.ends_with(with);
}

}  // namespace

TEST_CASE("only regular files are read, and within the limit", "[input]") {
    const test::TempFolder folder;
    const std::string file = folder / "file";
    test::write(file, std::string("a\0b", 3) + std::string(200000, 'x'));
    CHECK(read_text_file(file).size() == 200003);
    CHECK(read_text_file(file, 200003).substr(0, 3) == std::string("a\0b", 3));
    CHECK(ends(refusal(file, 200002), ": larger than 195 KiB"));
    std::filesystem::create_symlink(file, folder / "link");
    CHECK(refusal(folder / "link") == "read");
    test::write(folder / "empty", "");
    CHECK(read_text_file(folder / "empty").empty());
    CHECK(ends(refusal(folder / "absent"), "cannot be read: No such file or directory"));
    CHECK(ends(refusal(folder.path().string()), "is a folder, not a regular file"));
    CHECK(ends(refusal("/dev/zero"), "is a device, not a regular file"));
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);  // and nobody writes into it
    CHECK(ends(refusal(folder / "pipe"), "is a named pipe, not a regular file"));
    const int end = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string socket = folder / "s";
    socket.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(end, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    CHECK(ends(refusal(socket), "is a socket, not a regular file"));
    ::close(end);
}

TEST_CASE("a part of a file is read from anywhere", "[input]") {
    const test::TempFolder folder;
    test::write(folder / "file", "0123456789");
    const InputFile file(folder / "file");
    CHECK(file.size() == 10);
    CHECK(file.read(0, 3) == "012");
    CHECK(file.read(8, 5) == "89");
    CHECK(file.read(20, 5).empty());
    if (std::filesystem::exists("/proc/self/status")) {  // says that it has no bytes
        CHECK(read_text_file("/proc/self/status").starts_with("Name:"));
    }
}

}  // namespace nibble::input_file_test
