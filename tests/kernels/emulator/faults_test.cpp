// Every detector of the emulator against a kernel that makes its mistake, in all thread orders, and
// against correct kernels that come close to it.
#include <optional>

#include "kernels/device.hpp"

#include "tests/catch.hpp"
#include "tests/kernels/emulator/broken.cuh"

namespace nibble::kernels {
namespace {

using emulator::Order;
using emulator::Session;

/// A buffer of n elements on the emulator, all bytes zero.
template <class T>
DeviceArray<T> zeros(std::size_t n, const std::string& name = "y") {
    DeviceArray<T> array(device(Machine::emulated), n, name);
    array.fill(0);
    return array;
}

/// Runs `work` in every order and expects the same kind of fault each time. Gives the first one.
template <class Work>
Fault fault_of(Fault::Kind expected, Work work) {
    std::optional<Fault> first;
    for (const Order order : {Order::forward, Order::reverse, Order::shuffled}) {
        const Session session({.order = order, .seed = 3});
        try {
            work();
        } catch (const Fault& fault) {
            INFO(fault.what());
            CHECK(fault.kind() == expected);
            if (!first) {
                first = fault;
            }
            continue;
        }
        FAIL("no fault was found where a " << name(expected) << " was planted");
    }
    return *first;
}

#define CHECK_HOLDS(text, part)                                   \
    do {                                                          \
        INFO(text);                                               \
        CHECK(std::string(text).find(part) != std::string::npos); \
    } while (false)

using Kind = Fault::Kind;
using emulated::dim3;
using emulated::launch;
namespace broken = emulated::broken;

}  // namespace

TEST_CASE("a barrier that not all threads reach is named", "[emulator]") {
    const Fault left = fault_of(Kind::divergent_barrier, [] {
        launch<broken::barrier_left_behind>({1, 64});
    });
    CHECK(left.place().kernel == "barrier_left_behind");
    CHECK(left.place().line > 0);
    CHECK_HOLDS(left.what(), "broken.cuh:");
    CHECK_HOLDS(left.message(), "left the kernel");
    const Fault branches = fault_of(Kind::divergent_barrier, [] {
        launch<broken::barrier_in_both_branches>({1, 64});
    });
    CHECK(branches.place().thread == Index3{32, 0, 0});
    CHECK_HOLDS(branches.message(), "while thread (0, 0, 0) waits in __syncthreads");
}

TEST_CASE("lanes that do not agree on who meets are named", "[emulator]") {
    auto y = zeros<int>(64);
    const Fault without = fault_of(Kind::mismatched_mask, [&] {
        launch<broken::mask_without_caller>({1, 32}, y.data());
    });
    CHECK(without.place().thread == Index3{16, 0, 0});
    const Fault differ = fault_of(Kind::mismatched_mask, [&] {
        launch<broken::masks_that_differ>({1, 32}, y.data());
    });
    CHECK_HOLDS(differ.message(), "0xffff0001");
    CHECK_HOLDS(differ.message(), "lanes 0-15 of the warp wait in __shfl_xor_sync");
    fault_of(Kind::mismatched_mask, [&] {
        launch<broken::functions_that_differ>({1, 32}, y.data());
    });
    const Fault absent = fault_of(Kind::absent_lane, [&] {
        launch<broken::shuffle_from_absent_lane>({1, 32}, y.data());
    });
    CHECK_HOLDS(absent.message(), "lane 20");
    auto d = zeros<float>(32);
    fault_of(Kind::absent_lane, [&] {
        launch<broken::tensor_core_with_half_a_warp>({1, 16}, d.data());
    });
}

TEST_CASE("threads that wait for each other in a circle are named", "[emulator]") {
    auto y = zeros<int>(32);
    const Fault circle = fault_of(Kind::deadlock, [&] {
        launch<broken::barrier_against_shuffle>({1, 32}, y.data());
    });
    CHECK_HOLDS(circle.message(), "lanes 0-15 of warp 0 wait in __syncthreads");
    CHECK_HOLDS(circle.message(), "lanes 16-31 of warp 0 wait in __shfl_xor_sync with mask");
    fault_of(Kind::deadlock, [] {
        auto lock = zeros<unsigned>(1);
        launch<broken::lock_never_opened>({1, 2}, lock.data());
    });
}

TEST_CASE("accesses outside a buffer are named, with the offset", "[emulator]") {
    auto y = zeros<float>(100, "scores");
    const Fault past = fault_of(Kind::out_of_bounds, [&] {
        launch<broken::write_past_the_end>({2, 64}, y.data());
    });
    CHECK(past.place().block == Index3{1, 0, 0});
    CHECK(past.place().thread == Index3{36, 0, 0});
    CHECK_HOLDS(past.message(), "store of 4 bytes at byte 400 of buffer 'scores'");
    const auto x = zeros<float>(32, "x");
    const Fault before = fault_of(Kind::out_of_bounds, [&] {
        launch<broken::read_before_the_start>({1, 32}, x.data(), y.data());
    });
    CHECK_HOLDS(before.message(), "load of 4 bytes at byte -4 of buffer 'x'");
    const Fault shared = fault_of(Kind::out_of_bounds, [&] {
        launch<broken::shared_past_the_end>({1, 32}, y.data());
    });
    CHECK_HOLDS(shared.message(), "at byte 128 of a __shared__ array");
#if !NIBBLE_SANITIZED  // AddressSanitizer would stop the program here
    const Fault bare = fault_of(Kind::out_of_bounds, [&] {
        launch<broken::bare_pointer_past_the_end>({1, 1}, y.data(), 100);
    });
    CHECK_HOLDS(bare.message(), "byte 400 of buffer scores");
#endif
}

TEST_CASE("a vector at an address that is no multiple of its size is named", "[emulator]") {
    const auto x = zeros<float>(256, "x");
    auto y = zeros<float>(32);
    const Fault fault = fault_of(Kind::misaligned, [&] {
        launch<broken::misaligned_vector>({1, 32}, x.data(), y.data());
    });
    CHECK_HOLDS(fault.message(), "load of 16 bytes at byte 4 of buffer 'x'");
}

TEST_CASE("shared memory read too early is named", "[emulator]") {
    const auto x = zeros<float>(64, "x");
    auto y = zeros<float>(64);
    const auto run = [&](Kind kind, auto work) { return fault_of(kind, work); };
    run(Kind::uninitialised_shared, [&] {
        launch<broken::shared_never_written>({1, 64}, y.data());
    });
    const Fault race = run(Kind::race, [&] { launch<broken::missing_barrier>({1, 64}, y.data()); });
    CHECK_HOLDS(race.message(), "since the last barrier");
    run(Kind::race, [&] { launch<broken::missing_second_barrier>({1, 64}, y.data()); });
    run(Kind::race, [&] { launch<broken::two_writers>({1, 64}, y.data()); });
    run(Kind::unfinished_copy, [&] {
        launch<broken::copy_not_waited_for>({1, 64}, x.data(), y.data());
    });
}

TEST_CASE("what orders memory and what does not", "[emulator]") {
    // whether the other lane has written yet depends on the order, so two faults are right here
    auto y = zeros<float>(64);
    const auto x = zeros<float>(64, "x");
    for (const Order order : {Order::forward, Order::reverse, Order::shuffled}) {
        const Session session({.order = order, .seed = 3});
        CHECK_THROWS_AS(launch<broken::shuffle_as_barrier>({1, 32}, y.data()), Fault);
        CHECK_THROWS_AS(launch<broken::copy_without_barrier>({1, 64}, x.data(), y.data()), Fault);
    }
}

TEST_CASE("shapes that no GPU accepts are refused", "[emulator]") {
    auto y = zeros<float>(4096);
    const auto refused = [&](auto work) { fault_of(Kind::bad_launch, work); };
    refused([&] { launch<broken::write_past_the_end>({1, 1025}, y.data()); });
    refused([&] { launch<broken::write_past_the_end>({1, dim3(1, 1, 65)}, y.data()); });
    refused([&] { launch<broken::write_past_the_end>({0, 32}, y.data()); });
    refused([&] { launch<broken::write_past_the_end>({1, 32, 228 * 1024}, y.data()); });
    refused([&] { launch<broken::too_much_shared>({1, 32, 200 * 1024}, y.data()); });
}

TEST_CASE("of several faults the first block's is reported, on any number of threads",
          "[emulator]") {
    auto y = zeros<float>(100);
    for (const unsigned threads : {1u, 2u, 4u}) {
        const Session session({.threads = threads});
        for (int repeat = 0; repeat < 10; ++repeat) {
            try {
                launch<broken::write_past_the_end>({40, 64}, y.data());
                FAIL("no fault");
            } catch (const Fault& fault) {
                REQUIRE(fault.place().block == Index3{1, 0, 0});
                REQUIRE(fault.place().thread == Index3{36, 0, 0});
            }
        }
    }
}

namespace emulated {
namespace {

constexpr unsigned everyone = 0xffffffffu;

/// Two half-warps meet apart from each other, then all together.
__global__ void half_warps(Global<int> y) {
    const unsigned half = threadIdx.x % 32 < 16 ? 0x0000ffffu : 0xffff0000u;
    int v = static_cast<int>(threadIdx.x);
    for (int offset = 8; offset > 0; offset /= 2) {
        v += threadIdx.x % 32 < 16 ? __shfl_down_sync(half, v, offset, 16)
                                   : __shfl_down_sync(half, v, offset, 16);
    }
    y[threadIdx.x] = __shfl_sync(everyone, v, 16);
}

/// __syncwarp orders memory within the warp; writing the same value twice harms nobody.
__global__ void warp_exchange(Global<int> y) {
    __shared__ Shared<int[64]> tile;
    __shared__ Shared<int[1]> flag;
    flag[0] = 7;
    tile[threadIdx.x] = static_cast<int>(threadIdx.x);
    __syncwarp();
    y[threadIdx.x] = tile[threadIdx.x ^ 31];
    __syncwarp();
    tile[threadIdx.x] = 0;
    __syncthreads();
    y[threadIdx.x] += flag[0] + tile[63 - threadIdx.x];
}

/// Half of the warp leaves; the others name only themselves, and then everybody still there.
__global__ void early_leavers(Global<int> y) {
    if (threadIdx.x >= 16) {
        return;
    }
    y[threadIdx.x] = static_cast<int>(__ballot_sync(__activemask() & 0xffffu, threadIdx.x % 2));
}

__global__ void locked_increment(Global<unsigned> lock, Global<int> counter) {
    while (atomicCAS(&lock[0], 0u, 1u) != 0u) {}
    counter[0] += 1;
    atomicExch(&lock[0], 0u);
}

__global__ void votes(Global<int> y) {
    const int odd = threadIdx.x % 2;
    const int t = static_cast<int>(threadIdx.x);
    y[t * 8 + 0] = __syncthreads_or(t == 3);
    y[t * 8 + 1] = __syncthreads_and(t < 47);
    y[t * 8 + 2] = __syncthreads_count(odd);
    y[t * 8 + 3] = __any_sync(__activemask(), t == 40);
    y[t * 8 + 4] = __all_sync(__activemask(), t < 40);
    y[t * 8 + 5] = __reduce_add_sync(__activemask(), t);
    y[t * 8 + 6] = __reduce_max_sync(__activemask(), t % 7);
    y[t * 8 + 7] = __shfl_up_sync(__activemask(), t, 1, 8);
}

__global__ void dynamic(Global<int> y, int n) {
    const SharedPointer<int> tile = dynamic_shared<int>();
    for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) {
        tile[i] = i;
    }
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) {
        y[i] = tile[n - 1 - i];
    }
}

__global__ void words(Global<unsigned> y) {
    y[0] = __byte_perm(0x33221100u, 0x77665544u, 0x7531u);
    y[1] = __byte_perm(0x00000080u, 0u, 0x0008u);
    y[2] = static_cast<unsigned>(
        __dp4a(static_cast<int>(0x80ff0102u), 0x01010101, 5));  // -128 - 1 + 1 + 2 + 5
    y[3] = static_cast<unsigned>(__float2int_rn(2.5f));
    y[4] = static_cast<unsigned>(__float2int_rn(NAN) + __float2int_rn(1e20f));
    y[5] = lop3_and_or(0xf0f0u, 0x00ffu, 0x1000u);
    y[6] = static_cast<unsigned>(__ffs(8) + __clz(1) + __popc(0xff));
    y[7] = __funnelshift_r(0x00000001u, 0x00000002u, 1);
}

}  // namespace
}  // namespace emulated

