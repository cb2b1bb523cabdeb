#include "tests/cli/process.hpp"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>

#include "tests/places.hpp"

namespace nibble::test {
namespace {

/// Output goes to files, so that a chatty program never waits for us.
Finished spawn(const std::vector<std::string>& words) {
    const TempFolder folder;
    const std::string out = folder / "out", err = folder / "err";
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT, 0600);
    std::vector<char*> argv;
    for (const std::string& word : words) {
        argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    std::string path = std::string("PATH=") + std::getenv("PATH");
    std::string program = "NIBBLE=" + test::program(), locale = "LC_ALL=C";
    // Fontconfig keeps what it loaded until the end, which a leak checker would call a failure.
    std::string leaks = "ASAN_OPTIONS=detect_leaks=0";
    char* environment[] = {path.data(), program.data(), locale.data(), leaks.data(), nullptr};
    pid_t child = 0;
    const int failed =
        posix_spawn(&child, words.at(0).c_str(), &actions, nullptr, argv.data(), environment);
    posix_spawn_file_actions_destroy(&actions);
    int state = 0;
    if (failed != 0 || waitpid(child, &state, 0) != child) {
        throw std::runtime_error("cannot run " + words[0]);
    }
    return {WIFSIGNALED(state) ? 128 + WTERMSIG(state) : WEXITSTATUS(state), contents(out),
            contents(err)};
}

}  // namespace

TempFolder::TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "nibble-XXXXXX").string();
    if (!mkdtemp(name.data())) {
        throw std::runtime_error("no temporary folder can be made");
    }
    path_ = name;
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> TempFolder::files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
        names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

Finished nibble(const std::vector<std::string>& words) {
    std::vector<std::string> all = {test::program()};
    all.insert(all.end(), words.begin(), words.end());
    return spawn(all);
}

Finished shell(const std::string& line) {
    return spawn({"/bin/sh", "-c", line});
}

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

}  // namespace nibble::test
