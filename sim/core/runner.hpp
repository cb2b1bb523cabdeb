// Runs experiments off the caller's thread; the newest request wins.
//
// The window submits on every slider move. A submit stops the exact run before it; a preview in
// flight is short and is let finish, or a steady drag would never show anything. Finished results
// are cached, so going back is instant; the last outcome stays until the next one lands.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "sim/core/cache.hpp"
#include "sim/core/experiment.hpp"

namespace nibble {

class Runner {
public:
    struct Request {
        const Experiment* experiment = nullptr;  // outlives the runner
        ParamValues values;
        std::uint64_t seed = 1;
        bool preview = false;
        kernels::Machine device = kernels::Machine::cpu;
    };
    /// What the latest finished (or still growing) run gave.
    struct Landed {
        std::uint64_t ticket = 0;  // of the request it answers
        Request request;
        std::shared_ptr<const Outcome> outcome;            // null when there is an error
        std::optional<std::string> error = {}, hint = {};  // what a person can act on
        /// The device's state when it was that which refused: another one may do it.
        std::optional<kernels::DeviceState> refused = {};
        double seconds = 0;    // run and show; 0 when the data was cached
        bool partial = false;  // the run goes on
    };
    struct State {
        std::optional<Landed> landed;
        std::uint64_t newest_ticket = 0;
        bool busy = false;
        double progress = 0;  // of the run in flight, 0 .. 1
    };

    /// `wake` is called from the worker whenever state() has changed.
    explicit Runner(std::function<void()> wake = [] {});
    ~Runner();
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    /// Stops the run in flight and starts this one. Returns its ticket, which counts up.
    std::uint64_t submit(Request request);
    State state() const;
    /// Waits until nothing is running. For tests and for exports.
    void wait_idle();

private:
    struct Job {
        std::uint64_t ticket;
        Request request;
        std::stop_source stop;
    };
    void work(const std::stop_token& quit);
    Landed perform(const Job& job);

    std::function<void()> wake_;
    Cache results_{96};                     // entries
    Cache shared_{std::size_t{768} << 20};  // bytes
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::optional<Job> waiting_;
    std::stop_source running_stop_;
    bool running_ = false, running_preview_ = false;
    std::uint64_t tickets_ = 0;
    double progress_ = 0;
    std::optional<Landed> landed_;
    std::jthread worker_;  // last: it uses everything above
};

}  // namespace nibble
