// Short stories about block tables, told one operation at a time: what a debugger steps through.
//
// The blocks hold words, so that one can see which content is shared, copied or overwritten. The
// stories are those of Kwon et al. 2023 (section 4.4, figures 8 to 10): samples of one prompt,
// beams, a prompt that several requests begin with, and memory that runs short.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/kvcache/paged_cache.hpp"

namespace nibble {

enum class StoryKind { parallel_sampling, beam_search, shared_prompt, memory_short };
enum class Preemption { recompute, swap };

/// The cache after one operation.
struct StoryStep {
    struct Sequence {
        int id = 0;
        std::vector<std::string> words;  // stored ones; kept by a sequence that waits
        std::vector<int> block_table;    // empty while it waits; host blocks while swapped out
        bool waits = false, on_host = false;
    };
    struct Block {
        int ref_count = 0;
        std::vector<std::string> words;  // as they lie there; stale ones of a free block too
        bool keeps_prefix = false;       // free, and can still be found by its content
    };
    std::string what;  // one sentence
    CacheEvents events;
    std::vector<Sequence> sequences;
    std::vector<Block> blocks;
    int copies = 0, preemptions = 0;  // so far
    int reused_tokens = 0, recomputed_tokens = 0, swapped_blocks = 0;

    /// Entries of all tables on the device.
    int logical_blocks() const;
    int used_blocks() const;
    bool has(CacheEvent::Kind kind) const;
};

struct StorySettings {
    StoryKind kind = StoryKind::parallel_sampling;
    int block_size = 4;
    int blocks = 0;  // 0: one more than the story needs; too few where it is about that
    int width = 3;   // samples, beams, or requests
    Preemption preemption = Preemption::recompute;
};

/// "A", "B", ...
std::string sequence_name(int id);

/// The whole story. Throws Error::bad_param when it needs more blocks than there are, where it is
/// not about that.
std::vector<StoryStep> tell(const StorySettings& settings);

}  // namespace nibble
