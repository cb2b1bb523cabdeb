// Money and energy from time: what a device-hour buys.
//
// Training takes 6 FLOP a weight and token (Kaplan et al. 2020, arXiv:2001.08361, section 2.1) at
// the share of the peak that a run reaches. A price is the reader's assumption, never a fact here.
#pragma once

#include <optional>

#include "sim/roofline/device_sheet.hpp"

namespace nibble {

constexpr double seconds_per_hour = 3600, days_per_year = 365;

/// Dollars that a token costs when a device yields so many a second.
constexpr double dollars_per_token(double tokens_per_second, double dollars_per_hour) {
    return dollars_per_hour / seconds_per_hour / tokens_per_second;
}

/// 6 parameters tokens; of a mixture, the active parameters.
constexpr Flops training_flops(double parameters, double tokens) {
    return {6 * parameters * tokens};
}

/// Device-hours of a training run that reaches `share` of the peak.
constexpr double training_hours(Flops work, FlopsPerSecond peak, double share) {
    return (work / (share * peak)).value / seconds_per_hour;
}

/// At board power all the time: an upper end. Empty where the sheet has no power.
inline std::optional<double> joules(const DeviceSheet& device, Seconds time) {
    return device.board_power ? std::optional(*device.board_power * time.value) : std::nullopt;
}

/// What a service costs, and what making it faster is worth.
struct Serving {
    double queries_per_day = 0, dollars_per_query = 0;

    double dollars_per_year() const { return queries_per_day * days_per_year * dollars_per_query; }
    /// Saved each year by a service `speed_up` times as fast on the same devices.
    double saved_per_year(double speed_up) const { return dollars_per_year() * (1 - 1 / speed_up); }
    /// Days until the savings have paid for it; infinite without savings.
    double break_even_days(double price, double speed_up) const {
        return price / saved_per_year(speed_up) * days_per_year;
    }
};

}  // namespace nibble
