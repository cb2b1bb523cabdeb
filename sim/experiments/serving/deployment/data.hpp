// The deployment lab: one plan, and every plan of the same model on the same kind of device that
// differs in bits and in the number of devices.
#pragma once

#include <string>
#include <vector>

#include "sim/serving/deployment.hpp"

namespace nibble::deployment_lab {

struct Params : serving::Deployment {
    /// Seventy billion weights in 16 bits on one device: what everybody tries first.
    Params() {
        model = "llama-3.1-70b";
        step_time = serving::Clock::ideal;
        requests = 500;
        rate = 2;
        slo_ttft_ms = 1000;
        slo_tpot_ms = 50;
    }
};

struct Plan {
    serving::Deployment plan;
    serving::Deployed result;
    double loss = 0;        // nats added on the shipped model
    bool has_loss = false;  // not in a preview
    bool on_front = false;  // no plan that works is better in money, time and loss alike

    double token_time() const { return result.at_load.tpot.p99; }
};

struct Data {
    Plan own;
    std::vector<Plan> all;  // (devices, cache bits, weight bits)
    bool finished = false;

    /// The cheapest that works; null when none does.
    const Plan* cheapest() const;
};

inline constexpr int weight_choices[] = {16, 8, 4, 3};
inline constexpr int cache_choices[] = {16, 8, 4};
inline constexpr int device_choices_tried[] = {1, 2, 4, 8};

std::vector<FigureRow> figures(const Params& p, const Data& d);
void describe(const Params& p, const Data& d, Outcome& o);

}  // namespace nibble::deployment_lab
