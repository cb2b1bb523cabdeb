#include "kernels/emulator/fiber.hpp"

#include <boost/context/fiber.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>

#include "kernels/emulator/sanitizer.hpp"

namespace nibble::kernels::emulator {
namespace {

namespace context = boost::context;

// Kernels keep little on their stack; the sanitizers' red zones and spills need more. Below each
// stack lies a page without access, so an overflow stops at once.
constexpr std::size_t stack_bytes = (sanitizer::address ? 256 : 64) * 1024;

/// Gives a stack back without the red zones that were marked on it: the system may lend its addresses
/// to the next mapped file.
struct StackAllocator : context::protected_fixedsize_stack {
    using Protected = context::protected_fixedsize_stack;
    StackAllocator() : Protected(stack_bytes) {}

    void deallocate(context::stack_context& memory) noexcept {
        sanitizer::unpoison(static_cast<char*>(memory.sp) - memory.size, memory.size);
        Protected::deallocate(memory);
    }
};

}  // namespace

struct Fiber::State {
    std::function<void()> body;
    bool ending = false;

    context::fiber inside, outside;  // where the other side was left; one of them is always empty
    const char* stack = nullptr;     // lowest usable byte, for AddressSanitizer
    std::size_t stack_size = 0;
    void *inside_frames = nullptr, *outside_frames = nullptr;  // AddressSanitizer's fake stacks
    const void* outside_stack = nullptr;
    std::size_t outside_size = 0;
    void *inside_thread = nullptr, *outside_thread = nullptr;  // ThreadSanitizer's names for them

    void start() {
        StackAllocator allocator;
        const context::stack_context memory = allocator.allocate();
        stack_size = memory.size - context::stack_traits::page_size();
        stack = static_cast<const char*>(memory.sp) - stack_size;
        inside_thread = sanitizer::new_fiber();
        inside = context::fiber(std::allocator_arg,
                                context::preallocated(memory.sp, memory.size, memory), allocator,
                                [this](context::fiber&& caller) {
                                    outside = std::move(caller);
                                    sanitizer::arrive(nullptr, &outside_stack, &outside_size);
                                    while (!ending) {
                                        body();
                                        suspend();
                                    }
                                    sanitizer::leave(nullptr, outside_stack, outside_size);
                                    sanitizer::switch_to(outside_thread);
                                    return std::move(outside);
                                });
    }

    void resume() {
        if (stack == nullptr) {
            start();
        }
        outside_thread = sanitizer::this_fiber();
        sanitizer::leave(&outside_frames, stack, stack_size);
        sanitizer::switch_to(inside_thread);
        inside = std::move(inside).resume();
        sanitizer::arrive(outside_frames, nullptr, nullptr);
    }

    void suspend() {
        sanitizer::leave(&inside_frames, outside_stack, outside_size);
        sanitizer::switch_to(outside_thread);
        outside = std::move(outside).resume();
        sanitizer::arrive(inside_frames, &outside_stack, &outside_size);
    }
};

Fiber::Fiber(std::function<void()> body) : state_(std::make_unique<State>()) {
    state_->body = std::move(body);
}

Fiber::~Fiber() {
    if (state_->inside) {
        state_->ending = true;
        state_->resume();
        sanitizer::end_fiber(state_->inside_thread);
    }
}

void Fiber::resume() {
    state_->resume();
}

void Fiber::suspend() {
    state_->suspend();
}

}  // namespace nibble::kernels::emulator
