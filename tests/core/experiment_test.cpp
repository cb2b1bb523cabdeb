#include "sim/core/experiment.hpp"

#include <filesystem>
#include <fstream>

#include "sim/core/parallel.hpp"
#include "sim/core/units.hpp"

#include "tests/catch.hpp"
#include "tests/core/toy.hpp"

namespace nibble::experiment_test {

TEST_CASE("a view parameter redraws without running again", "[experiment]") {
    const Experiment e = toy::experiment();
    ParamValues a = e.defaults(), b = e.defaults();
    b[6] = std::int64_t{9};
    CHECK(e.data_key(a, {}) == e.data_key(b, {}));
    Cache results(8);
    evaluate(e, a, {}, &results);
    CHECK(evaluate(e, b, {}, &results).finding == "shown 9");
    CHECK(results.size() == 1);
}

TEST_CASE("everything a result depends on is in its key", "[experiment]") {
    const Experiment e = toy::experiment();
    const ParamValues base = e.defaults();
    const std::string key = e.data_key(base, {});
    RunContext seeded, preview;
    seeded.seed = 2;
    preview.preview = true;
    CHECK(e.data_key(base, seeded) != key);
    CHECK(e.data_key(base, preview) != key);
    ParamValues other = base;
    other[1] = 0.25;
    CHECK(e.data_key(other, {}) != key);
}

TEST_CASE("a file that was replaced gives another key", "[experiment]") {
    const Experiment e = toy::experiment();
    const auto path = std::filesystem::temp_directory_path() / "nibble_file_stamp_test";
    ParamValues values = e.defaults();
    values[5] = path.string();
    std::filesystem::remove(path);
    const std::string absent = e.data_key(values, {});
    std::ofstream(path) << "one";
    const std::string first = e.data_key(values, {});
    std::ofstream(path) << "four";
    const std::string second = e.data_key(values, {});
    std::filesystem::remove(path);
    CHECK(absent != first);
    CHECK(first != second);
}

TEST_CASE("an unknown parameter names the nearest", "[experiment]") {
    const Experiment e = toy::experiment();
    CHECK(e.index_of("gain") == 1);
    try {
        e.index_of("gian");
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.line() == "toy has no parameter \"gian\"; did you mean --gain?");
    }
}

TEST_CASE("a cache keeps the newest within its budget", "[cache]") {
    Cache cache(10);
    const auto value = [](int v) { return std::make_shared<const int>(v); };
    cache.put("a", value(1), 4);
    cache.put("b", value(2), 4);
    CHECK(cache.find("a"));  // now the newest
    cache.put("c", value(3), 4);
    CHECK(cache.find("a"));
    CHECK_FALSE(cache.find("b"));
    CHECK(cache.bytes() == 8);
    cache.put("a", value(9), 1);  // replaced, not added
    CHECK(*std::static_pointer_cast<const int>(cache.find("a")) == 9);
    CHECK(cache.bytes() == 5);
    cache.put("huge", value(4), 100);
    CHECK(cache.find("huge"));
    CHECK(cache.size() == 1);
    int made = 0;
    Cache memo(10);
    const std::function<int()> make = [&] { return ++made; };
    const std::function<std::size_t(const int&)> weight = [](const int&) { return 1u; };
    CHECK(*memo.get<int>("k", make, weight) == 1);
    CHECK(*memo.get<int>("k", make, weight) == 1);
}

TEST_CASE("a parallel reduction gives the same bits on any number of threads", "[parallel]") {
    const auto sum = [](int count) {
        set_threads(count);
        return parallel_reduce(
            100003, 1000, 0.0,
            [](std::size_t begin, std::size_t end) {
                double s = 0;
                for (std::size_t i = begin; i < end; ++i) {
                    s += 1.0 / (1.0 + double(i));
                }
                return s;
            },
            [](double a, double b) { return a + b; });
    };
    const double one = sum(1);
    CHECK(sum(2) == one);
    CHECK(sum(3) == one);
    set_threads(0);
    CHECK(threads() >= 1);
}

TEST_CASE("parallel pieces cover the range once, and errors come back", "[parallel]") {
    std::vector<int> touched(1001, 0);
    parallel_for(touched.size(), 37, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            ++touched[i];
        }
    });
    CHECK(std::all_of(touched.begin(), touched.end(), [](int n) { return n == 1; }));
    parallel_for(0, 5, [](std::size_t, std::size_t) { FAIL("nothing to do"); });
    CHECK_THROWS_AS(
        parallel_for(10, 1, [](std::size_t, std::size_t) { throw Error(Error::Code::io, "x"); }),
        Error);
}

TEST_CASE("bytes over bandwidth is a time, and the worked numbers hold", "[units]") {
    const Bytes weights = 140.0_GB;  // 70e9 weights in FP16
    const Seconds token = weights / 2000_GBps;
    CHECK(token.value == Approx(0.070));
    CHECK(token == 70.0_ms);
    const FlopsPerByte ridge = 312_TFlops / 2000_GBps;
    CHECK(ridge.value == Approx(156));
    CHECK(ratio(4_KiB, 1_KiB) == 4);
    static_assert(std::is_same_v<decltype(weights / token), BytesPerSecond>);
}

TEST_CASE("an assertion says what broke", "[error]") {
    try {
        NIBBLE_ASSERT(1 + 1 == 3, "arithmetic holds");
        FAIL("passed");
    } catch (const BrokenInvariant& e) {
        CHECK(std::string(e.what()).starts_with("arithmetic holds (1 + 1 == 3, "));
    }
}

}  // namespace nibble::experiment_test
