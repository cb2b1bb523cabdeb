// Random numbers you can address: value = f(seed, stream, index).
//
// There is no hidden state, so the i-th draw is the same on any thread, in any order, in any
// batch. The generator is the splitmix64 finaliser over a counter (Steele, Lea, Flood 2014).
#pragma once

#include <cstdint>
#include <string_view>

namespace nibble {

class Rng {
public:
    explicit constexpr Rng(std::uint64_t seed) : key_(mix(seed + golden)) {}

    /// An independent stream named for its use: rng.stream("weights").
    constexpr Rng stream(std::string_view use) const {
        std::uint64_t hash = 0xcbf29ce484222325ull;  // FNV-1a
        for (const char c : use) {
            hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ull;
        }
        return Rng(key_ ^ hash);
    }

    /// 64 random bits.
    constexpr std::uint64_t bits(std::uint64_t index) const { return mix(key_ + index * golden); }

    /// Strictly inside (0, 1), 52 random bits: safe for logarithms and quantiles.
    constexpr double uniform(std::uint64_t index) const {
        return (static_cast<double>(bits(index) >> 12) + 0.5) * 0x1p-52;
    }

    /// Uniform in [0, count) without visible bias for count < 2^32; count > 0.
    constexpr std::uint64_t below(std::uint64_t index, std::uint64_t count) const {
        return ((bits(index) >> 32) * count) >> 32;
    }

    /// Standard normal, the quantile of uniform(index).
    double normal(std::uint64_t index) const;

    /// Student t with `dof` degrees of freedom (Bailey 1994, polar form); dof > 0.
    double student_t(std::uint64_t index, double dof) const;

private:
    static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15ull;
    static constexpr std::uint64_t mix(std::uint64_t z) {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return z ^ (z >> 31);
    }
    std::uint64_t key_;
};

/// The x with P(N(0,1) <= x) = p, for 0 < p < 1, to about 1e-16 relative: Wichura's AS 241, PPND16.
double normal_quantile(double p);

}  // namespace nibble
