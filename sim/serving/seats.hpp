// A schedule as a Gantt chart: every running request in a seat of the batch, from its admission
// until it leaves or is thrown out, always the lowest seat that is free.
#pragma once

#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sim/serving/engine.hpp"

namespace nibble::serving {

/// What a request in its seat does.
enum class Doing {
    prompt,  // computes its prompt
    again,   // computes once more what a preemption took
    answer,  // a token a step
    nothing  // waits for budget
};
std::string_view name(Doing doing);

/// Steps in a row in which a request does the same.
struct Slice {
    int seat = 0;
    std::int64_t request = 0;
    Doing doing = Doing::prompt;
    double start = 0, end = 0;
    std::int64_t first_step = 0, last_step = 0;
    std::int64_t tokens = 0;
    bool slowed = false;  // an answer in steps that also computed prompts
};

class Seats {
public:
    /// Steps in their order. What does not change from step to step is one slice; pieces of prompts
    /// are not drawn together.
    void add(const Step& step);
    const std::vector<Slice>& slices() const { return slices_; }
    /// How many were needed.
    int count() const { return count_; }

private:
    struct Sitting {
        int seat = 0;
        std::size_t slice = 0;  // the last one
        bool is_new = true;
    };
    void sit(const Step& step, const Share& share, bool has_prompts);
    void leave(std::int64_t request);

    std::vector<Slice> slices_;
    std::unordered_map<std::int64_t, Sitting> sitting_;
    std::set<std::int64_t> answering_;  // who has had a token
    std::set<int> free_;
    int count_ = 0;
};

}  // namespace nibble::serving
