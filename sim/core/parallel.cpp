#include "sim/core/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <thread>

namespace nibble {
namespace {

std::atomic<int> wanted = 0;

}  // namespace

void set_threads(int count) {
    wanted = std::max(0, count);
}

int threads() {
    const int count = wanted;
    return count > 0 ? count : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void parallel_for(std::size_t count, std::size_t grain,
                  const std::function<void(std::size_t, std::size_t)>& body) {
    const std::size_t pieces = (count + grain - 1) / grain;
    const auto run_pieces = [&](std::size_t first, std::size_t last) {
        for (std::size_t i = first; i < last; ++i) {
            body(i * grain, std::min(count, (i + 1) * grain));
        }
    };
    if (pieces <= 1 || threads() == 1) {
        run_pieces(0, pieces);
        return;
    }
    oneapi::tbb::task_arena arena(threads());
    arena.execute([&] {
        oneapi::tbb::parallel_for(
            oneapi::tbb::blocked_range<std::size_t>(0, pieces),
            [&](const auto& range) { run_pieces(range.begin(), range.end()); });
    });
}

}  // namespace nibble
