#include "viz/app/background.hpp"

#include <utility>

namespace nibble {

Background::Background(std::function<void()> wake)
    : wake_(std::move(wake)), thread_([this](const std::stop_token& stop) { work(stop); }) {}

Background::~Background() {
    thread_.request_stop();
    changed_.notify_all();
}

void Background::add(Job job) {
    {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
    }
    changed_.notify_all();
}

void Background::clear() {
    const std::lock_guard lock(mutex_);
    jobs_.clear();
    landed_.clear();
    ++generation_;
}

bool Background::land() {
    std::vector<Landing> landed;
    {
        const std::lock_guard lock(mutex_);
        landed.swap(landed_);
    }
    for (const Landing& landing : landed) {
        landing();
    }
    return !landed.empty();
}

bool Background::busy() const {
    const std::lock_guard lock(mutex_);
    return running_ || !jobs_.empty() || !landed_.empty();
}

void Background::work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !jobs_.empty(); })) {
        const Job job = std::move(jobs_.front());
        jobs_.pop_front();
        running_ = true;
        const unsigned generation = generation_;
        lock.unlock();
        Landing landing = job();
        lock.lock();
        running_ = false;
        if (landing && generation == generation_) {
            landed_.push_back(std::move(landing));
        }
        lock.unlock();
        wake_();
        lock.lock();
        if (stop.stop_requested()) {
            return;
        }
    }
}

}  // namespace nibble
