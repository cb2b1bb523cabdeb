// The algebra of units: what may be combined, and into what.
#include "sim/core/units.hpp"

#include <type_traits>

#include "tests/catch.hpp"

namespace nibble::units_test {

namespace {

template <class A, class B>
concept Addable = requires(A a, B b) {
    a + b;
};
template <class A, class B>
concept Comparable = requires(A a, B b) {
    a < b;
};

}  // namespace

TEST_CASE("quotients and products have the unit that physics gives them", "[units]") {
    CHECK(std::is_same_v<decltype(Bytes{} / BytesPerSecond{}), Seconds>);
    CHECK(std::is_same_v<decltype(Flops{} / FlopsPerSecond{}), Seconds>);
    CHECK(std::is_same_v<decltype(Flops{} / Bytes{}), FlopsPerByte>);
    CHECK(std::is_same_v<decltype(FlopsPerSecond{} / BytesPerSecond{}), FlopsPerByte>);
    CHECK(std::is_same_v<decltype(FlopsPerByte{} * BytesPerSecond{}), FlopsPerSecond>);
    CHECK(std::is_same_v<decltype(ratio(Bytes{1}, Bytes{2})), double>);
}

TEST_CASE("different units neither add nor compare", "[units]") {
    CHECK(Addable<Bytes, Bytes>);
    CHECK_FALSE(Addable<Bytes, Flops>);
    CHECK_FALSE(Addable<Seconds, Bytes>);
    CHECK(Comparable<Seconds, Seconds>);
    CHECK_FALSE(Comparable<Seconds, Bytes>);
    CHECK_FALSE(Comparable<Bytes, double>);
}

TEST_CASE("literals are decimal where they say GB and binary where they say KiB", "[units]") {
    CHECK(16_KiB == 16384_B);
    CHECK(1.0_GB == Bytes{1e9});
    CHECK(140.0_GB / 2000_GBps == 70.0_ms);
    CHECK((312_TFlops / 2000_GBps).value == 156);
}

}  // namespace nibble::units_test
