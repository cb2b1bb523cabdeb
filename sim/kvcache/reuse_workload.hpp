// Requests that begin alike: what a cache of prefixes has to work with.
//
// Each is made of named segments ("system", "Q2.1", "A2.1": question and answer of turn 1 of chat
// 2), and a token knows its segment, so that a node of a tree can say what it holds.
//
//   chat             turns of several conversations: all before a question is its prompt
//   few-shot         questions to several tasks, each after the examples of its task
//   tree of thought  thoughts on several problems: of each level the best go on (Yao et al. 2023,
//                    arXiv:2305.10601, breadth-first); which are best is drawn at random
//   unrelated        nothing is shared
//
// Requests of different groups arrive in random order; within a group a turn comes after the one it
// answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/rng.hpp"
#include "sim/kvcache/cached_tokens.hpp"
#include "sim/requests/trace.hpp"

namespace nibble {

enum class ReuseKind { chat, few_shot, tree_of_thought, unrelated };

struct ReuseRequest {
    std::vector<CachedToken> tokens;  // the prompt, then the output
    std::int64_t prompt = 0;          // how many of them are the prompt, at least 1
    int after = -1;                   // the request whose output it continues; -1: none
    std::string name;                 // "chat 2, turn 1"
    std::size_t line = 0;             // of a trace file; 0: made up

    std::int64_t size() const { return static_cast<std::int64_t>(tokens.size()); }
};

struct ReuseWorkload {
    std::string name;                    // "chat"
    std::vector<ReuseRequest> requests;  // as they arrive
    std::vector<std::string> segments;

    const std::string& segment_of(CachedToken token) const {
        return segments[static_cast<std::size_t>(token >> position_bits)];
    }
    /// What a run of tokens holds: "system", "QA 2.1" (question and answer), "QA 2.1 ... 2.3".
    std::string describe(const std::vector<CachedToken>& tokens) const;

    static constexpr int position_bits = 32;
};

struct ReuseShape {
    ReuseKind kind = ReuseKind::chat;
    int groups = 5;           // conversations, tasks, problems
    int rounds = 4;           // turns, questions a task, levels of thought
    int shared_tokens = 160;  // system prompt, examples of a task, statement of a problem
};

/// All lengths and the order of arrival are drawn from `rng`.
ReuseWorkload make_workload(const ReuseShape& shape, const Rng& rng);

/// The requests of a trace, known by the prefixes they name (columns prefix_id and prefix_len).
/// Throws Error::unsupported when they have more than most_workload_tokens tokens in all.
ReuseWorkload workload_of(const RequestTrace& trace);
inline constexpr std::int64_t most_workload_tokens = 5'000'000;

}  // namespace nibble
