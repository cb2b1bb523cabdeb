// A stack of its own that code can leave in the middle and come back to: Boost.Context's fiber,
// plus what the sanitizers must be told at every change of stack.
//
// CUDA threads are many and short, so a fiber is a seat rather than a thread: its body runs, the
// fiber suspends, and the next resume runs the body again for whoever sits there then.
#pragma once

#include <functional>
#include <memory>

namespace nibble::kernels::emulator {

class Fiber {
public:
    /// `body` must not throw. It runs once per seating and may call suspend() anywhere inside.
    explicit Fiber(std::function<void()> body);
    ~Fiber();
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    /// From the scheduler: continues on this fiber until it suspends or its body ends.
    void resume();
    /// From inside the body: back to the scheduler, until the next resume.
    void suspend();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace nibble::kernels::emulator
