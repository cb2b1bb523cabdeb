// Parallel loops over oneTBB whose results do not depend on the number of threads.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace nibble {

/// Threads that parallel loops use from now on; 0 means one a core. Process-wide.
void set_threads(int count);
int threads();

/// Calls body(begin, end) on pieces that cover [0, count), each at most `grain` long (grain > 0).
/// The cut into pieces depends on count and grain only. An exception from a piece is rethrown here.
void parallel_for(std::size_t count, std::size_t grain,
                  const std::function<void(std::size_t begin, std::size_t end)>& body);

/// Maps each piece to a T and folds the results in the order of the pieces: the same bits for any
/// number of threads, floating point included.
template <class T, class Map, class Fold>
T parallel_reduce(std::size_t count, std::size_t grain, T start, const Map& map, const Fold& fold) {
    const std::size_t pieces = (count + grain - 1) / grain;
    std::vector<T> partial(pieces, start);
    parallel_for(count, grain, [&](std::size_t begin, std::size_t end) {
        partial[begin / grain] = map(begin, end);
    });
    for (T& piece : partial) {
        start = fold(std::move(start), std::move(piece));
    }
    return start;
}

}  // namespace nibble
