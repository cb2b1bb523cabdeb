#include "sim/kvcache/block_teller.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "sim/core/error.hpp"

namespace nibble {

BlockTeller::BlockTeller(const StorySettings& settings)
    : block_size_(settings.block_size),
      cache_({.blocks = settings.blocks,
              .block_size = settings.block_size,
              .host_blocks = settings.blocks}),
      contents_(static_cast<std::size_t>(settings.blocks)),
      host_contents_(contents_) {}

void BlockTeller::follow(const CacheEvents& events) {
    const auto at = [](std::vector<StoryWords>& blocks, std::int64_t block) -> StoryWords& {
        return blocks[static_cast<std::size_t>(block)];
    };
    const auto forget = [this](std::int64_t block) {
        std::erase_if(prefixes_, [block](const auto& entry) { return entry.second == block; });
    };
    for (const CacheEvent& e : events) {
        if (e.kind == CacheEvent::Kind::taken) {
            forget(e.block);
            at(contents_, e.block).clear();
        } else if (e.kind == CacheEvent::Kind::copied) {
            forget(e.block);
            at(contents_, e.block) = at(contents_, e.source);
            ++totals_.copies;
        } else if (e.kind == CacheEvent::Kind::swapped_out) {
            at(host_contents_, e.block) = at(contents_, e.source);
            ++totals_.swapped_blocks;
        } else if (e.kind == CacheEvent::Kind::swapped_in) {
            forget(e.block);
            at(contents_, e.block) = at(host_contents_, e.source);
            ++totals_.swapped_blocks;
        }
    }
}

/// Fills the sequence's blocks with its words; full ones can be found by what they begin.
void BlockTeller::write(int id) {
    const StoryWords& words = words_.at(id);
    const std::vector<int>& table = cache_.block_table(id);
    const auto size = static_cast<std::size_t>(block_size_);
    for (std::size_t k = 0; k < table.size(); ++k) {
        const std::size_t end = std::min(words.size(), (k + 1) * size);
        const auto first = words.begin() + static_cast<std::ptrdiff_t>(k * size);
        const auto last = words.begin() + static_cast<std::ptrdiff_t>(end);
        contents_[static_cast<std::size_t>(table[k])] = StoryWords(first, last);
        if (end == (k + 1) * size) {
            prefixes_.emplace(StoryWords(words.begin(), last), table[k]);
        }
    }
}

std::vector<int> BlockTeller::prefix_of(const StoryWords& prompt) const {
    std::vector<int> blocks;
    const auto size = static_cast<std::size_t>(block_size_);
    for (std::size_t end = size; end < prompt.size(); end += size) {
        const StoryWords begin(prompt.begin(), prompt.begin() + static_cast<std::ptrdiff_t>(end));
        const auto found = prefixes_.find(begin);
        if (found == prefixes_.end()) {
            break;
        }
        blocks.push_back(found->second);
    }
    return blocks;
}

bool BlockTeller::admit(int id, const StoryWords& prompt, bool by_prefix) {
    const std::vector<int> prefix = by_prefix ? prefix_of(prompt) : std::vector<int>{};
    const auto events = cache_.admit(id, static_cast<std::int64_t>(prompt.size()), prefix);
    if (!events) {
        return false;
    }
    words_[id] = prompt;
    if (std::find(order_.begin(), order_.end(), id) == order_.end()) {
        order_.push_back(id);
    }
    follow(*events);
    write(id);
    const int reused = static_cast<int>(prefix.size()) * block_size_;
    totals_.reused_tokens += reused;
    tell(reused > 0
             ? fmt::format("{} comes: {} of its {} words are there already, in {} block{}",
                           sequence_name(id), reused, prompt.size(), prefix.size(),
                           prefix.size() == 1 ? "" : "s")
             : fmt::format("{} comes with a prompt of {} words", sequence_name(id), prompt.size()),
         *events);
    return true;
}

bool BlockTeller::append(int id, const std::string& word) {
    const auto events = cache_.append(id);
    if (!events) {
        return false;
    }
    words_.at(id).push_back(word);
    follow(*events);
    write(id);
    const CacheEvent& first = events->front();
    const std::string who = sequence_name(id);
    tell(first.kind == CacheEvent::Kind::copied
             ? fmt::format("{} writes \"{}\" into a block that others use: it is copied first", who,
                           word)
         : first.kind == CacheEvent::Kind::taken
             ? fmt::format("{} writes \"{}\" into a new block, its last one was full", who, word)
             : fmt::format("{} writes \"{}\" into its last block, which nobody else uses", who,
                           word),
         *events);
    return true;
}

void BlockTeller::fork(int parent, int child) {
    const CacheEvents events = cache_.fork(parent, child);
    words_[child] = words_.at(parent);
    order_.push_back(child);
    tell(fmt::format("{} forks from {}: a second table, not one copied block", sequence_name(child),
                     sequence_name(parent)),
         events);
}

void BlockTeller::release(int id, const std::string& why) {
    const CacheEvents events = cache_.release(id);
    words_.erase(id);
    std::erase(order_, id);
    tell(fmt::format("{} {}", sequence_name(id), why), events);
}

void BlockTeller::preempt(int id, Preemption how) {
    ++totals_.preemptions;
    waiting_[id] = how;
    const std::string who = sequence_name(id);
    if (how == Preemption::recompute) {
        totals_.recomputed_tokens += static_cast<int>(words_.at(id).size());
        tell(fmt::format("No block is free: {}, the last to come, gives up its own", who),
             cache_.release(id));
        return;
    }
    const std::vector<PagedCache::SequenceId> group = {id};
    const auto events = cache_.swap_out(group);
    NIBBLE_ASSERT(events.has_value(), "the host has room for every block");
    follow(*events);
    tell(fmt::format("No block is free: {}, the last to come, moves to the host", who), *events);
}

bool BlockTeller::resume(int id) {
    const std::vector<PagedCache::SequenceId> group = {id};
    const bool swapped = waiting_.at(id) == Preemption::swap;
    const auto events = swapped ? cache_.swap_in(group)
                                : cache_.admit(id, static_cast<std::int64_t>(words_.at(id).size()));
    if (!events) {
        return false;
    }
    waiting_.erase(id);
    follow(*events);
    write(id);
    tell(swapped ? fmt::format("{} comes back from the host, into other blocks", sequence_name(id))
                 : fmt::format("{} comes back: its {} words are computed again", sequence_name(id),
                               words_.at(id).size()),
         *events);
    return true;
}

void BlockTeller::tell(std::string what, CacheEvents events) {
    StoryStep step = totals_;
    step.what = std::move(what);
    step.events = std::move(events);
    for (const int id : order_) {
        StoryStep::Sequence s{id, words_.at(id), {}, waiting_.count(id) > 0, false};
        if (cache_.holds(id)) {
            s.block_table = cache_.block_table(id);
            s.on_host = cache_.sequence(id).on_host;
        }
        step.sequences.push_back(std::move(s));
    }
    for (int block = 0; block < cache_.pool().blocks(); ++block) {
        const bool is_known = std::any_of(prefixes_.begin(), prefixes_.end(),
                                          [&](const auto& p) { return p.second == block; });
        const int users = cache_.ref_count(block);
        step.blocks.push_back(
            {users, contents_[static_cast<std::size_t>(block)], users == 0 && is_known});
    }
    steps_.push_back(std::move(step));
}

}  // namespace nibble
