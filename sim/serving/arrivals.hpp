// Where requests come from. A source is asked for one at a time, so that a day of traffic takes no
// more memory than the requests that are in the system.
//
// Rates are in requests a second. Every source is a function of its seed: the i-th request is the
// same whatever becomes of those before it, which is what lets schedulers be compared. The closed
// loop is the exception by nature: its users ask again only when they are answered.
#pragma once

#include <memory>
#include <queue>
#include <vector>

#include "sim/core/rng.hpp"
#include "sim/serving/record.hpp"

namespace nibble::serving {

/// A request on its way to a machine. `so_far.first_token_step` says whether another machine has
/// read the prompt: then the cache of the prompt comes with it, and one token has been yielded.
struct Incoming {
    double at = 0;  // when it reaches this machine
    Record so_far;
};

class Arrivals {
public:
    virtual ~Arrivals() = default;
    /// The next one, or null when none is known (yet). Never earlier than the one before.
    virtual const Incoming* peek() = 0;
    virtual void pop() = 0;
    /// Told of every request that is answered.
    virtual void answered(const Record&) {}
};

/// Lengths to draw from: (prompt, output) of real or imagined requests.
struct Lengths {
    std::int32_t prompt = 1, output = 1;
};
/// The i-th draw, each as likely as another.
const Lengths& draw(const std::vector<Lengths>& mix, const Rng& rng, std::uint64_t i);

/// Requests that are known beforehand, by arrival. Keeps a reference.
class Replay : public Arrivals {
public:
    explicit Replay(const std::vector<Request>& requests) : requests_(requests) { load(); }
    const Incoming* peek() override { return at_ < requests_.size() ? &next_ : nullptr; }
    void pop() override {
        ++at_;
        load();
    }

private:
    void load();

    const std::vector<Request>& requests_;
    std::size_t at_ = 0;
    Incoming next_;
};

/// `count` requests whose distances follow a gamma distribution of mean 1 / rate and coefficient of
/// variation `cv`: 1 is a Poisson process, more comes in bursts, 0 like clockwork.
class RandomArrivals : public Arrivals {
public:
    RandomArrivals(std::vector<Lengths> mix, std::int64_t count, double rate, double cv, Rng rng);
    const Incoming* peek() override { return i_ < count_ ? &next_ : nullptr; }
    void pop() override {
        ++i_;
        load();
    }

private:
    void load();

    std::vector<Lengths> mix_;
    std::int64_t count_, i_ = 0;
    double rate_, cv_;
    Rng gaps_, lengths_;
    Incoming next_;
};

/// `users` who each ask, wait for the answer, think for `think` seconds and ask again, until
/// `count` requests have been made.
class ClosedLoop : public Arrivals {
public:
    ClosedLoop(std::vector<Lengths> mix, std::int64_t count, std::int64_t users, double think,
               Rng rng);
    const Incoming* peek() override;
    void pop() override;
    void answered(const Record& record) override;

private:
    std::vector<Lengths> mix_;
    std::int64_t count_, made_ = 0;
    double think_;
    Rng lengths_;
    std::priority_queue<double, std::vector<double>, std::greater<>> ready_;  // who asks when
    Incoming next_;
};

/// A gamma variate of mean 1 and coefficient of variation cv (Marsaglia and Tsang 2000); the i-th
/// one is a function of i alone.
double gamma_gap(const Rng& rng, std::uint64_t i, double cv);

}  // namespace nibble::serving
