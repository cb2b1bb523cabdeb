#include "sim/core/parallel.hpp"

#include <mutex>
#include <set>
#include <thread>

#include "sim/core/one_thread.hpp"

#include "tests/catch.hpp"

namespace nibble::parallel_test {

TEST_CASE("loops under OneThread stay on their thread, with the same pieces", "[core]") {
    set_threads(3);
    std::mutex mutex;
    std::set<std::pair<std::size_t, std::size_t>> pieces;
    std::set<std::thread::id> workers;
    const auto note = [&](std::size_t begin, std::size_t end) {
        const std::lock_guard lock(mutex);
        pieces.emplace(begin, end);
        workers.insert(std::this_thread::get_id());
    };
    {
        const OneThread alone;
        { const OneThread nested; }
        parallel_for(100, 30, note);
    }
    CHECK(workers == std::set<std::thread::id>{std::this_thread::get_id()});
    const auto alone_pieces = pieces;
    pieces.clear();
    parallel_for(100, 30, note);
    CHECK(pieces == alone_pieces);
    CHECK(pieces.size() == 4);
    set_threads(0);
}

}  // namespace nibble::parallel_test
