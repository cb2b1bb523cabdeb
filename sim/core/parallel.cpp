#include "sim/core/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "kernels/crew.hpp"
#include "sim/core/arithmetic.hpp"
#include "sim/core/one_thread.hpp"

#if defined(__has_feature)  // clang says it this way, gcc the other
#if __has_feature(thread_sanitizer)
#define NIBBLE_PLAIN_THREADS 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define NIBBLE_PLAIN_THREADS 1
#endif

#ifndef NIBBLE_PLAIN_THREADS
#define NIBBLE_PLAIN_THREADS 0
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#endif

namespace nibble {
namespace {

std::atomic<int> wanted = 0;
thread_local bool on_one_thread = false;

using RunPieces = std::function<void(std::size_t first, std::size_t last)>;

#if NIBBLE_PLAIN_THREADS
/// oneTBB is not instrumented, so ThreadSanitizer would report its every hand-over. Plain threads
/// let it see the loops' own races.
void share_out(std::size_t pieces, const RunPieces& run_pieces) {
    std::atomic<std::size_t> next = 0;
    std::exception_ptr failure;
    std::mutex failure_mutex;
    {
        kernels::Crew crew;
        for (int i = 0; i < threads(); ++i) {
            crew.start([&] {
                try {
                    for (std::size_t piece = next++; piece < pieces; piece = next++) {
                        run_pieces(piece, piece + 1);
                    }
                } catch (...) {
                    const std::lock_guard lock(failure_mutex);
                    failure = std::current_exception();
                    next = pieces;
                }
            });
        }
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}
#else
void share_out(std::size_t pieces, const RunPieces& run_pieces) {
    using oneapi::tbb::global_control;
    // Lets the arena have more threads than there are cores without a warning from oneTBB.
    const global_control limit(global_control::max_allowed_parallelism,
                               static_cast<std::size_t>(threads()));
    oneapi::tbb::task_arena arena(threads());
    arena.execute([&] {
        oneapi::tbb::parallel_for(
            oneapi::tbb::blocked_range<std::size_t>(0, pieces),
            [&](const auto& range) { run_pieces(range.begin(), range.end()); });
    });
}
#endif

}  // namespace

OneThread::OneThread() : before_(on_one_thread) {
    on_one_thread = true;
}

OneThread::~OneThread() {
    on_one_thread = before_;
}

void set_threads(int count) {
    wanted = std::max(0, count);
}

int threads() {
    const int count = wanted;
    return count > 0 ? count : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void parallel_for(std::size_t count, std::size_t grain,
                  const std::function<void(std::size_t, std::size_t)>& body) {
    const std::size_t pieces = ceil_div(count, grain);
    const auto run_pieces = [&](std::size_t first, std::size_t last) {
        for (std::size_t i = first; i < last; ++i) {
            body(i * grain, std::min(count, (i + 1) * grain));
        }
    };
    if (pieces <= 1 || on_one_thread || threads() == 1) {
        run_pieces(0, pieces);
    } else {
        share_out(pieces, run_pieces);
    }
}

}  // namespace nibble
