// The rules of scheduling once more, as plainly as they can be written: lists of requests, a clock
// that counts, no care for speed. The engine must agree with it in every number.
#pragma once

#include <algorithm>
#include <list>
#include <map>
#include <vector>

#include "sim/serving/rules.hpp"

namespace nibble::serving::oracle {

struct Row {
    std::int64_t t, request, tokens, preempted, free_blocks;
    friend bool operator==(const Row&, const Row&) = default;
};
struct Life {
    std::int64_t first_token_step = -1, finish_step = -1, preemptions = 0;
    friend bool operator==(const Life&, const Life&) = default;
};
struct Schedule {
    std::vector<Row> rows;  // of a step: those with tokens by request, then those preempted
    std::map<std::int64_t, Life> lives;
    std::int64_t steps = 0;
};

/// Steps of one second, recomputation, requests by arrival.
inline Schedule schedule(const std::vector<Request>& requests, const Rules& rules) {
    struct Job {
        Request r;
        std::int64_t generated = 0, computed = 0, blocks = 0;
        std::int64_t length() const { return r.prompt + generated; }
    };
    Schedule result;
    std::list<Job> waiting, running;
    std::int64_t free = rules.blocks;
    std::size_t arrived = 0;
    const bool closed = rules.policy == Policy::static_batch;
    const bool whole = rules.policy != Policy::chunked;
    for (std::int64_t t = 0; arrived < requests.size() || !running.empty() || !waiting.empty();
         ++t) {
        while (arrived < requests.size() && requests[arrived].arrival <= double(t)) {
            waiting.push_back({requests[arrived++]});
        }
        if (waiting.empty() && running.empty()) {
            continue;
        }
        std::int64_t budget = rules.token_budget;
        const bool batch_runs = closed && !running.empty();
        std::vector<std::pair<std::int64_t, std::int64_t>> done;  // request, tokens
        std::vector<std::int64_t> preempted;
        const auto blocks_to_take = [&](const Job& j, std::int64_t tokens) {
            const std::int64_t size = rules.block_size;
            return std::max<std::int64_t>((j.computed + tokens + size - 1) / size - j.blocks, 0);
        };
        std::map<std::int64_t, std::int64_t> tokens_of;
        bool ended = false;
        for (auto job = running.begin(); job != running.end() && budget > 0 && !ended;) {
            const std::int64_t tokens = std::min(job->length() - job->computed, budget);
            while (blocks_to_take(*job, tokens) > free && !ended) {
                ended = &running.back() == &*job;
                Job last = running.back();
                running.pop_back();
                free += last.blocks;
                last.blocks = last.computed = 0;
                ++result.lives[last.r.id].preemptions;
                preempted.push_back(last.r.id);
                waiting.push_front(last);
            }
            if (!ended) {
                const std::int64_t more = blocks_to_take(*job, tokens);
                free -= more;
                job->blocks += more;
                budget -= tokens;
                tokens_of[job->r.id] = tokens;
                ++job;
            }
        }
        while (preempted.empty() && !batch_runs && !waiting.empty() && budget > 0 &&
               running.size() < std::size_t(rules.max_seqs)) {
            Job job = waiting.front();
            if (whole && job.length() > budget) {
                break;
            }
            const std::int64_t tokens = std::min(job.length(), budget);
            const std::int64_t more = blocks_to_take(job, tokens);
            if (more > free - rules.watermark) {
                break;
            }
            free -= more;
            job.blocks = more;
            budget -= tokens;
            tokens_of[job.r.id] = tokens;
            waiting.pop_front();
            running.push_back(job);
        }
        ++result.steps;
        for (const auto& [id, tokens] : tokens_of) {
            result.rows.push_back({t, id, tokens, 0, free});
        }
        for (const std::int64_t id : preempted) {
            result.rows.push_back({t, id, 0, 1, free});
        }
        for (auto job = running.begin(); job != running.end();) {
            job->computed += tokens_of[job->r.id];
            Life& life = result.lives[job->r.id];
            if (job->computed == job->length()) {
                ++job->generated;
                if (life.first_token_step < 0) {
                    life.first_token_step = t;
                }
            }
            if (job->generated == job->r.output) {
                life.finish_step = t;
                free += job->blocks;
                job = running.erase(job);
            } else {
                ++job;
            }
        }
    }
    return result;
}

}  // namespace nibble::serving::oracle
