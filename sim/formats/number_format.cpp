#include "sim/formats/number_format.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "sim/core/error.hpp"
#include "sim/core/text.hpp"

namespace nibble {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

std::uint32_t encode_integer(const TwosComplement& f, double x) {
    const double limit = std::ldexp(1.0, f.bits - 1);
    if (std::isnan(x)) {
        return 0;
    }
    // nearbyint rounds halves to even in the default mode, which nothing here changes.
    const double rounded = std::nearbyint(std::clamp(x, -limit, limit - 1));
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(rounded)) &
           ((std::uint32_t{1} << f.bits) - 1);
}

double decode_integer(const TwosComplement& f, std::uint32_t code) {
    const std::uint32_t sign = std::uint32_t{1} << (f.bits - 1);
    const std::uint32_t bits = code & (2 * sign - 1);
    return static_cast<double>(bits) - ((bits & sign) != 0 ? 2.0 * sign : 0.0);
}

NumberFormat::Kind kind_of(const formats::NumberFormat& row) {
    switch (row.kind) {
        case formats::Kind::floating:
            return row.floating;
        case formats::Kind::integer:
            return TwosComplement{row.bits()};
        case formats::Kind::codebook:
            break;
    }
    return CodebookFormat{{row.levels->begin(), row.levels->end()}, row.is_signed};
}

}  // namespace

NumberFormat::NumberFormat(std::string id, std::string name, Kind kind)
    : id_(std::move(id)), name_(std::move(name)), kind_(std::move(kind)) {
    if (const FloatFormat* f = as_float()) {
        last_rank_ = f->largest_code();
        first_rank_ = f->is_signed ? -last_rank_ : 0;
    } else if (const TwosComplement* i = as_integer()) {
        last_rank_ = (std::int64_t{1} << (i->bits - 1)) - 1;
        first_rank_ = -last_rank_ - 1;
    } else {
        const auto& levels = as_codebook()->levels;
        codes_.resize(levels.size());
        std::iota(codes_.begin(), codes_.end(), 0U);
        std::stable_sort(codes_.begin(), codes_.end(),
                         [&](auto a, auto b) { return levels[a] < levels[b]; });
        const auto same = [&](auto a, auto b) { return levels[a] == levels[b]; };
        codes_.erase(std::unique(codes_.begin(), codes_.end(), same), codes_.end());
        for (const std::uint32_t code : codes_) {
            sorted_.push_back(levels[code]);
        }
        for (std::size_t k = 1; k < sorted_.size(); ++k) {
            midpoints_.push_back((sorted_[k - 1] + sorted_[k]) / 2);  // exact: levels are floats
        }
        first_rank_ = sorted_.begin() - std::lower_bound(sorted_.begin(), sorted_.end(), 0.0);
        last_rank_ = first_rank_ + static_cast<std::int64_t>(sorted_.size()) - 1;
    }
}

int NumberFormat::bits() const {
    if (const FloatFormat* f = as_float()) {
        return f->bits();
    }
    if (const TwosComplement* i = as_integer()) {
        return i->bits;
    }
    return static_cast<int>(std::lround(std::log2(as_codebook()->levels.size())));
}

std::vector<BitField> NumberFormat::fields() const {
    if (const FloatFormat* f = as_float()) {
        std::vector<BitField> fields;
        for (const BitField& field :
             {BitField{"sign", f->is_signed ? 1 : 0}, BitField{"exponent", f->exponent_bits},
              BitField{"mantissa", f->mantissa_bits}}) {
            if (field.bits > 0) {
                fields.push_back(field);
            }
        }
        return fields;
    }
    if (const TwosComplement* i = as_integer()) {
        return {{"sign", 1}, {"integer", i->bits - 1}};
    }
    if (as_codebook()->has_sign_bit) {
        return {{"sign", 1}, {"index", bits() - 1}};
    }
    return {{"index", bits()}};
}

std::uint32_t NumberFormat::encode(double x, Overflow overflow) const {
    if (const FloatFormat* f = as_float()) {
        return formats::encode(*f, x, overflow);
    }
    if (const TwosComplement* i = as_integer()) {
        return encode_integer(*i, x);
    }
    const bool negative = as_codebook()->has_sign_bit && x < 0;
    const double target = negative ? -x : x;
    const auto begin = midpoints_.begin() + (as_codebook()->has_sign_bit ? -first_rank_ : 0);
    const auto above =
        std::find_if(begin, midpoints_.end(), [&](double m) { return !(target > m); });
    const std::uint32_t code = codes_[static_cast<std::size_t>(above - midpoints_.begin())];
    return negative ? code + static_cast<std::uint32_t>(as_codebook()->levels.size() / 2) : code;
}

