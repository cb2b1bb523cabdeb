// Launching a kernel on the emulator: a grid of blocks over the processor's threads, the same
// result and the same fault in every run, whatever the number of threads.
//
//     Session session{{.order = Order::shuffled, .seed = 7, .xray = true}};
//     quantize(...);                       // launches inside, on this OS thread
//     Report report = session.reports().front();
//
// Without a session a launch runs forward, with all checks and no X-ray.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/emulator/block.hpp"

namespace nibble::kernels::emulator {

struct Options {
    Order order = Order::forward;
    std::uint64_t seed = 0;    // of Order::shuffled
    bool xray = false;         // count every access
    Watch watch = {};          // which requests the X-ray keeps whole
    bool check_shared = true;  // histories of shared memory: uninitialised, unfinished, race
    unsigned threads = 0;      // OS threads to run blocks on; 0: as many as the processor has
};

/// Options for the launches of this OS thread, and the reports of those launches, from construction
/// to destruction. Sessions nest; the innermost counts.
class Session {
public:
    explicit Session(Options options);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const Options& options() const { return options_; }
    /// One report for each launch so far. Sites are filled with xray only.
    const std::vector<Report>& reports() const { return reports_; }
    void add(Report report) { reports_.push_back(std::move(report)); }

private:
    Options options_;
    std::vector<Report> reports_;
    Session* outer_;
};

/// Runs `body` once for every thread of every block. Throws Fault: of the faults that several
/// blocks ran into, always that of the first block.
void run_grid(std::string_view kernel, Index3 grid, Index3 block, std::size_t dynamic_bytes,
              std::function<void()> body);

/// The function's own name in what a compiler calls a function template over it:
/// "void launch() [with auto kernel = nibble::kernels::emulated::add<4>; ...]" gives "add<4>".
constexpr std::string_view kernel_name(std::string_view pretty) {
    const std::string_view start = "kernel = ";
    pretty.remove_prefix(pretty.find(start) + start.size());
    int depth = 0;  // of template brackets: a ';' or ',' inside them belongs to the name
    std::size_t end = 0, last_scope = 0;
    for (; end < pretty.size(); ++end) {
        const char c = pretty[end];
        depth += c == '<' || c == '(' ? 1 : c == '>' || c == ')' ? -1 : 0;
        if (depth <= 0 && (c == ';' || c == ',' || c == ']')) {
            break;
        }
        if (depth == 0 && (c == ':' || c == '&')) {
            last_scope = end + 1;
        }
    }
    return pretty.substr(last_scope, end - last_scope);
}

}  // namespace nibble::kernels::emulator
