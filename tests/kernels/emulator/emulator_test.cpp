// The example kernels against plain double-precision oracles: on the emulator in three thread
// orders and on one and two OS threads, and on a real GPU where there is one.
#include <cmath>
#include <random>
#include <span>

#include "kernels/device.hpp"
#include "kernels/emulator/launch.hpp"
#include "kernels/formats/float_format.hpp"

#include "tests/catch.hpp"
#include "tests/kernels/emulator/examples.hpp"

namespace nibble::kernels {
namespace {

std::vector<float> normal(std::size_t n, unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> draw;
    std::vector<float> values(n);
    for (float& v : values) {
        v = draw(generator);
    }
    return values;
}

template <class T>
std::vector<T> integers(std::size_t n, unsigned seed) {
    std::mt19937 generator(seed);
    std::vector<T> values(n);
    for (T& v : values) {
        v = static_cast<T>(generator() >> 24);
    }
    return values;
}

/// Checks the kernels of one machine.
struct Check {
    const Device& on;
    const Examples& kernels;

    template <class T>
    DeviceArray<T> put(const std::vector<T>& values) const {
        return {on, std::span<const T>(values)};
    }
    template <class T>
    DeviceArray<T> room(std::size_t n) const {
        return {on, n};
    }

    void add(int n) const {
        const auto x = normal(n, 1), y = normal(n, 2);
        const auto dx = put(x), dy = put(y);
        auto dz = room<float>(n);
        kernels.add(dx.data(), dy.data(), dz.data(), n);
        const auto z = dz.download();
        for (int i = 0; i < n; ++i) {
            REQUIRE(z[i] == x[i] + y[i]);  // one rounding, the same everywhere
        }
    }

    void row_sum(int rows, int columns) const {
        const auto x = normal(std::size_t(rows) * columns, 3);
        const auto dx = put(x);
        auto dsums = room<float>(rows);
        kernels.row_sum(dx.data(), dsums.data(), rows, columns);
        const auto sums = dsums.download();
        for (int r = 0; r < rows; ++r) {
            double sum = 0, magnitude = 0;
            for (int c = 0; c < columns; ++c) {
                sum += x[r * columns + c];
                magnitude += std::fabs(x[r * columns + c]);
            }
            // a value passes through at most columns / 128 + 10 float additions
            const double steps = columns / 128.0 + 10;
            REQUIRE(std::fabs(sums[r] - sum) <= steps * 0x1p-24 * magnitude);
        }
    }

    void transpose(int rows, int columns) const {
        const auto x = normal(std::size_t(rows) * columns, 4);
        const auto dx = put(x);
        auto dy = room<float>(x.size());
        kernels.transpose(dx.data(), dy.data(), rows, columns);
        const auto y = dy.download();
        for (int r = 0; r < rows; ++r) {
            for (int c = 0; c < columns; ++c) {
                REQUIRE(y[c * rows + r] == x[r * columns + c]);
            }
        }
    }

    void histogram(int n) const {
        const auto codes = integers<std::uint8_t>(n, 5);
        const auto dcodes = put(codes);
        auto dcounts = room<unsigned>(256);
        dcounts.fill(0);
        kernels.histogram(dcodes.data(), dcounts.data(), n);
        std::vector<unsigned> expected(256);
        for (const std::uint8_t code : codes) {
            ++expected[code];
        }
        REQUIRE(dcounts.download() == expected);
    }

    void sum_of_squares(int rows, int columns) const {
        const auto x = normal(std::size_t(rows) * columns, 6);
        const auto dx = put(x);
        auto dsums = room<float>(rows);
        kernels.sum_of_squares(dx.data(), dsums.data(), rows, columns);
        const auto sums = dsums.download();
        for (int r = 0; r < rows; ++r) {
            double sum = 0;
            for (int c = 0; c < columns; ++c) {
                sum += double(x[r * columns + c]) * x[r * columns + c];
            }
            // at most columns / 64 + 16 roundings of float on the way, all terms positive
            REQUIRE(std::fabs(sums[r] - sum) <= (columns / 64.0 + 16) * 0x1p-24 * sum);
        }
    }

    using Gemm16 = void (*)(const std::uint16_t*, const std::uint16_t*, float*, int, int, int);
    void gemm(const formats::FloatFormat& format, Gemm16 kernel, int m, int n, int k) const {
        const auto codes = [&](int count, unsigned seed) {
            std::vector<std::uint16_t> list;
            for (const float v : normal(count, seed)) {
                list.push_back(static_cast<std::uint16_t>(
                    formats::encode(format, v, formats::Overflow::standard)));
            }
            return list;
        };
        const auto a = codes(m * k, 7), b = codes(n * k, 8);
        const auto da = put(a), db = put(b);
        auto dc = room<float>(std::size_t(m) * n);
        kernel(da.data(), db.data(), dc.data(), m, n, k);
        const auto c = dc.download();
        for (int i = 0; i < m; ++i) {
            for (int j = 0; j < n; ++j) {
                double sum = 0, magnitude = 0;
                for (int l = 0; l < k; ++l) {
                    const double product = double(formats::decode(format, a[i * k + l])) *
                                           formats::decode(format, b[j * k + l]);
                    sum += product;
                    magnitude += std::fabs(product);
                }
                // Tensor cores truncate sums of 16 products, each generation in its own way: less
                // than 2^-21 of the magnitude for each of k / 16 steps.
                REQUIRE(std::fabs(c[i * n + j] - sum) <= (k / 16 + 1) * 0x1p-21 * magnitude);
            }
        }
    }

