#include "sim/kvcache/block_story.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "sim/core/error.hpp"
#include "sim/kvcache/block_teller.hpp"

namespace nibble {
namespace {

// Lincoln at Gettysburg, and what others might have said there.
const StoryWords opening = {"Four", "score", "and", "seven", "years", "ago", "our"};
const std::vector<StoryWords> endings = {{"fathers", "brought", "forth"},
                                         {"mothers", "built", "this"},
                                         {"friends", "crossed", "the"},
                                         {"people", "came", "to"}};

Error too_few_blocks(const StorySettings& settings) {
    return {Error::Code::bad_param,
            fmt::format("blocks = {}: the story needs more of {} slots", settings.blocks,
                        settings.block_size),
            "take more blocks, larger ones, or fewer sequences"};
}

void must(bool done, const StorySettings& settings) {
    if (!done) {
        throw too_few_blocks(settings);
    }
}

/// Samples of one prompt: forks share every block until they write.
void parallel_sampling(const StorySettings& settings, BlockTeller& teller) {
    must(teller.admit(0, opening), settings);
    for (int k = 1; k < settings.width; ++k) {
        teller.fork(0, k);
    }
    for (std::size_t word = 0; word < endings.front().size(); ++word) {
        for (int k = 0; k < settings.width; ++k) {
            must(teller.append(k, endings[static_cast<std::size_t>(k)][word]), settings);
        }
    }
    for (int k = 0; k < settings.width; ++k) {
        teller.release(k, "is finished");
    }
}

/// Beams: after each word the best ones go on, some of them from the same parent.
void beam_search(const StorySettings& settings, BlockTeller& teller) {
    const int width = settings.width;
    must(teller.admit(0, opening), settings);
    std::vector<int> beams = {0};
    int next = 1;
    constexpr int rounds = 3;
    for (int round = 0; round < rounds; ++round) {
        // Round 0: all from the prompt. Later the best beam has two children and the last none.
        std::vector<int> parents;
        for (int k = 0; k < width; ++k) {
            const int from = round == 0 ? 0 : std::max(0, k - 1);
            parents.push_back(beams[static_cast<std::size_t>(from)]);
        }
        // A parent's first child goes on in its place; only further ones need a fork.
        std::vector<int> children;
        for (const int parent : parents) {
            const bool is_first =
                std::find(children.begin(), children.end(), parent) == children.end();
            children.push_back(is_first ? parent : next);
            if (!is_first) {
                teller.fork(parent, next++);
            }
        }
        for (const int beam : beams) {
            if (std::find(children.begin(), children.end(), beam) == children.end()) {
                teller.release(beam, "is no longer among the best beams");
            }
        }
        beams = children;
        for (int k = 0; k < width; ++k) {
            const StoryWords& words = endings[static_cast<std::size_t>((k + round) % 4)];
            must(teller.append(beams[static_cast<std::size_t>(k)],
                               words[static_cast<std::size_t>(round)]),
                 settings);
        }
    }
}

/// Requests that begin with the same instructions, one after the other.
void shared_prompt(const StorySettings& settings, BlockTeller& teller) {
    const StoryWords instructions = {"You",     "are", "a",       "kind",
                                     "teacher", "who", "answers", "briefly"};
    const std::vector<StoryWords> questions = {
        {"What", "is", "a", "cache"}, {"Why", "pages"}, {"Who", "pays"}, {"How", "long"}};
    const auto prompt = [&](int k) {
        StoryWords words = instructions;
        const StoryWords& question = questions[static_cast<std::size_t>(k)];
        words.insert(words.end(), question.begin(), question.end());
        return words;
    };
    must(teller.admit(0, prompt(0), true), settings);
    for (int k = 1; k < settings.width; ++k) {
        must(teller.admit(k, prompt(k), true), settings);
        must(teller.append(k - 1, "Because"), settings);
    }
    for (int k = 0; k < settings.width; ++k) {
        teller.release(k, "is finished; its blocks wait in line with what they hold");
    }
    const int late = settings.width;
    must(teller.admit(late, prompt(late - 1), true), settings);
    must(teller.append(late, "Indeed"), settings);
}

/// Requests that together outgrow the memory: the last to come gives way.
void memory_short(const StorySettings& settings, BlockTeller& teller) {
    const StoryWords word = {"and", "so", "it", "goes", "on"};
    const StoryWords prompt = {"Tell", "me", "a", "story"};
    const int longest = 3 * settings.block_size;  // words each, when finished
    std::vector<int> running, waiting;
    for (int k = 0; k < settings.width; ++k) {
        if (teller.admit(k, prompt)) {
            running.push_back(k);
        }
    }
    must(static_cast<int>(running.size()) == settings.width &&
             blocks_for(std::max<std::int64_t>(longest, 5), settings.block_size) <= settings.blocks,
         settings);
    const auto length = [&](int id) { return static_cast<int>(teller.words(id).size()); };
    while (!running.empty()) {
        for (std::size_t k = 0; k < running.size(); ++k) {
            const int id = running[k];
            const auto next = static_cast<std::size_t>(length(id)) % word.size();
            bool stored = false;
            while (!stored && k < running.size()) {
                stored = teller.append(id, word[next]);
                if (!stored) {
                    const int last = running.back();
                    running.pop_back();
                    waiting.insert(waiting.begin(), last);
                    teller.preempt(last, settings.preemption);
                }
            }
        }
        for (const int id : std::vector<int>(running)) {
            if (length(id) >= longest) {
                teller.release(id, "is finished");
                std::erase(running, id);
            }
        }
        while (!waiting.empty() && teller.resume(waiting.front())) {
            running.push_back(waiting.front());
            waiting.erase(waiting.begin());
        }
    }
}

/// From the same story with more blocks than it can use.
int blocks_wanted(const StorySettings& settings) {
    constexpr int plenty = 256;
    StorySettings rich = settings;
    rich.blocks = plenty;
    int peak = 0;
    for (const StoryStep& step : tell(rich)) {
        peak = std::max(peak, step.used_blocks());
    }
    return settings.kind == StoryKind::memory_short ? std::max(peak * 2 / 3, 1) : peak + 1;
}

}  // namespace

int StoryStep::logical_blocks() const {
    int count = 0;
    for (const Sequence& s : sequences) {
        count += s.on_host ? 0 : static_cast<int>(s.block_table.size());
    }
    return count;
}

int StoryStep::used_blocks() const {
    return static_cast<int>(std::count_if(blocks.begin(), blocks.end(),
                                          [](const Block& b) { return b.ref_count > 0; }));
}

bool StoryStep::has(CacheEvent::Kind kind) const {
    return std::any_of(events.begin(), events.end(),
                       [kind](const CacheEvent& e) { return e.kind == kind; });
}

std::string sequence_name(int id) {
    return std::string(1, static_cast<char>('A' + id % 26));
}

std::vector<StoryStep> tell(const StorySettings& wanted) {
    StorySettings settings = wanted;
    if (wanted.blocks == 0) {
        settings.blocks = blocks_wanted(wanted);
    }
    BlockTeller teller(settings);
    switch (settings.kind) {
        case StoryKind::parallel_sampling:
            parallel_sampling(settings, teller);
            break;
        case StoryKind::beam_search:
            beam_search(settings, teller);
            break;
        case StoryKind::shared_prompt:
            shared_prompt(settings, teller);
            break;
        case StoryKind::memory_short:
            memory_short(settings, teller);
            break;
    }
    return std::move(teller).steps();
}

}  // namespace nibble
