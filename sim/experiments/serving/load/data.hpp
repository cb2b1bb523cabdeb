// The load lab: one machine, the same requests, more and more of them a second.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/serving/load_curve.hpp"

namespace nibble::load_lab {

/// None, or a scheduler to compare with, in the order of serving::Scheduler.
enum class Against {
    none,
    static_batch,
    dynamic_batch,
    continuous,
    chunked,
    prefix,
    disaggregated
};

struct Params : serving::ServingSetting {
    Against against = Against::static_batch;

    Params() {
        requests = 2000;
        rate = 10;
        slo_tpot_ms = 20;
    }
    bool is_closed() const { return pattern == serving::Pattern::closed_loop; }
    double load() const { return is_closed() ? users : rate; }
};

struct Data {
    double capacity = 0;                             // requests a second
    std::vector<serving::LoadPoint> points, others;  // of the scheduler, of the one beside it
    serving::LoadPoint now, other_now;               // at the load that was asked for
    bool finished = false;
};

/// Of requests that keep the objective at the knee.
inline constexpr double knee_share = 0.9;

std::string other_name(const Params& p);
std::vector<FigureRow> figures(const Params& p, const Data& d);

}  // namespace nibble::load_lab
