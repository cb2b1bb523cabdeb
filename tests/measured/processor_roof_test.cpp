#include "sim/measured/processor_roof.hpp"

#include "tests/catch.hpp"

namespace nibble::processor_roof_test {

namespace {

const ProcessorRecording good = {"A processor",
                                 "AVX2",
                                 2,
                                 1 << 20,
                                 4 << 20,
                                 {{"read", 1, 4 << 20, 30, 29, 31},
                                  {"read", 2, 16384, 400, 390, 410},
                                  {"read", 2, 2 << 20, 20, 19, 21},
                                  {"copy", 2, 4 << 20, 90, 80, 95}},
                                 {{"multiply_add_f32", 1, 0, 100, 99, 101},
                                  {"multiply_add_f32", 2, 0, 190, 180, 200},
                                  {"dot_int8_widened", 2, 0, 500, 400, 600}}};

}  // namespace

TEST_CASE("a roof is of all threads, reads and FP32 multiply-adds", "[measured]") {
    const ProcessorRoof roof = roof_of(good, "here");
    CHECK(roof.peak == FlopsPerSecond{190e9});
    CHECK(roof.memory == BytesPerSecond{20e9});
    CHECK(roof.cache == BytesPerSecond{400e9});
    CHECK(roof.largest == Bytes{4 << 20});
    CHECK(roof.smallest == Bytes{32768});
    CHECK(roof.beyond_cache);
}

TEST_CASE("a recording without what a roof is made of is refused", "[measured]") {
    ProcessorRecording slow = good;
    slow.arithmetic.clear();
    CHECK_THROWS_AS(roof_of(slow, "here"), Error);
    CHECK_THROWS_AS(recorded_roof("/no/such/file.json"), Error);
}

TEST_CASE("this processor is measured once", "[measured]") {
    Cache shared(1 << 20);
    RunContext context;
    context.shared = &shared;
    const ProcessorRoof roof = measured_roof(context);
    CHECK(roof.now);
    CHECK(roof.peak > FlopsPerSecond{1e8});  // a processor of this century, however loaded
    CHECK(roof.memory > BytesPerSecond{1e7});
    CHECK(measured_roof(context).peak == roof.peak);
}

}  // namespace nibble::processor_roof_test
