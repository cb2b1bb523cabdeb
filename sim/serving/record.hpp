// What is known of a request when it is answered. Times in seconds, lengths in tokens.
#pragma once

#include <cstdint>

#include "sim/requests/request.hpp"

namespace nibble::serving {

/// The life of a request. A step's token is there at the end of the step.
struct Record {
    Request request;
    double admitted = -1, first_token = -1, finish = -1;
    double last_token = -1, longest_pause = 0;  // pause: between two tokens of the answer
    std::int64_t admitted_step = -1, first_token_step = -1, finish_step = -1;
    std::int32_t preemptions = 0;
    std::int32_t reused = 0;  // tokens of the prompt found in the prefix cache at first admission

    double queue() const { return admitted - request.arrival; }
    /// Time to first token.
    double ttft() const { return first_token - request.arrival; }
    /// Time per output token after the first. Only where there is a second.
    double tpot() const { return (finish - first_token) / (request.output - 1); }
    double latency() const { return finish - request.arrival; }
};

}  // namespace nibble::serving
