#include "sim/formats/format_figures.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/error.hpp"
#include "sim/core/rng.hpp"
#include "sim/core/text.hpp"
#include "sim/formats/codebooks.hpp"

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

void add_cells(Cells& cells, const NumberFormat& numbers, std::uint32_t code,
               const std::string& prefix) {
    int bit = numbers.bits();
    for (const BitField& field : numbers.fields()) {
        cells.groups.push_back(prefix + field.name);
        cells.group_starts.push_back(static_cast<int>(cells.items.size()));
        const Role role = prefix.empty() ? field_role(field.name) : Role::muted;
        for (int place = field.bits - 1; place >= 0; --place) {
            const bool set = (code >> --bit & 1) != 0;
            cells.items.push_back({.role = role,
                                   .filled = 1,
                                   .text = set ? "1" : "0",
                                   .label = bit_meaning(numbers, field, place),
                                   .outlined = !set});
        }
    }
}

std::string bits_text(std::uint32_t code, int bits) {
    return fmt::format("{:0{}b}", code, bits);
}

/// Formats without a sign hold magnitudes only; others are symmetric enough to show both sides.
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
    handle.label = number_text(value, 6);
    handle.x = on_axis(w, value);
    handle.x_param = "value";
    // A log axis shows magnitudes: a negative number stays negative while it is dragged.
    handle.x_scale = w.scale != Scale::linear && value < 0 ? -1 : 1;
    return handle;
}

/// One row of the comparison, from `bottom` up, `height` tall (both shares of the plot).
Mark tick_row(const ScaledFormat& f, Role role, const NumberWindow& w, double bottom, double height,
              double rows) {
    if (f.count_between(w.low, w.high) > most_ticks) {
        const double low = std::max(w.low, w.scale == Scale::linear ? f.lowest() : f.smallest());
        const double high = std::min(w.high, f.largest());
        const double y0 = bottom * rows - 0.5, y1 = (bottom + height) * rows - 0.5;
        return Band{f.name(), role, {low, high}, {y0, y0}, {y1, y1}};
    }
    Ticks ticks;
    ticks.role = role;
    ticks.at = f.values_between(w.low, w.high, most_ticks);
    ticks.start = bottom;
    ticks.length = height;
    return ticks;
}

}  // namespace

std::string number_text(double value, int digits) {
    if (std::isnan(value)) {
        return "NaN";
    }
    if (std::isinf(value)) {
        return value > 0 ? "infinity" : "-infinity";
    }
    return format_number(value, digits);
}

