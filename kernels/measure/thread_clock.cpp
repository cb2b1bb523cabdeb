#include "kernels/measure/thread_clock.hpp"

#include <ctime>
#include <oneapi/tbb/task_arena.h>

namespace nibble::kernels {
namespace {

double now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

double seconds_on_this_thread(const std::function<void()>& work) {
    double seconds = 0;
    oneapi::tbb::task_arena(1).execute([&] {
        const double begin = now();
        work();
        seconds = now() - begin;
    });
    return seconds;
}

}  // namespace nibble::kernels
