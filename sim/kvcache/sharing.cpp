#include "sim/kvcache/sharing.hpp"

#include "sim/core/parallel.hpp"
#include "sim/kvcache/paged_cache.hpp"

namespace nibble {
namespace {

BlocksSaved saved_by(const Request& request, const Sharing& sharing, const Rng& rng) {
    const std::int64_t beams = sharing.sequences;
    const std::int64_t most = beams * blocks_for(request.tokens(), sharing.block_size);
    PagedCache cache({static_cast<int>(most), sharing.block_size});
    cache.admit(0, request.prompt);
    for (std::int64_t b = 1; b < beams; ++b) {
        cache.fork(0, b);
    }
    BlocksSaved sum;
    std::uint64_t draw = 0;
    for (std::int64_t t = 1; t <= request.output; ++t) {
        for (std::int64_t b = 0; b < beams && beams > 1; ++b) {
            if (rng.uniform(draw++) < sharing.dropped) {
                const auto other = static_cast<std::int64_t>(
                    rng.below(draw++, static_cast<std::uint64_t>(beams - 1)));
                cache.release(b);
                cache.fork(other < b ? other : other + 1, b);
            }
        }
        for (std::int64_t b = 0; b < beams; ++b) {
            cache.append(b);
        }
        sum.without += beams * blocks_for(request.prompt + t, sharing.block_size);
        sum.with += most - cache.free_blocks();
    }
    return sum;
}

}  // namespace

BlocksSaved blocks_saved(const std::vector<Request>& requests, const Sharing& sharing,
                         const Rng& rng, const std::function<void()>& check) {
    return parallel_reduce(
        requests.size(), 4, BlocksSaved{},
        [&](std::size_t begin, std::size_t end) {
            BlocksSaved sum;
            for (std::size_t i = begin; i < end; ++i) {
                check();
                const BlocksSaved one =
                    saved_by(requests[i], sharing, rng.stream("request " + std::to_string(i)));
                sum.without += one.without;
                sum.with += one.with;
            }
            return sum;
        },
        [](BlocksSaved a, BlocksSaved b) {
            return BlocksSaved{a.without + b.without, a.with + b.with};
        });
}

}  // namespace nibble