TEST_CASE("correct kernels that come close to a fault raise none", "[emulator]") {
    const auto order = GENERATE(Order::forward, Order::reverse, Order::shuffled);
    const Session session({.order = order, .seed = 9});
    auto y = zeros<int>(8 * 48);

    launch<emulated::half_warps>({1, 64}, y.data());
    CHECK(y.download()[0] == 16 * 16 + 120);  // lane 16's half: 16 + ... + 31
    CHECK(y.download()[63] == 16 * 48 + 120);

    launch<emulated::warp_exchange>({1, 64}, y.data());
    CHECK(y.download()[5] == (5 ^ 31) + 7);

    launch<emulated::early_leavers>({1, 32}, y.data());
    CHECK(y.download()[3] == 0xaaaa);

    auto lock = zeros<unsigned>(1);
    auto counter = zeros<int>(1);
    launch<emulated::locked_increment>({3, 40}, lock.data(), counter.data());
    CHECK(counter.download()[0] == 120);

    launch<emulated::votes>({1, 48}, y.data());
    const auto v = y.download();
    const auto of = [&](int thread) {
        return std::vector<int>(v.begin() + thread * 8, v.begin() + thread * 8 + 8);
    };
    // or, and, count, any, all, sum of the warp, maximum of t % 7, the thread before within 8
    CHECK(of(0) == std::vector<int>{1, 0, 24, 0, 1, 496, 6, 0});
    CHECK(of(41) == std::vector<int>{1, 0, 24, 1, 0, 632, 6, 40});

    launch<emulated::dynamic>({1, 64, 300 * sizeof(int)}, y.data(), 300);
    CHECK(y.download()[10] == 289);

    auto w = zeros<unsigned>(8);
    launch<emulated::words>({1, 1}, w.data());
    CHECK(w.download() == std::vector<unsigned>{0x77553311u, 0x808080ffu, 0xffffff87u, 2,
                                                0x7fffffffu, 0x10f0u, 4 + 31 + 8, 0u});
}

}  // namespace nibble::kernels
