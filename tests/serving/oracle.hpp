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
class Machine {
public:
    Machine(const std::vector<Request>& requests, const Rules& rules)
        : requests_(requests), rules_(rules), free_(rules.blocks) {}

    Schedule run() {
        for (t_ = 0; arrived_ < requests_.size() || !running_.empty() || !waiting_.empty(); ++t_) {
            while (arrived_ < requests_.size() && requests_[arrived_].arrival <= double(t_)) {
                waiting_.push_back({requests_[arrived_++]});
            }
            if (!waiting_.empty() || !running_.empty()) {
                step();
            }
        }
        return result_;
    }

private:
    struct Job {
        Request r;
        std::int64_t generated = 0, computed = 0, blocks = 0;
        std::int64_t length() const { return r.prompt + generated; }
    };

    void step() {
        budget_ = rules_.token_budget;
        tokens_.clear();
        preempted_.clear();
        const bool batch_runs = rules_.policy == Policy::static_batch && !running_.empty();
        schedule_running();
        if (preempted_.empty() && !batch_runs) {
            admit();
        }
        for (const auto& [id, tokens] : tokens_) {
            result_.rows.push_back({t_, id, tokens, 0, free_});
        }
        for (const std::int64_t id : preempted_) {
            result_.rows.push_back({t_, id, 0, 1, free_});
        }
        ++result_.steps;
        yield();
    }

    std::int64_t blocks_to_take(const Job& job, std::int64_t tokens) const {
        const std::int64_t size = rules_.block_size;
        return std::max<std::int64_t>((job.computed + tokens + size - 1) / size - job.blocks, 0);
    }

    void give(Job& job, std::int64_t tokens) {
        const std::int64_t more = blocks_to_take(job, tokens);
        free_ -= more;
        job.blocks += more;
        budget_ -= tokens;
        tokens_[job.r.id] = tokens;
    }

    void schedule_running() {
        for (auto job = running_.begin(); job != running_.end() && budget_ > 0; ++job) {
            const std::int64_t tokens = std::min(job->length() - job->computed, budget_);
            while (blocks_to_take(*job, tokens) > free_) {
                const bool is_last = &running_.back() == &*job;
                preempt_last();
                if (is_last) {
                    return;
                }
            }
            give(*job, tokens);
        }
    }

    void preempt_last() {
        Job last = running_.back();
        running_.pop_back();
        free_ += last.blocks;
        last.blocks = last.computed = 0;
        ++result_.lives[last.r.id].preemptions;
        preempted_.push_back(last.r.id);
        waiting_.push_front(last);
    }

    void admit() {
        while (!waiting_.empty() && budget_ > 0 && running_.size() < std::size_t(rules_.max_seqs)) {
            Job job = waiting_.front();
            const std::int64_t tokens = std::min(job.length(), budget_);
            if ((rules_.policy != Policy::chunked && tokens < job.length()) ||
                blocks_to_take(job, tokens) > free_ - rules_.watermark) {
                return;
            }
            give(job, tokens);
            waiting_.pop_front();
            running_.push_back(job);
        }
    }

    void yield() {
        for (auto job = running_.begin(); job != running_.end();) {
            job->computed += tokens_[job->r.id];
            Life& life = result_.lives[job->r.id];
            if (job->computed == job->length()) {
                ++job->generated;
                life.first_token_step = life.first_token_step < 0 ? t_ : life.first_token_step;
            }
            if (job->generated == job->r.output) {
                life.finish_step = t_;
                free_ += job->blocks;
                job = running_.erase(job);
            } else {
                ++job;
            }
        }
    }

    const std::vector<Request>& requests_;
    const Rules& rules_;
    Schedule result_;
    std::list<Job> waiting_, running_;
    std::size_t arrived_ = 0;
    std::int64_t t_ = 0, free_, budget_ = 0;
    std::map<std::int64_t, std::int64_t> tokens_;
    std::vector<std::int64_t> preempted_;
};

inline Schedule schedule(const std::vector<Request>& requests, const Rules& rules) {
    return Machine(requests, rules).run();
}

}  // namespace nibble::serving::oracle
