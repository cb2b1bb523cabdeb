// The matrix products against plain loops in double, at sizes that fit no tile.
#include <vector>

#include "kernels/gemm/ops.hpp"
#include "sim/core/rng.hpp"

#include "tests/catch.hpp"

using namespace nibble;
using namespace nibble::kernels;

namespace {

std::vector<float> numbers(std::size_t count, std::uint64_t seed) {
    std::vector<float> values;
    for (std::size_t i = 0; i < count; ++i) {
        values.push_back(static_cast<float>(Rng(seed).normal(i)));
    }
    return values;
}

double at(const StridedMatrix& m, std::size_t i, std::size_t j) {
    return m.data[static_cast<std::ptrdiff_t>(i) * m.row_step +
                  static_cast<std::ptrdiff_t>(j) * m.column_step];
}

}  // namespace

TEST_CASE("packed products agree with plain loops", "[gemm]") {
    struct Shape {
        std::size_t m, n, k;
    };
    for (const Shape& s : {Shape{1, 1, 1},
                           {5, 7, 3},
                           {12, 32, 256},
                           {13, 33, 257},
                           {97, 65, 600},
                           {200, 31, 40},
                           {3, 130, 512}}) {
        for (const bool a_transposed : {false, true}) {
            for (const bool b_transposed : {false, true}) {
                INFO(s.m << " x " << s.n << " x " << s.k << ", transposed " << a_transposed
                         << b_transposed);
                const auto av = numbers(s.m * s.k, 1), bv = numbers(s.k * s.n, 2);
                const auto stride = [](std::size_t count) { return std::ptrdiff_t(count); };
                const StridedMatrix a = a_transposed ? StridedMatrix{av.data(), 1, stride(s.m)}
                                                     : StridedMatrix{av.data(), stride(s.k), 1};
                const StridedMatrix b = b_transposed ? StridedMatrix{bv.data(), 1, stride(s.k)}
                                                     : StridedMatrix{bv.data(), stride(s.n), 1};
                std::vector<float> packed(packed_size(s.k, s.n));
                pack(b, s.k, s.n, 0, panel_count(s.n), packed.data());
                // The whole product, and one of the first rows and columns of b only.
                for (const Shape& used : {s, Shape{s.m, (s.n + 1) / 2, (s.k + 1) / 2}}) {
                    const std::size_t step = used.n + 3;
                    std::vector<float> c(used.m * step, 7.0F);
                    multiply(a, used.m, {packed.data(), s.k, s.n}, used.k, used.n, c.data(), step,
                             false);
                    multiply(a, used.m, {packed.data(), s.k, s.n}, used.k, used.n, c.data(), step,
                             true);
                    double worst = 0;
                    for (std::size_t i = 0; i < used.m; ++i) {
                        for (std::size_t j = 0; j < used.n; ++j) {
                            double sum = 0;
                            for (std::size_t p = 0; p < used.k; ++p) {
                                sum += at(a, i, p) * at(b, p, j);
                            }
                            worst = std::max(worst, std::abs(2 * sum - double(c[i * step + j])));
                        }
                        for (std::size_t j = used.n; j < step; ++j) {
                            CHECK(c[i * step + j] == 7.0F);  // nothing beside the result
                        }
                    }
                    // Each of k roundings errs by 2^-24 of a partial sum of size sqrt(k).
                    CHECK(worst < 1e-6 * double(used.k));
                }
            }
        }
    }
}

TEST_CASE("a row's result does not depend on the rows beside it", "[gemm]") {
    const std::size_t m = 50, n = 40, k = 300;
    const auto a = numbers(m * k, 3), b = numbers(k * n, 4);
    std::vector<float> packed(packed_size(k, n)), whole(m * n), part(n);
    pack({b.data(), std::ptrdiff_t(n), 1}, k, n, 0, panel_count(n), packed.data());
    multiply({a.data(), std::ptrdiff_t(k), 1}, m, {packed.data(), k, n}, k, n, whole.data(), n,
             false);
    for (const std::size_t row : {std::size_t{0}, std::size_t{17}, m - 1}) {
        multiply({a.data() + row * k, std::ptrdiff_t(k), 1}, 1, {packed.data(), k, n}, k, n,
                 part.data(), n, false);
        CHECK(std::equal(part.begin(), part.end(), whole.begin() + std::ptrdiff_t(row * n)));
    }
}

TEST_CASE("products of few rows agree with plain loops", "[gemm]") {
    for (const std::size_t k : {1U, 15U, 64U, 257U}) {
        const std::size_t m = 3, n = 5;
        const auto x = numbers(m * k, 5), w = numbers(n * k, 6);
        std::vector<float> y(m * n);
        multiply_few(x.data(), k, m, w.data(), k, n, k, y.data(), n);
        for (std::size_t i = 0; i < m; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                double sum = 0;
                for (std::size_t p = 0; p < k; ++p) {
                    sum += double(x[i * k + p]) * double(w[j * k + p]);
                }
                CHECK(double(y[i * n + j]) == Approx(sum).margin(1e-6 * double(k)));
            }
        }
    }
}
