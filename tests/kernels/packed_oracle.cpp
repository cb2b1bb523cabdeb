#include "tests/kernels/packed_oracle.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/emulator/small_float.hpp"

namespace nibble::kernels::test {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// One group in the units of its format.
struct Group {
    float scale = 0;
    int zero_point = 0;
    std::vector<int> codes;
};

float divided(float a, float b) {
    return static_cast<float>(static_cast<double>(a) / static_cast<double>(b));
}

/// The scale that is usable, or the sign that this group becomes zeros: 0, or NaN when poisoned.
Group symmetric(const std::vector<float>& x, int limit) {
    double largest = 0;
    bool poisoned = false;
    for (const float v : x) {
        poisoned = poisoned || !std::isfinite(v);
        largest = std::max(largest, std::fabs(static_cast<double>(v)));
    }
    Group g;
    g.codes.assign(x.size(), 0);
    g.scale = poisoned ? nan : static_cast<float>(largest / limit);
    for (std::size_t i = 0; i < x.size() && g.scale > 0; ++i) {
        const double code = std::nearbyint(static_cast<double>(divided(x[i], g.scale)));
        g.codes[i] = static_cast<int>(std::min<double>(std::max<double>(code, -limit), limit));
    }
    return g;
}

}  // namespace

Packed oracle_quantize(const PackedShape& shape, const std::vector<float>& x) {
    Packed out;
    out.codes.assign(shape.code_bytes(), 0);
    for (std::size_t r = 0; r < shape.rows; ++r) {
        for (std::size_t first = 0; first < shape.columns; first += shape.group()) {
            const std::size_t end = std::min(shape.columns, first + shape.group());
            const auto row = x.begin() + static_cast<long>(r * shape.columns);
            const Group g =
                symmetric({row + static_cast<long>(first), row + static_cast<long>(end)}, 7);
            for (std::size_t c = first; c < end; ++c) {
                const int code = g.codes[c - first] + 8;
                out.codes[r * shape.row_bytes() + c / 2] |=
                    static_cast<std::uint8_t>(c % 2 == 0 ? code : code << 4);
            }
            const auto bytes = std::bit_cast<std::array<std::uint8_t, 4>>(g.scale);
            out.scales.insert(out.scales.end(), bytes.begin(), bytes.end());
        }
    }
    return out;
}

std::vector<float> rounded_to(InputType type, std::vector<float> x) {
    const emulator::SmallFormat format =
        type == InputType::f16 ? emulator::binary16 : emulator::bfloat16;
    for (float& v : x) {
        v = type == InputType::f32
                ? v
                : emulator::decode(
                      format, emulator::encode(format, v, emulator::Overflow::infinity, 0x7fff));
    }
    return x;
}

}  // namespace nibble::kernels::test
