// Threads that are joined at the end of a scope: what std::jthread does, which libc++ 14 lacks.
#pragma once

#include <thread>
#include <utility>
#include <vector>

namespace nibble::kernels {

class Crew {
public:
    Crew() = default;
    ~Crew() {
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    template <class... Work>
    void start(Work&&... work) {
        threads_.emplace_back(std::forward<Work>(work)...);
    }

private:
    std::vector<std::thread> threads_;
};

}  // namespace nibble::kernels
