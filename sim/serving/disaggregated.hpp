// Two machines: one reads prompts, the other writes answers (Patel et al. 2024; Zhong et al. 2024).
// A long prompt then delays no token of others; the price is the cache of each prompt, which must
// travel between them.
//
// A prompt leaves the first machine with its first token. Its cache arrives transfer_per_token
// seconds a token later, over a link that many can use at once, and takes its place in the line of
// the second machine. What the second one preempts it computes again itself.
#pragma once

#include <functional>
#include <queue>
#include <vector>

#include "sim/serving/engine.hpp"
#include "sim/serving/statistics.hpp"

namespace nibble::serving {

/// The first machine, as the second sees it: a source of requests whose prompts have been read.
/// Open arrivals only: the first machine runs ahead of the second, and a user who waits for an
/// answer could not ask again in time.
class PromptMachine : public Arrivals {
public:
    using OnStep = std::function<void(const Step&)>;
    PromptMachine(Rules rules, Arrivals& arrivals, const StepTime& step_time,
                  double transfer_per_token, OnStep on_step);

    const Incoming* peek() override;
    void pop() override { handed_over_.pop(); }

private:
    struct Later {
        bool operator()(const Incoming& a, const Incoming& b) const {
            return a.at != b.at ? a.at > b.at : a.so_far.request.id > b.so_far.request.id;
        }
    };
    bool step();

    Engine engine_;
    double transfer_per_token_;
    OnStep on_step_;
    std::priority_queue<Incoming, std::vector<Incoming>, Later> handed_over_;
};

struct Pair {
    Statistics prompts;  // of the first machine
    Statistics answers;  // of the second, and of all requests
};

enum class Stage { prompts, answers };

/// A run to its end. Both machines follow `rules` and `step_time`. `on_step` sees the steps of
/// both; a step of the second may come after later ones of the first.
Pair simulate_disaggregated(
    const Rules& rules, Arrivals& arrivals, const StepTime& step_time, double transfer_per_token,
    Slo slo = {},
    const std::function<void(const Step&, Stage)>& on_step = [](const Step&, Stage) {});

}  // namespace nibble::serving
