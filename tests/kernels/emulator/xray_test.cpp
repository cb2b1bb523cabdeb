// The X-ray's counts against cases that can be counted by hand.
#include "kernels/cuda.hpp"
#include "kernels/device.hpp"

#include "tests/catch.hpp"

namespace nibble::kernels {
namespace emulated {
namespace {

__global__ void copy(Global<const float> x, Global<float> y, int stride, int offset) {
    y[threadIdx.x] = x[static_cast<int>(threadIdx.x) * stride + offset];
}

__global__ void copy_vectors(Global<const float4> x, Global<float4> y) {
    y[threadIdx.x] = x[threadIdx.x];
}

__global__ void copy_bytes(Global<const unsigned char> x, Global<unsigned char> y) {
    y[threadIdx.x] = x[threadIdx.x];
}

template <int pitch>
__global__ void walk_columns(Global<float> y) {
    __shared__ Shared<float[32][pitch]> tile;
    const unsigned row = threadIdx.x / 32, lane = threadIdx.x % 32;
    tile[row][lane] = 1.0f;
    __syncthreads();
    y[blockIdx.x * blockDim.x + threadIdx.x] = tile[lane][row];
}

template <class T>
__global__ void strided(Global<float> y, int stride) {
    const SharedPointer<T> tile = dynamic_shared<T>();
    tile[static_cast<int>(threadIdx.x) * stride] = T{};
    y[threadIdx.x] = 0.0f;
}

__global__ void read_one_word(Global<float> y) {
    __shared__ Shared<float[1]> word;
    if (threadIdx.x == 0) {
        word[0] = 3.0f;
    }
    __syncthreads();
    y[threadIdx.x] = word[0];
}

__global__ void count_in_one_word() {
    __shared__ Shared<int[1]> word;
    word[0] = 0;
    __syncthreads();
    atomicAdd(&word[0], 1);
}

__global__ void first_lanes(Global<const float> x, Global<float> y, int lanes) {
    if (static_cast<int>(threadIdx.x % 32) < lanes) {
        y[threadIdx.x] = x[threadIdx.x];
    }
}

/// Lane i passes the load i + 1 times: request k has the lanes from k on.
__global__ void ragged(Global<const float> x, Global<float> y) {
    float sum = 0.0f;
    for (unsigned i = 0; i <= threadIdx.x; ++i) {
        sum += x[threadIdx.x];
    }
    y[threadIdx.x] = sum;
}

__global__ void barriers_and_shuffles(Global<int> y) {
    __syncthreads();
    __syncthreads();
    y[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1, 1);
}

}  // namespace
}  // namespace emulated

namespace {

using emulated::launch;
using emulator::Access;
using emulator::Report;
using emulator::Session;
using emulator::SiteCounts;
using emulator::Space;

template <class Work>
Report xray(Work work, emulator::Watch watch = {}) {
    const Session session({.xray = true, .watch = watch, .threads = 1});
    work();
    REQUIRE(session.reports().size() == 1);
    return session.reports().front();
}

/// The one site of this kind.
SiteCounts only(const Report& report, Space space, Access access) {
    std::vector<SiteCounts> found;
    for (const SiteCounts& site : report.sites) {
        if (site.space == space && site.access == access) {
            found.push_back(site);
        }
    }
    REQUIRE(found.size() == 1);
    return found.front();
}

template <class T>
DeviceArray<T> zeros(std::size_t n, const std::string& name = {}) {
    DeviceArray<T> array(device(Machine::emulated), n, name);
    array.fill(0);
    return array;
}

}  // namespace

TEST_CASE("a warp's request is counted in sectors", "[xray]") {
    const auto x = zeros<float>(32 * 40, "x");
    auto y = zeros<float>(32);
    struct Case {
        const char* what;
        int stride, offset;
        std::uint64_t sectors;
        double moved_over_used;
    };
    const Case cases[] = {
        {"neighbours: 128 bytes", 1, 0, 4, 1.0},
        {"every second float", 2, 0, 8, 2.0},
        {"one float a sector", 8, 0, 32, 8.0},
        {"one float a row of 32", 32, 0, 32, 8.0},
        {"all lanes the same float", 0, 5, 1, 8.0},
        {"neighbours that start one float late", 1, 1, 5, 1.25},
    };
    for (const Case& c : cases) {
        CAPTURE(c.what);
        const Report report = xray([&] {
            launch<emulated::copy>({1, 32}, x.data(), y.data(), c.stride, c.offset);
        });
        const SiteCounts load = only(report, Space::global, Access::load);
        CHECK(load.requests == 1);
        CHECK(load.cost.sectors == c.sectors);
        CHECK(load.sectors_per_request() == c.sectors);
        CHECK(load.moved_over_used() == c.moved_over_used);
        CHECK(load.active_lanes() == 32);
        CHECK(only(report, Space::global, Access::store).cost.sectors == 4);
    }
}

TEST_CASE("wide and narrow elements are counted by their bytes", "[xray]") {
    const auto x4 = zeros<emulated::float4>(32);
    auto y4 = zeros<emulated::float4>(32);
    const Report wide = xray([&] {
        launch<emulated::copy_vectors>({1, 32}, x4.data(), y4.data());
    });
    const SiteCounts load = only(wide, Space::global, Access::load);
    CHECK(load.cost.sectors == 16);  // 512 bytes
    CHECK(load.cost.distinct_bytes == 512);
    CHECK(load.moved_over_used() == 1.0);

    const auto x1 = zeros<unsigned char>(64);
    auto y1 = zeros<unsigned char>(64);
    const Report narrow = xray([&] {
        launch<emulated::copy_bytes>({1, 64}, x1.data(), y1.data());
    });
    CHECK(only(narrow, Space::global, Access::load).requests == 2);
    CHECK(only(narrow, Space::global, Access::load).sectors_per_request() == 1);
}

TEST_CASE("lanes that want different words of one bank conflict", "[xray]") {
    auto y = zeros<float>(1024);
    const SiteCounts square = only(xray([&] {
                                       launch<emulated::walk_columns<32>>({1, 1024}, y.data());
                                   }),
                                   Space::shared, Access::load);
    CHECK(square.requests == 32);
    CHECK(square.bank_conflict() == 32);
    const Report padded = xray([&] { launch<emulated::walk_columns<33>>({1, 1024}, y.data()); });
    CHECK(only(padded, Space::shared, Access::load).bank_conflict() == 1);
    CHECK(only(padded, Space::shared, Access::store).bank_conflict() == 1);
    CHECK(padded.barriers == 1);

    const SiteCounts one = only(xray([&] {
                                    launch<emulated::read_one_word>({1, 32}, y.data());
                                }),
                                Space::shared, Access::load);
    CHECK(one.bank_conflict() == 1);  // the same word goes to all who want it
    const SiteCounts atomic = only(xray([&] {
                                       launch<emulated::count_in_one_word>({1, 32});
                                   }),
                                   Space::shared, Access::atomic);
    CHECK(atomic.bank_conflict() == 32);  // and atomics on it queue up
}

TEST_CASE("wide accesses to shared memory take turns by halves and quarters", "[xray]") {
    auto y = zeros<float>(32);
    const auto store = [&]<class T>(T, int stride) {
        return only(xray([&] {
                        launch<emulated::strided<T>>({1, 32, 32 * 1024}, y.data(), stride);
                    }),
                    Space::shared, Access::store);
    };
    CHECK(store(float{}, 1).cost.wavefronts == 1);
    CHECK(store(float{}, 2).bank_conflict() == 2);
    CHECK(store(float{}, 3).bank_conflict() == 1);  // odd strides visit every bank
    CHECK(store(float{}, 16).bank_conflict() == 16);
    CHECK(store(emulated::float2{}, 1).cost.wavefronts == 2);
    CHECK(store(emulated::float2{}, 1).bank_conflict() == 1);
    CHECK(store(emulated::float4{}, 1).cost.wavefronts == 4);
    CHECK(store(emulated::float4{}, 1).bank_conflict() == 1);
    CHECK(store(emulated::float4{}, 2).bank_conflict() == 2);
    CHECK(store(std::int8_t{}, 1).bank_conflict() == 1);  // four lanes share a word
}

TEST_CASE("lanes that sit out are counted", "[xray]") {
    const auto x = zeros<float>(64);
    auto y = zeros<float>(64);
    const SiteCounts some = only(xray([&] {
                                     launch<emulated::first_lanes>({1, 64}, x.data(), y.data(), 8);
                                 }),
                                 Space::global, Access::load);
    CHECK(some.requests == 2);
    CHECK(some.lanes == 16);
    CHECK(some.active_lanes() == 8);
    CHECK(some.cost.sectors == 2);

    const SiteCounts loop = only(xray([&] {
                                     launch<emulated::ragged>({1, 32}, x.data(), y.data());
                                 }),
                                 Space::global, Access::load);
    CHECK(loop.requests == 32);
    CHECK(loop.lanes == 32 * 33 / 2);
    CHECK(loop.cost.sectors == 8 * (1 + 2 + 3 + 4));
}

TEST_CASE("barriers and warp functions are counted", "[xray]") {
    auto y = zeros<int>(64);
    const Report report = xray([&] { launch<emulated::barriers_and_shuffles>({3, 64}, y.data()); });
    CHECK(report.kernel == "barriers_and_shuffles");
    CHECK(report.blocks == 3);
    CHECK(report.barriers == 6);     // two in each of three blocks
    CHECK(report.collectives == 6);  // one in each of six warps
}

TEST_CASE("a watched request says which lane touched which byte", "[xray]") {
    const auto x = zeros<float>(256, "x");
    auto y = zeros<float>(256);
    const Report report = xray(
        [&] {
            launch<emulated::copy>({4, 64}, x.data(), y.data(), 2, 1);
        },
        {.block = 2});
    const SiteCounts load = only(report, Space::global, Access::load);
    CHECK(load.requests == 8);
    REQUIRE(load.shown.size() == 2);  // the two warps of block 2
    const emulator::Request& request = load.shown[1];
    CHECK(request.warp == 1);
    CHECK(request.occurrence == 0);
    CHECK(request.buffer == "x");
    CHECK(request.active == 0xffffffffu);
    CHECK(request.bytes_per_lane == 4);
    CHECK(request.offset[0] == (32 * 2 + 1) * 4);
    CHECK(request.offset[31] == (63 * 2 + 1) * 4);
    CHECK(load.file.ends_with("xray_test.cpp"));
    CHECK(report.at_line(load.line).size() == 2);  // the load and the store of one line
}

TEST_CASE("counts do not depend on the order of threads or blocks", "[xray]") {
    const auto counts = [](emulator::Order order, unsigned threads) {
        auto y = zeros<float>(8 * 1024);
        const Session session({.order = order, .seed = 4, .xray = true, .threads = threads});
        launch<emulated::walk_columns<33>>({8, 1024}, y.data());
        std::vector<std::uint64_t> list;
        for (const SiteCounts& s : session.reports().front().sites) {
            list.insert(list.end(), {s.line, s.column, s.requests, s.lanes, s.cost.sectors,
                                     s.cost.wavefronts, s.shown.size()});
        }
        return list;
    };
    const auto first = counts(emulator::Order::forward, 1);
    CHECK(counts(emulator::Order::reverse, 2) == first);
    CHECK(counts(emulator::Order::shuffled, 3) == first);
}

}  // namespace nibble::kernels
