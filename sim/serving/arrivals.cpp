#include "sim/serving/arrivals.hpp"

#include <cmath>

#include "sim/core/error.hpp"

namespace nibble::serving {

const Lengths& draw(const std::vector<Lengths>& mix, const Rng& rng, std::uint64_t i) {
    return mix[rng.below(i, mix.size())];
}

double gamma_gap(const Rng& rng, std::uint64_t i, double cv) {
    if (cv == 0) {
        return 1;
    }
    const double shape = 1 / (cv * cv);
    if (shape == 1) {
        return -std::log(rng.uniform(i));
    }
    // A shape below 1 is drawn one higher and pulled towards zero by a power of a uniform variate.
    const double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    const Rng normals = rng.stream("normal"), uniforms = rng.stream("uniform");
    constexpr std::uint64_t most_tries = 64;  // each fails less than once in twenty
    for (std::uint64_t k = i * most_tries; k < (i + 1) * most_tries; ++k) {
        const double x = normals.normal(k), v = std::pow(1 + c * x, 3);
        if (v > 0 && std::log(uniforms.uniform(k)) < 0.5 * x * x + d - d * v + d * std::log(v)) {
            const double pull = shape < 1 ? std::pow(rng.uniform(i), 1 / shape) : 1;
            return d * v * pull / shape;
        }
    }
    return 1;
}

void Replay::load() {
    if (at_ < requests_.size()) {
        next_.at = requests_[at_].arrival;
        next_.so_far.request = requests_[at_];
    }
}

RandomArrivals::RandomArrivals(std::vector<Lengths> mix, std::int64_t count, double rate, double cv,
                               Rng rng)
    : mix_(std::move(mix)),
      count_(count),
      rate_(rate),
      cv_(cv),
      gaps_(rng.stream("gaps")),
      lengths_(rng.stream("lengths")) {
    NIBBLE_ASSERT(!mix_.empty() && rate > 0 && cv >= 0, "requests of some length at some rate");
    load();
}

void RandomArrivals::load() {
    const auto i = static_cast<std::uint64_t>(i_);
    Request& r = next_.so_far.request;
    const Lengths& l = draw(mix_, lengths_, i);
    next_.at += gamma_gap(gaps_, i, cv_) / rate_;
    r = {i_, next_.at, l.prompt, l.output};
}

ClosedLoop::ClosedLoop(std::vector<Lengths> mix, std::int64_t count, std::int64_t users,
                       double think, Rng rng)
    : mix_(std::move(mix)), count_(count), think_(think), lengths_(rng.stream("lengths")) {
    NIBBLE_ASSERT(!mix_.empty() && users > 0 && think >= 0, "users who ask for something");
    for (std::int64_t i = 0; i < users; ++i) {
        ready_.push(0);
    }
}

const Incoming* ClosedLoop::peek() {
    if (made_ == count_ || ready_.empty()) {
        return nullptr;
    }
    const Lengths& l = draw(mix_, lengths_, static_cast<std::uint64_t>(made_));
    next_.at = ready_.top();
    next_.so_far.request = {made_, next_.at, l.prompt, l.output};
    return &next_;
}

void ClosedLoop::pop() {
    ready_.pop();
    ++made_;
}

void ClosedLoop::answered(const Record& record) {
    ready_.push(record.finish + think_);
}

}  // namespace nibble::serving
