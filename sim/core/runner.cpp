#include "sim/core/runner.hpp"

#include <chrono>
#include <exception>

#include "sim/core/device.hpp"
#include "sim/core/stopwatch.hpp"

namespace nibble {

Runner::Runner(std::function<void()> wake)
    : wake_(std::move(wake)), worker_([this](const std::stop_token& quit) { work(quit); }) {}

Runner::~Runner() {
    const std::lock_guard lock(mutex_);
    running_stop_.request_stop();
    worker_.request_stop();  // wakes the worker's wait; the jthread joins after the lock is gone
}

std::uint64_t Runner::submit(Request request) {
    std::uint64_t ticket = 0;
    {
        const std::lock_guard lock(mutex_);
        ticket = ++tickets_;
        if (!running_preview_) {
            running_stop_.request_stop();
        }
        waiting_ = Job{ticket, std::move(request), {}};
        progress_ = 0;
    }
    changed_.notify_all();
    return ticket;
}

Runner::State Runner::state() const {
    const std::lock_guard lock(mutex_);
    return {landed_, tickets_, running_ || waiting_.has_value(), progress_};
}

void Runner::wait_idle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !running_ && !waiting_; });
}

void Runner::work(const std::stop_token& quit) {
    while (true) {
        Job job;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, quit, [this] { return waiting_.has_value(); });
            if (quit.stop_requested()) {
                return;
            }
            job = std::move(*waiting_);
            waiting_.reset();
            running_ = true;
            running_preview_ = job.request.preview;
            running_stop_ = job.stop;
        }
        Landed landed = perform(job);
        {
            const std::lock_guard lock(mutex_);
            running_ = false;
            if (!job.stop.stop_requested()) {
                landed_ = std::move(landed);
            }
        }
        changed_.notify_all();
        wake_();
    }
}

Runner::Landed Runner::perform(const Job& job) {
    const auto begin = std::chrono::steady_clock::now();
    Landed landed;
    landed.ticket = job.ticket;
    landed.request = job.request;
    const Experiment& experiment = *job.request.experiment;
    RunContext context;
    context.seed = job.request.seed;
    context.device = job.request.device;
    context.preview = job.request.preview;
    context.stop = job.stop.get_token();
    context.shared = &shared_;
    context.progress = [this, &job](double share) {
        {
            const std::lock_guard lock(mutex_);
            if (job.ticket == tickets_) {
                progress_ = share;
            }
        }
        wake_();
    };
    context.publish_data = [&](const RunData& data) {
        Landed partial = landed;
        partial.outcome =
            std::make_shared<const Outcome>(experiment.show(job.request.values, data));
        partial.partial = true;
        {
            const std::lock_guard lock(mutex_);
            if (!job.stop.stop_requested()) {
                landed_ = std::move(partial);
            }
        }
        wake_();
    };
    try {
        landed.outcome = std::make_shared<const Outcome>(
            evaluate(experiment, job.request.values, context, &results_));
    } catch (const DeviceRefused& e) {
        landed.error = e.what();
        landed.hint = e.hint();
        landed.refused = e.state();
    } catch (const Error& e) {
        landed.error = e.what();
        landed.hint = e.hint();
    } catch (const std::bad_alloc&) {
        landed.error = "not enough memory for these parameters";
        landed.hint = "make the tensor smaller";
    } catch (const std::exception& e) {
        landed.error = std::string("this is a bug in Nibble: ") + e.what();
        landed.hint = "undo, and report it with the scenario";
    }
    landed.seconds = seconds_since(begin);
    return landed;
}

}  // namespace nibble
