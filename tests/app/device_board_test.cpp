// The devices as the window speaks of them, with made-up answers.
#include "viz/app/panels/device_board.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "viz/app/session.hpp"

#include "tests/catch.hpp"

namespace nibble::device_board_test {

using kernels::DeviceInfo;
using kernels::DeviceState;
using kernels::Machine;

namespace {

DeviceInfo answer(Machine machine, DeviceState state = DeviceState::ready,
                  const std::string& reason = "") {
    DeviceInfo info;
    info.machine = machine;
    info.state = state;
    info.reason = reason;
    return info;
}

void wait_for(DeviceBoard& board) {
    while (board.asking()) {
        std::this_thread::yield();
    }
}

struct Params {
    int unused = 0;
};

/// A lab whose GPU, once chosen, turns out to be full.
Machine run_on(const Params&, const RunContext& context) {
    if (context.device == Machine::cuda) {
        throw kernels::DeviceError(DeviceState::out_of_memory, "CUDA refused the memory");
    }
    return context.device;
}

Outcome show_machine(const Params&, const Machine& machine) {
    Outcome o;
    o.finding = kernels::name(machine);
    o.metrics = {{"m", "M", 1}};
    return o;
}

Experiments labs() {
    Experiments all;
    for (const char* id : {"with-kernels", "without"}) {
        all.push_back(define<Params, Machine>(id, "Toys", id, "Where?",
                                              {integer("unused", &Params::unused, {0, 9})}, run_on,
                                              show_machine));
    }
    all[0].uses_device = true;
    return all;
}

struct Bench {
    Experiments all = labs();
    Runner runner;
    Session session{all, runner};

    std::string finding() {
        runner.wait_idle();
        session.poll();
        runner.wait_idle();  // where a refusal has asked again
        session.poll();
        return session.outcome() ? session.outcome()->finding : "";
    }
};

}  // namespace

TEST_CASE("the badge says what computes, or why the chosen device cannot") {
    DeviceInfo gpu = answer(Machine::cuda);
    gpu.name = "NVIDIA H200";
    CHECK(device_badge(gpu, false) == "CUDA, NVIDIA H200");
    CHECK(device_badge(answer(Machine::cpu), false).starts_with("CPU, "));
    const DeviceInfo none = answer(Machine::cuda, DeviceState::no_driver, "No driver.");
    CHECK(device_badge(none, false) == "CUDA: no driver; on CPU");
    CHECK(device_badge(none, true) == "CUDA: being asked; on CPU");
    CHECK(device_details(none) == "No driver.");
}

TEST_CASE("devices are asked on a thread of their own, and anew when wanted") {
    std::mutex mutex;
    std::condition_variable changed;
    bool may_answer = false;
    std::atomic<int> asked = 0, woken = 0;
    DeviceBoard board([&] { ++woken; },
                      [&](Machine machine) {
                          std::unique_lock lock(mutex);
                          changed.wait(lock, [&] { return may_answer; });
                          ++asked;
                          return answer(machine);
                      });
    CHECK_FALSE(board.info(Machine::cuda).ready());  // nobody has asked
    CHECK(board.info(Machine::cpu).ready());
    board.ask();
    board.ask();  // is being asked already
    CHECK(board.asking());
    CHECK_FALSE(board.info(Machine::cuda).ready());
    {
        const std::lock_guard lock(mutex);
        may_answer = true;
    }
    changed.notify_all();
    wait_for(board);
    CHECK(asked == 3);
    CHECK(board.info(Machine::cuda).ready());
    board.note_refusal(Machine::cuda, DeviceState::out_of_memory, "It is full.");
    CHECK(board.info(Machine::cuda).state == DeviceState::out_of_memory);
    board.ask();
    wait_for(board);
    CHECK(board.info(Machine::cuda).ready());
}

TEST_CASE(
    "the processor computes until the GPU is known to be ready, and in labs without kernels") {
    Bench t;
    t.session.set_device(Machine::emulated);
    CHECK(t.finding() == "emulated");
    t.session.set_device(Machine::cuda);
    CHECK(t.session.device() == Machine::cuda);
    CHECK(t.session.machine() == Machine::cpu);
    CHECK(t.finding() == "cpu");
    t.session.set_device(Machine::emulated);
    t.session.select("without");
    CHECK(t.session.device() == Machine::emulated);  // the choice comes along
    CHECK(t.session.machine() == Machine::cpu);
    CHECK(t.finding() == "cpu");
}

TEST_CASE("a device that refuses in the middle of its work is replaced by the processor") {
    Bench t;
    t.session.set_usable(Machine::cuda, true);
    t.session.set_device(Machine::cuda);
    CHECK(t.session.machine() == Machine::cuda);
    CHECK(t.finding() == "cpu");
    CHECK(t.session.error().empty());
    CHECK(t.session.machine() == Machine::cpu);
    CHECK(t.session.outcome_scenario().device == Machine::cpu);
    const auto refusal = t.session.take_refusal();
    REQUIRE(refusal);
    CHECK(refusal->device == Machine::cuda);
    CHECK(refusal->state == DeviceState::out_of_memory);
    CHECK_FALSE(t.session.take_refusal());
}

TEST_CASE("choosing a device is an undo step") {
    Bench t;
    t.session.set_device(Machine::emulated);
    t.session.undo();
    CHECK(t.session.device() == Machine::cpu);
    CHECK(t.finding() == "cpu");
}

}  // namespace nibble::device_board_test