double NumberFormat::decode(std::uint32_t code) const {
    if (const FloatFormat* f = as_float()) {
        return formats::decode(*f, code);
    }
    if (const TwosComplement* i = as_integer()) {
        return decode_integer(*i, code);
    }
    return as_codebook()->levels[code % as_codebook()->levels.size()];
}

double NumberFormat::round(double x, Overflow overflow) const {
    return decode(encode(x, overflow));
}

double NumberFormat::at(std::int64_t rank) const {
    NIBBLE_ASSERT(rank >= first_rank_ && rank <= last_rank_, "a rank within the format");
    if (const FloatFormat* f = as_float()) {
        const double size = formats::decode(*f, static_cast<std::uint32_t>(std::abs(rank)));
        return rank < 0 ? -size : size;
    }
    if (as_integer()) {
        return static_cast<double>(rank);
    }
    return sorted_[static_cast<std::size_t>(rank - first_rank_)];
}

std::int64_t NumberFormat::rank_from(double x) const {
    std::int64_t low = first_rank_, high = last_rank_ + 1;
    while (low < high) {
        const std::int64_t middle = low + (high - low) / 2;
        if (at(middle) < x) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

std::int64_t NumberFormat::count_between(double low, double high) const {
    if (!(low <= high)) {
        return 0;
    }
    const std::int64_t begin = rank_from(low);
    std::int64_t end = rank_from(high);
    if (end <= last_rank_ && at(end) == high) {
        ++end;
    }
    return end - begin;
}

std::vector<double> NumberFormat::values_between(double low, double high,
                                                 std::int64_t limit) const {
    const std::int64_t n = count_between(low, high);
    if (n > limit) {
        throw Error(Error::Code::unsupported,
                    fmt::format("{} has {} numbers between {} and {}", name_,
                                format_count(static_cast<double>(n)), low, high),
                    fmt::format("ask for a window with at most {}", limit));
    }
    std::vector<double> values(static_cast<std::size_t>(n));
    std::int64_t rank = rank_from(low);
    for (double& value : values) {
        value = at(rank++);
    }
    return values;
}

std::vector<double> NumberFormat::values() const {
    return values_between(lowest(), largest());
}

double NumberFormat::smallest() const {
    return at(at(0) > 0 ? 0 : 1);
}

Neighbourhood NumberFormat::neighbourhood(double x) const {
    Neighbourhood n;
    n.value = round(x);
    if (std::isnan(n.value)) {
        return {not_a_number, not_a_number, not_a_number, not_a_number, not_a_number, not_a_number};
    }
    const std::int64_t rank = rank_from(n.value);
    const bool has_below = rank > first_rank_, has_above = rank < last_rank_;
    n.below = has_below ? at(rank - 1) : not_a_number;
    n.above = has_above ? at(rank + 1) : not_a_number;
    n.low = has_below ? n.below + (n.value - n.below) / 2 : -infinity;
    n.high = has_above ? n.value + (n.above - n.value) / 2 : infinity;
    n.ulp = std::max(has_below ? n.value - n.below : 0.0, has_above ? n.above - n.value : 0.0);
    return n;
}

const std::vector<NumberFormat>& number_format_list() {
    static const std::vector<NumberFormat> list = [] {
        std::vector<NumberFormat> found;
        for (const formats::NumberFormat& row : formats::number_formats) {
            if (row.stands_alone) {
                found.emplace_back(std::string(row.id), std::string(row.label), kind_of(row));
            }
        }
        return found;
    }();
    return list;
}

const NumberFormat& find_number_format(std::string_view id) {
    std::vector<std::string> ids;
    for (const NumberFormat& format : number_format_list()) {
        if (format.id() == id) {
            return format;
        }
        ids.push_back(format.id());
    }
    const std::string near = nearest(id, ids);
    throw Error(Error::Code::bad_param, fmt::format("no number format \"{}\"", id),
                near.empty() ? "nf4, int8, fp8_e4m3 are some" : "did you mean " + near + "?");
}

}  // namespace nibble
