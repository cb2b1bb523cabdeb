// Jobs done one after the other on a thread of their own, their results taken over by the window.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace nibble {

class Background {
public:
    /// What a job leaves to be done on the caller's thread; may be empty.
    using Landing = std::function<void()>;
    using Job = std::function<Landing()>;

    /// `wake` is called from the thread whenever a job is done.
    explicit Background(std::function<void()> wake);
    ~Background();
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

    void add(Job job);
    /// Forgets the jobs that have not begun, and what earlier ones left.
    void clear();
    /// Does what finished jobs left; true when there was something.
    bool land();
    /// Whether a job waits, runs, or has left something.
    bool busy() const;

private:
    void work(const std::stop_token& stop);

    std::function<void()> wake_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Job> jobs_;
    std::vector<Landing> landed_;
    bool running_ = false;
    unsigned generation_ = 0;  // counts clear(): what began before it lands nowhere
    std::jthread thread_;      // last: it uses everything above
};

}  // namespace nibble
