#include "viz/cli/terminal.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sim/core/error.hpp"
#include "sim/core/text.hpp"
#include "viz/cli/text.hpp"

namespace nibble {
namespace {

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free, "set inside a signal handler");

void remember_interrupt(int) {
    interrupted = true;
}

constexpr std::array<int, 2> signals = {SIGINT, SIGTERM};

std::string duration(double seconds) {
    const int s = static_cast<int>(seconds + 0.5);
    return s < 60 ? fmt::format("{} s", s) : fmt::format("{} min {:02} s", s / 60, s % 60);
}

}  // namespace

void print(std::string_view text) {
    errno = 0;
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
        std::fflush(stdout) != 0) {
        if (errno == EPIPE) {
            throw ClosedPipe{};
        }
        throw Error(Error::Code::io,
                    fmt::format("standard output cannot be written: {}", std::strerror(errno)));
    }
}

void note(std::string_view line) {
    const std::string whole = one_line(line) + "\n";
    std::fwrite(whole.data(), 1, whole.size(), stderr);
}

std::size_t page_width() {
    winsize size = {};
    if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 ||
        size.ws_col == 0) {
        return 100;
    }
    return std::clamp<std::size_t>(size.ws_col, 60, 120);
}

Progress::Progress(std::string what)
    : what_(std::move(what)),
      terminal_(isatty(STDERR_FILENO) != 0),
      begin_(Clock::now()),
      next_(begin_ + (terminal_ ? std::chrono::milliseconds(500) : std::chrono::seconds(10))) {}

Progress::~Progress() {
    if (terminal_ && shown_) {
        std::fputs("\r\x1b[K", stderr);
    }
}

void Progress::show(double share, const std::string& detail) {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (now < next_) {
        return;
    }
    next_ = now + (terminal_ ? std::chrono::milliseconds(100) : std::chrono::seconds(10));
    shown_ = true;
    const double spent = std::chrono::duration<double>(now - begin_).count();
    std::string line = fmt::format("{}: {}", what_, detail);
    if (share > 0.01) {
        line += fmt::format(", about {} left", duration(spent / share * (1 - share)));
    }
    std::fputs((terminal_ ? "\r" + line + "\x1b[K" : line + "\n").c_str(), stderr);
}

Interruptible::Interruptible() {
    interrupted = false;
    struct sigaction action = {};
    action.sa_handler = remember_interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (std::size_t i = 0; i < signals.size(); ++i) {
        sigaction(signals[i], nullptr, &before_[i]);
        if (before_[i].sa_handler != SIG_IGN) {  // nohup and the like stay as they were set up
            sigaction(signals[i], &action, nullptr);
        }
    }
}

Interruptible::~Interruptible() {
    for (std::size_t i = 0; i < signals.size(); ++i) {
        sigaction(signals[i], &before_[i], nullptr);
    }
}

bool Interruptible::asked() {
    return interrupted;
}

}  // namespace nibble