NumberWindow number_window(const std::vector<ScaledFormat>& formats, double value, double reach,
                           double zoom, Scale scale) {
    const double size = std::abs(value);
    if (scale != Scale::linear) {
        double low = std::numeric_limits<double>::infinity(), high = 0;
        for (const ScaledFormat& f : formats) {
            low = f.smallest() > 0 ? std::min(low, f.smallest()) : low;
            high = std::max(high, f.largest());
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
    if (f.block) {
        add_cells(cells, *f.block->scale, f.scale_code, "scale: ");
    }
    const std::uint32_t code = f.encode(value);
    add_cells(cells, *f.numbers, code, "");
    cells.columns = static_cast<int>(cells.items.size());
    Figure figure = named("bits", fmt::format("The {} bits of {}", f.numbers->bits(), f.name()),
                          fmt::format("Code {} of {}, bits grouped by meaning: {}.", code, f.name(),
                                      bits_text(code, f.numbers->bits())));
    figure.x.hidden = figure.y.hidden = true;
    figure.footnote = fmt::format("filled: 1. Code {} of {}", code,
                                  format_count(std::ldexp(1.0, f.numbers->bits())));
    figure.marks = {std::move(cells)};
    return figure;
}

Figure ticks_figure(const std::vector<ScaledFormat>& formats, double value, const NumberWindow& w) {
    const auto rows = static_cast<double>(formats.size());
    Figure figure = named("ticks",
                          w.scale == Scale::linear
                              ? "Every number each format can hold, on one line"
                              : "Every magnitude each format can hold, on one logarithmic line",
                          "One row of ticks a format; a tick is a number that it can hold.");
    figure.x = {.label = w.scale == Scale::linear ? "value" : "magnitude",
                .scale = w.scale,
                .limits = {{w.low, w.high}}};
    figure.y.limits = {{-0.5, rows - 0.5}};
    Points subject, others;
    others.role = Role::reference;
    for (std::size_t i = 0; i < formats.size(); ++i) {
        const ScaledFormat& f = formats[i];
        const double y = rows - 1 - static_cast<double>(i);
        figure.y.named_ticks.emplace_back(y, f.name());
        constexpr double below = 0.34, above = 0.08;  // the rest of the row is for its label
        const Role role = i == 0 ? Role::subject : Role::reference;
        figure.marks.push_back(
            tick_row(f, role, w, (y - below + 0.5) / rows, (below + above) / rows, rows));
        const double stored = f.stored(value);
        const double x = on_axis(w, stored);
        if (inside(w, x)) {
            Points& points = i == 0 ? subject : others;
            points.x.push_back(x);
            points.y.push_back(y + above);
            points.names.push_back(number_text(stored));
        }
        figure.footnote +=
            fmt::format("{}{} {}", i == 0 ? "Numbers in view: " : ", ", f.name(),
                        format_count(static_cast<double>(f.count_between(w.low, w.high))));
    }
    figure.footnote += ".";
    for (Points* points : {&subject, &others}) {
        if (!points->x.empty()) {
            figure.marks.emplace_back(std::move(*points));
        }
    }
    figure.marks.emplace_back(value_handle(w, value));
    return figure;
}

Figure close_up_figure(const ScaledFormat& f, double value) {
    Figure figure = named("close-up", "Close up: what rounds to the same number",
                          "The numbers next to the value and the interval that rounds to one.");
    const Neighbourhood n = f.neighbourhood(value);
    // Twelve numbers; the window hops four at a time, so that the handle can be dragged in it.
    const NumberFormat& numbers = *f.numbers;
    const std::int64_t rank = numbers.rank_from(std::isnan(n.value) ? 0 : n.value / f.scale);
    const std::int64_t hop = rank - ((rank % 4) + 4) % 4;
    const std::int64_t first = std::max(numbers.first_rank(), hop - 4);
    const std::int64_t last = std::min(numbers.last_rank(), std::max(hop + 7, first));
    const double left = numbers.at(first) * f.scale, right = numbers.at(last) * f.scale;
    const double margin = std::max((right - left) / 16, n.ulp);  // also when n is NaN
    const NumberWindow w{left - margin, right + margin, Scale::linear};
    figure.x = {.label = "value", .limits = {{w.low, w.high}}};
    figure.y.limits = {{0, 1}};
    figure.y.hidden = true;
    if (std::isfinite(f.stored(value))) {
        const double low = std::max(n.low, w.low), high = std::min(n.high, w.high);
        figure.marks.emplace_back(Band{fmt::format("rounds to {}", number_text(n.value, 6)),
                                       Role::subject,
                                       {low, high},
                                       {0, 0},
                                       {1, 1}});
    }
    Ticks ticks;
    ticks.length = 0.45;
    ticks.at = f.values_between(w.low, w.high, most_ticks);
    figure.marks.emplace_back(std::move(ticks));
    Points near;
    for (const double x : {n.below, n.value, n.above}) {
        if (std::isfinite(x)) {
            near.x.push_back(x);
            near.y.push_back(0.45);
            near.names.push_back(number_text(x, 6));
        }
    }
    figure.marks.emplace_back(std::move(near));
    if (inside(w, value)) {
        figure.marks.emplace_back(value_handle(w, value));
    }
    return figure;
}

Figure nf4_figure() {
    const auto derived = derive_nf4();
    const double widest = normal_quantile(nf4_offset);
    Figure figure = named("nf4", "NF4: even steps of probability, read off the normal distribution",
                          "The normal distribution function with the sixteen levels on it, "
                          "evenly spaced in probability on each side of zero.");
    figure.x = {.label = fmt::format("level = quantile / {}", number_text(widest)),
                .limits = {{-1.06, 1.06}}};
    figure.y = {.label = "probability", .limits = {{0, 1.02}}};
    Line curve{"normal distribution", Role::reference, {}, {}};
    Points levels{"derived levels", Role::subject, {}, {}};
    for (int i = 0; i <= 200; ++i) {
        const double p = 1 - nf4_offset + (2 * nf4_offset - 1) * i / 200;
        curve.x.push_back(normal_quantile(p) / widest);
        curve.y.push_back(p);
    }
    for (const double level : derived) {
        levels.x.push_back(level);
        levels.y.push_back(std::erfc(-level * widest / std::sqrt(2.0)) / 2);
    }
    Ticks published{"published levels", Role::limit, true, {}, 0.12};
    published.at = {nf4_levels().begin(), nf4_levels().end()};
    double worst = 0;
    for (std::size_t code = 0; code < derived.size(); ++code) {
        worst = std::max(worst, std::abs(derived[code] - published.at[code]));
    }
    figure.footnote = fmt::format(
        "Eight steps to {} above zero, seven below; largest difference to the published table: {}.",
        number_text(nf4_offset), number_text(worst, 2));
    figure.marks = {std::move(curve), std::move(published), std::move(levels)};
    return figure;
}

Table nf4_table() {
    Table table{"nf4_levels", {{"code"}, {"derived"}, {"published"}, {"difference"}}, {}};
    const auto derived = derive_nf4();
    for (std::size_t code = 0; code < derived.size(); ++code) {
        const double published = nf4_levels()[code];
        table.rows.push_back(
            {static_cast<std::int64_t>(code), derived[code], published, derived[code] - published});
    }
    return table;
}

std::vector<Equation> format_equations(const ScaledFormat& f, double value) {
    const std::uint32_t code = f.encode(value);
    const std::string stored = number_text(f.stored(value), 6);
    const bool scaled = f.scale != 1;
    const std::string x = scaled ? "X " : "", times = scaled ? number_text(f.scale, 6) + " · " : "";
    Equation equation;
    equation.note = fmt::format("code {}", code);
    if (scaled && !f.block) {
        equation.note += fmt::format("; X = {} / {}", number_text(f.largest()),
                                     number_text(f.numbers->largest()));
    }
    if (const FloatFormat* ff = f.numbers->as_float()) {
        const std::uint32_t magnitude = code & ff->magnitude_mask();
        const std::uint32_t e = magnitude >> ff->mantissa_bits;
        const std::uint32_t m = magnitude & ((1U << ff->mantissa_bits) - 1);
        const bool subnormal = e == 0 && ff->has_zero;
        const std::uint32_t steps = 1U << ff->mantissa_bits;
        const std::string sign =
            ff->is_signed ? fmt::format("(-1)^{{{}}} · ", (code & ff->sign_bit()) != 0 ? 1 : 0)
                          : "";
        const std::string sign_symbol = ff->is_signed ? "(-1)^{s} " : "";
        const std::string fraction_symbol =
            ff->mantissa_bits == 0 ? ""
                                   : fmt::format(" ({}m / {})", subnormal ? "" : "1 + ", steps);
        const std::string fraction =
            ff->mantissa_bits == 0
                ? ""
                : fmt::format(" · ({}{} / {})", subnormal ? "" : "1 + ", m, steps);
        equation.symbols = fmt::format("{}{}2^{{{} - {}}}{}", x, sign_symbol, subnormal ? "1" : "e",
                                       ff->bias, fraction_symbol);
        equation.values = magnitude > ff->largest_code()
                              ? stored
                              : fmt::format("{} = {}{}2^{{{} - {}}}{}", stored, times, sign,
                                            subnormal ? 1 : e, ff->bias, fraction);
    } else if (f.numbers->as_integer()) {
        equation.symbols = "X · code";
        equation.values =
            fmt::format("{} = {}{}", stored, times, number_text(f.numbers->decode(code), 6));
    } else {
        equation.symbols = "X · level_{code}";
        equation.values =
            fmt::format("{} = {}{}", stored, times, number_text(f.numbers->decode(code), 6));
    }
    std::vector<Equation> equations = {std::move(equation)};
    if (f.block) {
        const bool power = f.block->scale_is_power_of_two;
        const int emax = f.numbers->as_float()->largest_exponent();
        equations.push_back(
            {power ? fmt::format("X = 2^{{floor(log_{{2}} max|v|) - {}}}", emax)
                   : fmt::format("X = E4M3(max|v| / {})", number_text(f.numbers->largest())),
             fmt::format("X = {}", number_text(f.scale, 6)),
             f.tensor_scale == 1 ? fmt::format("shared by {} values", f.block->block_size)
                                 : fmt::format("shared by {} values, times {} for the tensor",
                                               f.block->block_size, number_text(f.tensor_scale))});
    }
    return equations;
}

Table code_table(const ScaledFormat& f) {
    const int bits = f.numbers->bits();
    NIBBLE_ASSERT(bits <= 8, "wide formats have too many codes to list");
    Table table{"codes", {{"code"}, {"bits"}, {"number"}, {"value"}}, {}};
    const auto cell = [](double x) {
        return std::isfinite(x) ? Table::Cell(x) : Table::Cell(number_text(x));
    };
    for (std::uint32_t code = 0; code < (1U << bits); ++code) {
        const double number = f.numbers->decode(code);
        table.rows.push_back({static_cast<std::int64_t>(code), bits_text(code, bits), cell(number),
                              cell(number * f.scale)});
    }
    return table;
}

}  // namespace nibble
