// The two streams of the program: answers on standard output, everything else on standard error.
#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace nibble {

/// The reader of our output has gone (`nibble list | head -1`): nothing to say, nothing to do.
class ClosedPipe {};

/// Writes to standard output at once. Throws ClosedPipe, or Error::io when it does not take it all
/// (a full disk).
void print(std::string_view text);

/// One line on standard error. Never throws: there is nowhere left to say it.
void note(std::string_view line);

/// Columns that a reader sees: the terminal's, held to 60 .. 120; 100 where there is none.
std::size_t page_width();

/// How far a long piece of work has come. On a terminal one line is kept up to date; elsewhere a
/// line comes at most every ten seconds. Work that is done within half a second stays silent.
class Progress {
public:
    explicit Progress(std::string what);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// "`what`: `detail`, about 12 s left". Call it as often as you like, from any thread.
    void show(double share, const std::string& detail);

private:
    using Clock = std::chrono::steady_clock;
    std::string what_;
    std::mutex mutex_;
    bool terminal_, shown_ = false;
    Clock::time_point begin_, next_;
};

/// While it lives, Ctrl+C (and a polite kill) only sets a flag, so that work can end cleanly. A
/// second Ctrl+C ends the program as ever.
class Interruptible {
public:
    Interruptible();
    ~Interruptible();
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;

    static bool asked();

private:
    std::array<struct sigaction, 2> before_;
};

}  // namespace nibble
