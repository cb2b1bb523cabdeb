#include "sim/formats/format_figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/rng.hpp"
#include "sim/core/text.hpp"
#include "sim/formats/codebooks.hpp"
#include "sim/formats/format_text.hpp"

namespace nibble {
namespace {

/// More ticks than this in one row are a solid area on any screen.
constexpr std::int64_t most_ticks = 6000;

Figure named(std::string id, std::string title, std::string alt_text) {
    return {std::move(id), std::move(title), std::move(alt_text), {}, {}, {}};
}

Role field_role(const std::string& name) {
    return name == "sign" ? category(3) : name == "exponent" ? category(1) : category(2);
}

std::string bit_meaning(const NumberFormat& numbers, const BitField& field, int place) {
    if (field.name == "sign") {
        return numbers.as_integer()
                   ? fmt::format("sign: worth -{}", 1 << (numbers.as_integer()->bits - 1))
                   : "sign";
    }
    const FloatFormat* f = numbers.as_float();
    if (field.name == "mantissa") {
        return fmt::format("mantissa: worth 1/{}", 1 << (f->mantissa_bits - place));
    }
    return fmt::format("{}: worth {}", field.name, 1 << place);
}

/// A group of cells for each field, or one muted group under `heading` when there is one.
void add_cells(Cells& cells, const NumberFormat& numbers, std::uint32_t code,
               const std::string& heading, bool narrow) {
    int bit = numbers.bits();
    const auto begin_group = [&cells](std::string text) {
        cells.groups.push_back(std::move(text));
        cells.group_starts.push_back(static_cast<int>(cells.items.size()));
    };
    if (!heading.empty()) {
        begin_group(heading);
    }
    for (const BitField& field : numbers.fields()) {
        if (heading.empty()) {
            begin_group(field.bits == 1 && narrow ? field.name.substr(0, 1) : field.name);
        }
        for (int place = field.bits - 1; place >= 0; --place) {
            const bool set = (code >> --bit & 1) != 0;
            cells.items.push_back({.role = heading.empty() ? field_role(field.name) : Role::muted,
                                   .filled = 1,
                                   .text = set ? "1" : "0",
                                   .label = bit_meaning(numbers, field, place),
                                   .outlined = !set});
        }
    }
}

bool inside(const NumberWindow& w, double x) {
    return x >= w.low && x <= w.high;
}

double on_axis(const NumberWindow& w, double value) {
    if (w.scale == Scale::linear) {
        return value;
    }
    return value == 0 ? w.low : std::abs(value);
}

Handle value_handle(const NumberWindow& w, double value) {
    Handle handle;
    handle.label = number_text(value);
    handle.x = on_axis(w, value);
    handle.x_param = "value";
    // A log axis shows magnitudes: a negative number stays negative while it is dragged.
    handle.x_scale = w.scale != Scale::linear && value < 0 ? -1 : 1;
    return handle;
}

/// One row of the comparison between two heights of a y axis with these limits.
Mark tick_row(const ScaledFormat& f, Role role, const NumberWindow& w,
              std::pair<double, double> heights, std::pair<double, double> limits) {
    if (f.count_between(w.low, w.high) > most_ticks) {
        const double low = std::max(w.low, w.scale == Scale::linear ? f.lowest() : f.smallest());
        const double high = std::min(w.high, f.largest());
        return Band{"",
                    role,
                    {low, high},
                    {heights.first, heights.first},
                    {heights.second, heights.second}};
    }
    const double span = limits.second - limits.first;
    Ticks ticks;
    ticks.role = role;
    ticks.at = f.values_between(w.low, w.high, most_ticks);
    ticks.start = (heights.first - limits.first) / span;
    ticks.length = (heights.second - heights.first) / span;
    return ticks;
}

/// Counts up to a million in full, larger ones in words of the eye: "4.28 G".
std::string count_text(double count) {
    return count < 1e6 ? format_count(count) : format_si(count);
}

}  // namespace

NumberWindow number_window(const std::vector<ScaledFormat>& formats, double value, double reach,
                           double zoom, Scale scale) {
    const double size = std::abs(value);
    if (scale != Scale::linear) {
        double low = std::numeric_limits<double>::infinity(), high = 0;
        for (const ScaledFormat& f : formats) {
            low = f.smallest() > 0 ? std::min(low, f.smallest()) : low;
            high = std::max(high, f.largest());
        }
        if (!(low < high)) {  // a block whose scale rounded to zero holds nothing
            low = reach * 0x1p-20;
            high = reach;
        }
        // Sixty binades are what a reader can tell apart; the widest formats go beyond.
        high = std::min(high, std::max(size, reach) * 0x1p30);
        low = std::max(low, high * 0x1p-60);
        high = std::max(high, size);
        low = size > 0 ? std::min(low, size) : low;
        return {low / 1.5, high * 1.5, scale};
    }
    double half = 1.04 * reach;
    if (size > half) {  // the next 1, 2 or 5 times a power of ten: steps, not a slide
        const double power = std::pow(10, std::floor(std::log10(size)));
        const double lead = 1.02 * size / power;
        half = power * (lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
    }
    half /= zoom;
    const double centre = zoom > 1 ? std::round(value / half) * half : 0;
    return {centre - half, centre + half, scale};
}

Figure bits_figure(const ScaledFormat& f, double value) {
    Cells cells;
    const int width = f.numbers->bits() + (f.block ? f.block->scale->bits() : 0);
    const bool narrow = width > 10;
    if (f.block) {
        add_cells(cells, *f.block->scale, f.scale_code,
                  "scale of the block: " + f.block->scale->name(), narrow);
    }
    const std::uint32_t code = f.encode(value);
    add_cells(cells, *f.numbers, code, "", narrow);
    cells.columns = width;
    Figure figure = named("bits",
                          fmt::format("{} in {}: code {}",
                                      number_text(value, telling_digits(f, value)), f.name(), code),
                          fmt::format("The bits of code {} of {}, from the sign down: {}.", code,
                                      f.name(), bits_text(code, f.numbers->bits())));
    figure.x.hidden = figure.y.hidden = true;
    figure.marks = {std::move(cells)};
    return figure;
}

Figure ticks_figure(const std::vector<ScaledFormat>& formats, double value, const NumberWindow& w) {
    const auto rows = static_cast<double>(formats.size());
    Figure figure =
        named("ticks",
              w.scale == Scale::linear ? "A tick for every number that a format can hold"
                                       : "A tick for every magnitude that a format can hold",
              "One row of ticks a format; a tick is a number that it can hold.");
    figure.x = {.label = w.scale == Scale::linear ? "value" : "magnitude",
                .scale = w.scale,
                .limits = {{w.low, w.high}}};
    // A row of ticks is centred on a whole number; what the format makes of the value stands in the
    // gap above it.
    constexpr double half = 0.17, middle_of_gap = 0.46;
    const double bottom = -0.5,
                 top = rows - 0.15;  // room for the grip, and for the subject's label
    figure.y = {.label = "format: numbers in view", .limits = {{bottom, top}}};
    const Neighbourhood n = formats.front().neighbourhood(value);
    const double from = std::max(n.low, w.low), to = std::min(n.high, w.high);
    if (from < to && w.scale == Scale::linear && std::isfinite(formats.front().stored(value))) {
        figure.marks.emplace_back(
            Band{"", Role::subject, {from, to}, {rows - 1 - half, rows - 1 - half}, {top, top}});
    }
    Points subject, others;
    others.role = Role::reference;
    for (std::size_t i = 0; i < formats.size(); ++i) {
        const ScaledFormat& f = formats[i];
        const double y = rows - 1 - static_cast<double>(i);
        figure.y.named_ticks.emplace_back(
            y, fmt::format("{}: {}", f.name(),
                           count_text(static_cast<double>(f.count_between(w.low, w.high)))));
        figure.marks.push_back(tick_row(f, i == 0 ? Role::subject : Role::reference, w,
                                        {y - half, y + half}, {bottom, top}));
        const double stored = f.stored(value);
        const double x = on_axis(w, stored);
        if (inside(w, x)) {
            Points& points = i == 0 ? subject : others;
            points.x.push_back(x);
            points.y.push_back(y + middle_of_gap);
            points.names.push_back(number_text(stored, telling_digits(f, value)));
        }
    }
    for (Points* points : {&subject, &others}) {
        if (!points->x.empty()) {
            figure.marks.emplace_back(std::move(*points));
        }
    }
    figure.marks.emplace_back(value_handle(w, value));
    return figure;
}

Figure close_up_figure(const ScaledFormat& f, double value) {
    const double stored = f.stored(value);
    const int digits = telling_digits(f, value);
    Figure figure =
        named("close-up",
              std::isfinite(stored)
                  ? fmt::format("Everything shaded is stored as {}", number_text(stored, digits))
                  : fmt::format("The numbers nearest to {}", number_text(value)),
              "The numbers next to the value and the interval that rounds to one.");
    const Neighbourhood n = f.neighbourhood(value);
    // Twelve numbers; the window hops four at a time, so that the handle can be dragged in it.
    const NumberFormat& numbers = *f.numbers;
    const std::int64_t rank = numbers.rank_from(std::isnan(n.value) ? 0 : n.value / f.scale);
    const std::int64_t hop = rank - ((rank % 4) + 4) % 4;
    const std::int64_t first = std::max(numbers.first_rank(), hop - 4);
    const std::int64_t last = std::min(numbers.last_rank(), std::max(hop + 7, first));
    const double left = numbers.at(first) * f.scale, right = numbers.at(last) * f.scale;
    NumberWindow w;
    if (left > 0 && right > 64 * left) {  // E8M0: nothing but powers of two
        w = {left / 1.5, right * 1.5, Scale::log2};
    } else {
        // Alone on its line only when a block's scale rounded to zero.
        const double margin = right > left ? (right - left) / 12 : 1;
        w = {left - margin, right + margin, Scale::linear};
    }
    figure.x.scale = w.scale;
    figure.x.limits = {{w.low, w.high}};
    figure.y.limits = {{0, 1}};
    figure.y.hidden = true;
    if (std::isfinite(stored)) {
        const double low = std::max(n.low, w.low), high = std::min(n.high, w.high);
        figure.marks.emplace_back(Band{"", Role::subject, {low, high}, {0, 0}, {1, 1}});
    }
    Ticks ticks;
    ticks.length = 0.45;
    ticks.at = f.values_between(w.low, w.high, most_ticks);
    figure.marks.emplace_back(std::move(ticks));
    Points near;
    for (const double x : {n.below, n.value, n.above}) {
        if (std::isfinite(x)) {
            near.x.push_back(x);
            near.y.push_back(0.78);  // clear of the grip in the middle
            near.names.push_back(number_text(x, std::max(digits, 5)));
        }
    }
    figure.marks.emplace_back(std::move(near));
    if (inside(w, value)) {
        Handle handle = value_handle(w, value);
        handle.label.clear();  // the room is the neighbours'
        figure.marks.emplace_back(std::move(handle));
    }
    return figure;
}

Figure nf4_figure() {
    const auto derived = derive_nf4();
    const double widest = normal_quantile(nf4_offset);
    Figure figure = named("nf4", "NF4: even steps of probability",
                          "The normal distribution function with the sixteen levels on it, "
                          "evenly spaced in probability on each side of zero.");
    figure.x = {.label = fmt::format("level = quantile / {}", number_text(widest)),
                .limits = {{-1.06, 1.06}}};
    figure.y = {.label = "probability", .limits = {{0, 1.02}}};
    Line curve{"normal", Role::reference, {}, {}};
    Points levels{"derived", Role::subject, {}, {}};
    for (int i = 0; i <= 200; ++i) {
        const double p = 1 - nf4_offset + (2 * nf4_offset - 1) * i / 200;
        curve.x.push_back(normal_quantile(p) / widest);
        curve.y.push_back(p);
    }
    for (const double level : derived) {
        levels.x.push_back(level);
        levels.y.push_back(std::erfc(-level * widest / std::sqrt(2.0)) / 2);
    }
    Ticks published{"published", Role::limit, true, {}, 0.12};
    published.at = {formats::nf4_levels.begin(), formats::nf4_levels.end()};
    double worst = 0;
    for (std::size_t code = 0; code < derived.size(); ++code) {
        worst = std::max(worst, std::abs(derived[code] - published.at[code]));
    }
    figure.footnote = fmt::format("8 steps up to {}, 7 down; table: ±{}.", number_text(nf4_offset),
                                  number_text(worst, 2));
    figure.marks = {std::move(curve), std::move(published), std::move(levels)};
    return figure;
}

}  // namespace nibble
