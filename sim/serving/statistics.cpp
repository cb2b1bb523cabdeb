#include "sim/serving/statistics.hpp"

#include <algorithm>
#include <cmath>

#include "sim/core/error.hpp"

namespace nibble::serving {
namespace {

constexpr double smallest = 1e-9;  // seconds; less is counted as zero
const double bin_width = std::log(1.005);

}  // namespace

void Distribution::add(double value) {
    NIBBLE_ASSERT(value >= 0, "times do not run backwards");
    ++count_;
    sum_ += value;
    max_ = std::max(max_, value);
    if (!is_exact()) {
        count_in_bin(value);
        return;
    }
    sorted_ = sorted_ && (values_.empty() || values_.back() <= value);
    values_.push_back(value);
    if (count_ > most_exact) {
        bins_.assign(1, 0);
        for (const double v : values_) {
            count_in_bin(v);
        }
        values_ = {};
    }
}

void Distribution::count_in_bin(double value) {
    const std::size_t bin =
        value < smallest ? 0 : 1 + static_cast<std::size_t>(std::log(value / smallest) / bin_width);
    if (bin >= bins_.size()) {
        bins_.resize(bin + 1, 0);
    }
    ++bins_[bin];
}

double Distribution::quantile(double share) const {
    if (count_ == 0) {
        return 0;
    }
    const double rank = share * static_cast<double>(count_ - 1);
    if (is_exact()) {
        if (!sorted_) {
            std::sort(values_.begin(), values_.end());
            sorted_ = true;
        }
        const auto below = static_cast<std::size_t>(rank);
        const std::size_t above = std::min(below + 1, values_.size() - 1);
        return std::lerp(values_[below], values_[above], rank - static_cast<double>(below));
    }
    std::int64_t passed = 0;
    std::size_t bin = 0;
    while (bin + 1 < bins_.size() && static_cast<double>(passed + bins_[bin]) <= rank) {
        passed += bins_[bin++];
    }
    return bin == 0
               ? 0
               : std::min(max_, smallest * std::exp(bin_width * (static_cast<double>(bin) - 0.5)));
}

void Statistics::add(const Step& step) {
    ++steps;
    computed_tokens += step.load.tokens;
    preemptions += static_cast<std::int64_t>(step.preempted.size());
    most_running = std::max(most_running, step.running);
    most_waiting = std::max(most_waiting, step.waiting);
    const std::int64_t used = rules_.blocks - step.free_blocks;
    most_used_blocks = std::max(most_used_blocks, used);
    busy += step.seconds;
    running_ += step.seconds * static_cast<double>(step.running);
    const auto pool = static_cast<double>(rules_.blocks) * rules_.block_size;
    const auto held = static_cast<double>(used) * rules_.block_size;
    used_ += step.seconds * held / pool;
    waste_ += step.seconds * (held - static_cast<double>(step.stored_tokens)) / pool;
    for (const Record& r : step.finished) {
        if (r.finish >= 0) {
            add(r);
        }
    }
}

void Statistics::add(const Record& r) {
    first_arrival = requests == 0 ? r.request.arrival : std::min(first_arrival, r.request.arrival);
    last_finish = std::max(last_finish, r.finish);
    ++requests;
    within_slo += slo_.holds(r);
    prompt_tokens += r.request.prompt;
    output_tokens += r.request.output;
    reused_tokens += r.reused;
    queue.add(r.queue());
    ttft.add(r.ttft());
    latency.add(r.latency());
    in_system_ += r.latency();
    if (r.request.output > 1) {
        tpot.add(r.tpot());
        pause.add(r.longest_pause);
    }
}

}  // namespace nibble::serving
