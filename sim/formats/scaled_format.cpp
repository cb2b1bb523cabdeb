#include "sim/formats/scaled_format.hpp"

#include <algorithm>
#include <cmath>

#include "sim/core/parallel.hpp"

namespace nibble {
namespace {

double plain_scale(const NumberFormat& f, Scaling scaling, double absmax) {
    const FloatFormat* number = f.as_float();
    if (number && (!number->is_signed || number->bits() > 8)) {
        return 1;
    }
    if (scaling == Scaling::absmax && absmax > 0 && std::isfinite(absmax)) {
        return absmax / f.largest();
    }
    return number ? 1 : 1 / f.largest();
}

struct Sums {
    double signal = 0, noise = 0;
    std::int64_t clipped = 0, zeros = 0, finite = 0;

    void add(double value, double stored, double largest, double lowest) {
        if (!std::isfinite(value)) {
            return;
        }
        ++finite;
        signal += value * value;
        // A value lost to infinity or NaN is as wrong as if it had been dropped.
        const double kept = std::isfinite(stored) ? stored : 0;
        noise += (value - kept) * (value - kept);
        clipped += value > largest || value < lowest ? 1 : 0;
        zeros += stored == 0 ? 1 : 0;
    }
};

Sums sum(const ScaledFormat& f, std::span<const float> values) {
    Sums sums;
    if (!f.block) {
        const double largest = f.largest(), lowest = f.lowest();
        for (const float value : values) {
            sums.add(value, f.stored(value), largest, lowest);
        }
        return sums;
    }
    const auto size = static_cast<std::size_t>(f.block->block_size);
    for (std::size_t begin = 0; begin < values.size(); begin += size) {
        const auto part = values.subspan(begin, std::min(size, values.size() - begin));
        const CodedBlock block = encode_block(*f.block, part, f.tensor_scale);
        const std::vector<double> stored = decode_block(*f.block, block);
        const double largest = f.numbers->largest() * block.scale;
        for (std::size_t k = 0; k < part.size(); ++k) {
            sums.add(part[k], stored[k], largest, -largest);
        }
    }
    return sums;
}

}  // namespace

std::uint32_t ScaledFormat::encode(double value) const {
    return numbers->encode(scale > 0 ? value / scale : 0, overflow);
}

double ScaledFormat::stored(double value) const {
    return numbers->decode(encode(value)) * scale;
}

std::int64_t ScaledFormat::count_between(double low, double high) const {
    return scale > 0 ? numbers->count_between(low / scale, high / scale) : 1;
}

std::vector<double> ScaledFormat::values_between(double low, double high,
                                                 std::int64_t limit) const {
    if (!(scale > 0) || count_between(low, high) > limit) {
        return {};
    }
    std::vector<double> values = numbers->values_between(low / scale, high / scale, limit);
    for (double& value : values) {
        value *= scale;
    }
    return values;
}

double ScaledFormat::smallest_normal() const {
    const FloatFormat* f = numbers->as_float();
    return f ? f->smallest_normal() * scale : smallest();
}

double ScaledFormat::half_share() const {
    std::int64_t low = 0, high = numbers->last_rank();
    while (low < high) {
        const std::int64_t middle = low + (high - low) / 2;
        const double x = numbers->at(middle);
        if (2 * numbers->count_between(-x, x) >= numbers->count()) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return numbers->at(low) / numbers->largest();
}

Neighbourhood ScaledFormat::neighbourhood(double value) const {
    Neighbourhood n = numbers->neighbourhood(scale > 0 ? value / scale : 0);
    const FloatFormat* f = numbers->as_float();
    if (f && overflow == Overflow::standard && f->specials != Specials::none) {
        // Infinity (or NaN) begins where the next number would have been nearer.
        n.high = std::isinf(n.high) ? n.value + n.ulp / 2 : n.high;
        n.low = std::isinf(n.low) ? n.value - n.ulp / 2 : n.low;
    }
    for (double* x : {&n.below, &n.value, &n.above, &n.low, &n.high, &n.ulp}) {
        *x *= scale;
    }
    return n;
}

ScaledFormat scaled_format(std::string_view id, Scaling scaling, Overflow overflow, double absmax) {
    ScaledFormat f;
    f.overflow = overflow;
    for (const BlockFormat& block : block_format_list()) {
        if (block.id == id) {
            f.numbers = block.element;
            f.block = &block;
            f.tensor_scale = scaling == Scaling::absmax ? tensor_scale(block, absmax) : 1;
            f.overflow = Overflow::saturate;
            const CodedBlock scale = block_scale(block, absmax, f.tensor_scale);
            f.scale = scale.scale;
            f.scale_code = scale.scale_code;
            return f;
        }
    }
    f.numbers = &find_number_format(id);
    f.scale = plain_scale(*f.numbers, scaling, absmax);
    return f;
}

double TensorFit::sqnr_db() const {
    return 10 * std::log10(signal / noise);
}

TensorFit fit(const ScaledFormat& format, std::span<const float> values) {
    // A multiple of every block size, so that pieces do not cut blocks.
    constexpr std::size_t grain = 4096;
    const Sums sums = parallel_reduce<Sums>(
        values.size(), grain, {},
        [&](std::size_t begin, std::size_t end) {
            return sum(format, values.subspan(begin, end - begin));
        },
        [](Sums a, const Sums& b) {
            a.signal += b.signal;
            a.noise += b.noise;
            a.clipped += b.clipped;
            a.zeros += b.zeros;
            a.finite += b.finite;
            return a;
        });
    const double n = static_cast<double>(std::max<std::int64_t>(sums.finite, 1));
    return {sums.signal, sums.noise, static_cast<double>(sums.clipped) / n,
            static_cast<double>(sums.zeros) / n};
}

}  // namespace nibble
