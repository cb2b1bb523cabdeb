// Bytes, FLOP and seconds that cannot be mixed up.
//
// A Quantity carries its exponents, so bytes / bandwidth is a time by construction, and FLOP per
// byte compares only with FLOP per byte. Values are doubles: exact for integers below 2^53.
#pragma once

#include <compare>

namespace nibble {

inline constexpr double micro = 1e-6;

template <int Byte, int Flop, int Second>
struct Quantity {
    double value = 0;

    friend constexpr auto operator<=>(Quantity, Quantity) = default;
    friend constexpr Quantity operator+(Quantity a, Quantity b) { return {a.value + b.value}; }
    friend constexpr Quantity operator-(Quantity a, Quantity b) { return {a.value - b.value}; }
    friend constexpr Quantity operator*(double s, Quantity a) { return {s * a.value}; }
    friend constexpr Quantity operator*(Quantity a, double s) { return {s * a.value}; }
    friend constexpr Quantity operator/(Quantity a, double s) { return {a.value / s}; }
    constexpr Quantity& operator+=(Quantity b) {
        value += b.value;
        return *this;
    }
};

template <int B1, int F1, int S1, int B2, int F2, int S2>
constexpr Quantity<B1 + B2, F1 + F2, S1 + S2> operator*(Quantity<B1, F1, S1> a,
                                                        Quantity<B2, F2, S2> b) {
    return {a.value * b.value};
}

template <int B1, int F1, int S1, int B2, int F2, int S2>
constexpr Quantity<B1 - B2, F1 - F2, S1 - S2> operator/(Quantity<B1, F1, S1> a,
                                                        Quantity<B2, F2, S2> b) {
    return {a.value / b.value};
}

/// Equal quantities divide to a plain number.
template <int B, int F, int S>
constexpr double ratio(Quantity<B, F, S> a, Quantity<B, F, S> b) {
    return a.value / b.value;
}

using Bytes = Quantity<1, 0, 0>;
using Flops = Quantity<0, 1, 0>;
using Seconds = Quantity<0, 0, 1>;
using BytesPerSecond = Quantity<1, 0, -1>;
using FlopsPerSecond = Quantity<0, 1, -1>;
using FlopsPerByte = Quantity<-1, 1, 0>;

inline namespace unit_literals {
constexpr Bytes operator""_B(unsigned long long v) {
    return {double(v)};
}
constexpr Bytes operator""_KiB(unsigned long long v) {
    return {double(v) * 1024};
}
constexpr Bytes operator""_GB(long double v) {
    return {double(v) * 1e9};
}
constexpr Seconds operator""_ms(long double v) {
    return {double(v) * 1e-3};
}
constexpr BytesPerSecond operator""_GBps(unsigned long long v) {
    return {double(v) * 1e9};
}
constexpr FlopsPerSecond operator""_TFlops(unsigned long long v) {
    return {double(v) * 1e12};
}
}  // namespace unit_literals

}  // namespace nibble
