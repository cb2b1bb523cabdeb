#include "sim/core/atomic_file.hpp"

#include <csignal>
#include <filesystem>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/core/error.hpp"

#include "tests/catch.hpp"
#include "tests/cli/process.hpp"

namespace nibble::atomic_file_test {

namespace {

namespace fs = std::filesystem;

std::string save(const std::string& path, std::string_view text = "new") {
    try {
        AtomicFile file(path);
        file.write(text);
        file.commit();
    } catch (const Error& e) {
        CHECK(e.code() == Error::Code::io);
        CHECK(std::string(e.what()).find(path) == 0);
        return e.line();
    }
    return "written";
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a link is followed and a mode kept", "[atomic]") {
    const test::TempFolder folder;
    fs::create_directory(folder / "far");
    test::write(folder / "far/file", "old");
    REQUIRE(::chmod((folder / "far/file").c_str(), 0640) == 0);
    fs::create_symlink("far/file", folder / "link");
    CHECK(save(folder / "link") == "written");
    CHECK(fs::is_symlink(folder / "link"));
    CHECK(test::contents(folder / "far/file") == "new");
    struct stat status = {};
    REQUIRE(::stat((folder / "far/file").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0640U);
    fs::create_symlink("far/later", folder / "dangling");
    CHECK(save(folder / "dangling") == "written");
    CHECK(test::contents(folder / "far/later") == "new");
}

TEST_CASE("what is no regular file is not replaced", "[atomic]") {
    const test::TempFolder folder;
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    CHECK(contains(save(folder / "pipe"), "it is a named pipe"));
    CHECK(fs::is_fifo(folder / "pipe"));
    CHECK(contains(save("/dev/null"), "it is a device"));
    CHECK(fs::is_character_file("/dev/null"));
    CHECK(contains(save(folder.path().string()), "it is a folder"));
}

TEST_CASE("what a killed run left is removed, what a living one writes is not", "[atomic]") {
    const test::TempFolder folder;
    test::write(folder / "a.csv.4711-0.part", "half");
    test::write(folder / "b.csv.4711-0.part", "of another file");
    test::write(folder / "a.csv.mine.part", "of a person");
    {
        AtomicFile alive(folder / "a.csv");
        CHECK(save(folder / "a.csv", "first") == "written");
        alive.write("second");
        alive.commit();
    }
    CHECK(test::contents(folder / "a.csv") == "second");
    CHECK_FALSE(fs::exists(folder / "a.csv.4711-0.part"));
    CHECK(fs::exists(folder / "b.csv.4711-0.part"));
    CHECK(fs::exists(folder / "a.csv.mine.part"));
}

TEST_CASE("a limit on the size of files is a full disk", "[atomic]") {
    const test::TempFolder folder;
    const auto before = std::signal(SIGXFSZ, SIG_IGN);  // as the program does
    rlimit old{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
    rlimit low = old;
    low.rlim_cur = 1024;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &low) == 0);
    const std::string refusal = save(folder / "file", std::string(4096, 'x'));
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
    std::signal(SIGXFSZ, before);
    CHECK(contains(refusal, "the disk is full"));
    CHECK(fs::is_empty(folder.path()));
}

}  // namespace nibble::atomic_file_test
