// Work so small that sharing it out costs more than it saves.
#pragma once

namespace nibble {

/// While it lives, the parallel loops that its thread starts run on that thread alone. Results are
/// the same, as on any number of threads.
class OneThread {
public:
    OneThread();
    ~OneThread();
    OneThread(const OneThread&) = delete;
    OneThread& operator=(const OneThread&) = delete;

private:
    bool before_;
};

}  // namespace nibble
