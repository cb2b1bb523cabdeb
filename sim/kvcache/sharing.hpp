// What sharing blocks saves when one prompt is answered several times (Kwon et al. 2023, section
// 6.3): blocks saved by sharing over the blocks that the sequences would take each for itself,
// summed over every step of every request.
//
//   parallel sampling   all sequences share the prompt's blocks, and nothing after it
//   beam search         at each step some beams are dropped and go on as copies of others, so they
//                       share whatever lies before they parted
//
// A beam is dropped by chance here, with the same chance at every step; the real chance depends on
// the model and the text. Each request has its own cache; blocks are copied on write.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "sim/core/rng.hpp"
#include "sim/requests/trace.hpp"

namespace nibble {

struct Sharing {
    int sequences = 2;  // of each prompt, at least 1
    int block_size = 16;
    double dropped = 0;  // chance of a beam at a step to be dropped for another; 0: sampling
};

struct BlocksSaved {
    std::int64_t without = 0, with = 0;  // blocks times steps

    double share() const { return 1 - static_cast<double>(with) / static_cast<double>(without); }
};

/// The same for any number of threads. `check` is called before each request and may throw to end
/// it.
BlocksSaved blocks_saved(
    const std::vector<Request>& requests, const Sharing& sharing, const Rng& rng,
    const std::function<void()>& check = [] {});

}  // namespace nibble
