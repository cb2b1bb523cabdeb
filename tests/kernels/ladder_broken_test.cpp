// Quantizing kernels with one mistake each, of the kind that shows only on some days on a GPU: the
// emulator names them, in every order of threads.
#include "kernels/device.hpp"
#include "kernels/quantize/device_codes.cuh"

#include "tests/catch.hpp"

namespace nibble::kernels {
namespace emulated {
namespace {

/// The tree of int8_row_coalesced without the barrier between its levels.
__global__ void tree_without_barrier(Global<const float> x, Global<float> scales) {
    __shared__ Shared<unsigned[64]> largest;
    const unsigned t = threadIdx.x;
    largest[t] = magnitude(x[t]);
    __syncthreads();
    for (unsigned half = 32; half > 0; half /= 2) {
        if (t < half) {
            const unsigned left = largest[t], right = largest[t + half];
            largest[t] = max(left, right);
        }
    }
    __syncthreads();
    if (t == 0) {
        scales[0] = absmax_scale(largest[0], 127.0f);
    }
}

/// The barrier of max_of_block within the condition that a column exists.
__global__ void barrier_in_the_tail(Global<const float> x, Global<float> scales, unsigned columns) {
    if (threadIdx.x < columns) {
        const float v = x[threadIdx.x];
        const unsigned largest = max_of_block<64>(magnitude(v));
        scales[0] = absmax_scale(largest, 127.0f);
    }
}

/// The vectors of int4_group_vectorised without asking whether the last ones exist.
__global__ void vectors_past_the_end(Global<const float> x, Global<unsigned char> codes) {
    const float4 word = as<const float4>(x)[threadIdx.x];
    as<unsigned short>(codes)[threadIdx.x] = word.x > 0.0f ? 1 : 0;
}

/// The same vectors on rows that do not start at a multiple of 16 bytes.
__global__ void vectors_of_odd_rows(Global<const float> x, Global<unsigned char> codes,
                                    unsigned columns) {
    const float4 word = as<const float4>(x + columns * blockIdx.x)[threadIdx.x];
    codes[threadIdx.x] = word.x > 0.0f ? 1 : 0;
}

}  // namespace
}  // namespace emulated

namespace {

using emulated::launch;
using emulator::Order;

template <class Work>
void check_fault(Fault::Kind expected, Work work) {
    for (const Order order : {Order::forward, Order::reverse, Order::shuffled}) {
        const emulator::Session session({.order = order, .seed = 3});
        try {
            work();
            FAIL("no " << name(expected) << " was found");
        } catch (const Fault& fault) {
            INFO(fault.what());
            CHECK(fault.kind() == expected);
        }
    }
}

}  // namespace

TEST_CASE("the mistakes one makes in a quantizing kernel are named", "[ladder][emulator]") {
    const Device& on = device(Machine::emulated);
    std::vector<float> values(64);  // different ones: writing what is there already is no race
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = 0.25f * static_cast<float>(i);
    }
    const DeviceArray<float> x(on, values, "x");
    DeviceArray<float> scales(on, 2, "scales");
    DeviceArray<unsigned char> codes(on, 64, "codes");
    using Kind = Fault::Kind;
    check_fault(Kind::race, [&] {
        launch<emulated::tree_without_barrier>({1, 64}, x.data(), scales.data());
    });
    check_fault(Kind::divergent_barrier, [&] {
        launch<emulated::barrier_in_the_tail>({1, 64}, x.data(), scales.data(), 32);
    });
    check_fault(Kind::out_of_bounds, [&] {
        launch<emulated::vectors_past_the_end>({1, 32}, x.data(), codes.data());
    });
    check_fault(Kind::misaligned, [&] {
        launch<emulated::vectors_of_odd_rows>({2, 8}, x.data(), codes.data(), 9);
    });
}

}  // namespace nibble::kernels