    void gemm_s8(int m, int n, int k) const {
        const auto a = integers<std::int8_t>(std::size_t(m) * k, 9);
        const auto b = integers<std::int8_t>(std::size_t(n) * k, 10);
        const auto da = put(a), db = put(b);
        auto dc = room<int>(std::size_t(m) * n);
        kernels.gemm_s8(da.data(), db.data(), dc.data(), m, n, k);
        const auto c = dc.download();
        for (int i = 0; i < m; ++i) {
            for (int j = 0; j < n; ++j) {
                int sum = 0;
                for (int l = 0; l < k; ++l) {
                    sum += int(a[i * k + l]) * b[j * k + l];
                }
                REQUIRE(c[i * n + j] == sum);
            }
        }
    }

    void coordinates() const {
        auto dwhere = room<int>(12 * 64);
        kernels.coordinates(dwhere.data());
        const auto where = dwhere.download();
        std::size_t i = 0;
        for (int block = 0; block < 12; ++block) {
            for (int thread = 0; thread < 64; ++thread, ++i) {
                REQUIRE(where[i] == block % 3 * 100000 + block / 3 % 2 * 10000 + block / 6 * 1000 +
                                        thread % 8 * 100 + thread / 8 % 4 * 10 + thread / 32);
            }
        }
    }

    void all() const {
        for (const int n : {1, 31, 1000, 1024}) {
            add(n);
        }
        for (const int columns : {1, 33, 127, 128, 1001}) {
            row_sum(3, columns);
        }
        for (const auto& [rows, columns] : {std::pair(1, 1), {32, 32}, {33, 65}, {7, 100}}) {
            transpose(rows, columns);
        }
        for (const int n : {1, 257, 10007}) {
            histogram(n);
        }
        for (const int columns : {4, 252, 256, 1028}) {
            sum_of_squares(2, columns);
        }
        for (const auto& [m, n, k] :
             {std::tuple(16, 8, 16), {16, 8, 64}, {17, 9, 37}, {5, 23, 3}}) {
            gemm(formats::fp16, kernels.gemm_f16, m, n, k);
            gemm(formats::bf16, kernels.gemm_bf16, m, n, k);
            gemm_s8(m, n, k);
        }
        coordinates();
    }
};

const Device& emulated_device() {
    return device(Machine::emulated);
}

}  // namespace

TEST_CASE("kernels give the oracle's results in every thread order", "[emulator]") {
    using emulator::Order;
    const auto order = GENERATE(Order::forward, Order::reverse, Order::shuffled);
    const auto threads = GENERATE(1u, 2u);
    const emulator::Session session({.order = order, .seed = 11, .threads = threads});
    CAPTURE(static_cast<int>(order), threads);
    Check{emulated_device(), emulated::examples}.all();
}

TEST_CASE("the emulator gives the same bits in every run", "[emulator]") {
    // float sums depend on the order of atomics, so equal bits mean an equal order
    const Check check{emulated_device(), emulated::examples};
    const auto x = normal(40 * 2000, 12);
    const auto dx = check.put(x);
    const auto run = [&](unsigned threads) {
        const emulator::Session session(
            {.order = emulator::Order::shuffled, .seed = 5, .threads = threads});
        auto sums = check.room<float>(40);
        check.kernels.sum_of_squares(dx.data(), sums.data(), 40, 2000);
        return sums.download();
    };
    const auto first = run(1);
    CHECK(run(1) == first);
    CHECK(run(3) == first);
}

TEST_CASE("kernels give the oracle's results on the GPU", "[gpu]") {
#if NIBBLE_HAVE_CUDA
    const Device& gpu = device(Machine::cuda);
    if (!gpu.probe().ready()) {
        WARN("skipped: " << gpu.probe().reason);
        return;
    }
    Check{gpu, cuda::examples}.all();

    // and the emulator's conversions are the hardware's, bit for bit
    std::mt19937 generator(13);
    std::vector<float> x;
    for (int i = 0; i < 1 << 20; ++i) {
        x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(generator())));
    }
    const auto converted = [&](const Check& check) {
        const int n = static_cast<int>(x.size());
        const auto dx = check.put(x);
        auto e4m3 = check.room<std::uint8_t>(n), e5m2 = check.room<std::uint8_t>(n);
        auto half = check.room<std::uint16_t>(n), bfloat = check.room<std::uint16_t>(n);
        check.kernels.convert(dx.data(), e4m3.data(), e5m2.data(), half.data(), bfloat.data(), n);
        return std::tuple(e4m3.download(), e5m2.download(), half.download(), bfloat.download());
    };
    CHECK(converted({gpu, cuda::examples}) == converted({emulated_device(), emulated::examples}));
#else
    WARN("skipped: This program was built without CUDA.");
#endif
}

}  // namespace nibble::kernels
