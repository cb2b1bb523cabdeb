// The sentences, metrics, equations and tables of the number formats lab, all from the values.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/numbers/number_formats/data.hpp"
#include "sim/formats/format_text.hpp"
#include "sim/formats/tensor_sample.hpp"

namespace nibble::number_formats_lab {
namespace {

/// A format without sign and zero holds scales, not weights: its error on a tensor says nothing.
bool is_scale_format(const ScaledFormat& f) {
    return !f.block && f.numbers->as_float() && !f.numbers->as_float()->is_signed;
}

std::string explanation(const std::vector<ScaledFormat>& rows, double value, const Data& data) {
    const ScaledFormat& f = rows.front();
    const Neighbourhood n = f.neighbourhood(value);
    const int digits = telling_digits(f, value);
    std::string text;
    if (!std::isfinite(f.stored(value)) && !std::isnan(n.value)) {
        text = fmt::format("The last number is {}; from {} on there is none to round to.",
                           number_text(n.value), number_text(value > 0 ? n.high : n.low));
    } else if (std::isfinite(n.low) && std::isfinite(n.high)) {
        text =
            fmt::format("Everything between {} and {} is stored as {}.", number_text(n.low, digits),
                        number_text(n.high, digits), number_text(n.value, digits));
    } else if (!std::isnan(n.value)) {
        text = fmt::format("{} is the end of the line: its neighbour is {} away.",
                           number_text(n.value), number_text(n.ulp));
    }
    std::string losses;
    for (const Data::Fit& fit : data.fits) {
        const bool told = fit.id == f.id() || fit.id == "int8" || fit.id == "nf4";
        const auto row = std::find_if(rows.begin(), rows.end(),
                                      [&](const ScaledFormat& r) { return r.id() == fit.id; });
        if (told && row != rows.end() && !is_scale_format(*row) && fit.fit.signal > 0) {
            const double db = fit.fit.sqnr_db();
            losses += fmt::format(
                "{}{} {}", losses.empty() ? "" : ", ", row->name(),
                std::isfinite(db) ? number_text(db, 3) + "\u00a0dB" : "exact (no error)");
        }
    }
    if (!losses.empty()) {
        const std::string count = format_count(static_cast<double>(data.sampled));
        text += fmt::format("{}Signal over error on {}{} ({} values): {}.", text.empty() ? "" : " ",
                            data.is_file ? "tensor " : "", data.source, count, losses);
    }
    if (is_scale_format(f)) {
        text += fmt::format(" {} is a scale format: no sign, no zero, so no weights.", f.name());
    }
    if (data.nans + data.infinities > 0) {
        text += fmt::format(" Left out: {} NaN and {} infinite of {} values.",
                            format_count(static_cast<double>(data.nans)),
                            format_count(static_cast<double>(data.infinities)),
                            format_count(static_cast<double>(data.sampled)));
    }
    return text.empty() ? fmt::format("{} has {} codes.", f.name(),
                                      format_count(std::ldexp(1.0, f.numbers->bits())))
                        : text;
}

void add_metrics(Outcome& o, const ScaledFormat& f, double value, const TensorFit& fit) {
    const double stored = f.stored(value);
    const double wrong = std::abs(stored - value);
    const Origin computed{}, measured{Origin::Kind::measured_here, {}};
    const auto add = [&o](std::string name, std::string label, double v, std::string unit,
                          const Origin& origin, Better better = Better::neither, int digits = 4) {
        o.metrics.push_back({.name = std::move(name),
                             .label = std::move(label),
                             .value = v,
                             .unit = std::move(unit),
                             .origin = origin,
                             .better = better,
                             .digits = digits});
    };
    add("stored_value", "Stored value", stored, "", computed, Better::neither,
        std::max(6, telling_digits(f, value)));
    add("relative_error", "Relative error", 100 * relative_error(value, stored), "%", computed,
        Better::lower, 3);
    if (std::isfinite(fit.sqnr_db()) && !is_scale_format(f)) {
        add("sqnr", "Signal to noise, tensor", fit.sqnr_db(), "dB", measured, Better::higher, 3);
    }
    add("bits_per_value", "Storage", f.bits_per_value(), "bits / value", computed, Better::lower);
    add("distinct_values", "Distinct numbers", static_cast<double>(f.numbers->count()), "",
        computed, Better::neither, 10);
    add("absolute_error", "Absolute error", wrong, "", computed, Better::lower, 3);
    add("ulp", "Gap to the neighbour", f.neighbourhood(value).ulp, "", computed, Better::lower);
    add("code", "Code", f.encode(value), "", computed, Better::neither, 10);
    add("scale", "Scale", f.scale, "", computed, Better::neither, 5);
    add("largest", "Largest", f.largest(), "", computed, Better::neither, 6);
    add("smallest_normal", "Smallest normal", f.smallest_normal(), "", computed);
    add("smallest_subnormal", "Smallest above zero", f.smallest(), "", computed);
    add("dynamic_range", "Dynamic range", 20 * std::log10(f.range_ratio()), "dB", computed,
        Better::higher, 4);
    add("half_range", "Half of the numbers lie within", f.half_range(), "", computed);
    add("clipped", "Values clipped", 100 * fit.clipped, "%", measured, Better::lower, 3);
    add("zeros", "Values that become zero", 100 * fit.zeros, "%", measured, Better::lower, 3);
}

Table comparison_table(const std::vector<ScaledFormat>& rows, double value, const Data& data) {
    Table table{"formats",
                {{"format"},
                 {"bits_per_value", "bit"},
                 {"numbers"},
                 {"largest"},
                 {"smallest"},
                 {"stored"},
                 {"relative_error", "%"},
                 {"sqnr", "dB"}},
                {}};
    for (const ScaledFormat& f : rows) {
        const auto fit = std::find_if(data.fits.begin(), data.fits.end(),
                                      [&](const Data::Fit& x) { return x.id == f.id(); });
        const double db = fit->fit.sqnr_db();
        const Table::Cell ratio = is_scale_format(f)  ? Table::Cell(std::string("not for weights"))
                                  : std::isfinite(db) ? Table::Cell(db)
                                                      : Table::Cell(std::string("exact"));
        table.rows.push_back({f.id(), f.bits_per_value(), f.numbers->count(), f.largest(),
                              f.smallest(), f.stored(value),
                              100 * relative_error(value, f.stored(value)), ratio});
    }
    return table;
}

}  // namespace

void describe(const std::vector<ScaledFormat>& rows, double value, const Data& data, Outcome& o) {
    const ScaledFormat& chosen = rows.front();
    o.finding = format_finding(chosen, value);
    o.explanation = explanation(rows, value, data);
    o.tables.push_back(comparison_table(rows, value, data));
    if (chosen.id() == "nf4") {
        o.tables.push_back(nf4_table());
    }
    if (chosen.numbers->bits() <= 8) {
        o.tables.push_back(code_table(chosen));
    }
    add_metrics(o, chosen, value, data.fits.front().fit);
    o.equations = format_equations(chosen, value);
    if (data.sampled < data.total) {
        o.sampling = fmt::format("{} of {} values of {}, in evenly spaced runs of {}",
                                 format_count(static_cast<double>(data.sampled)),
                                 format_count(static_cast<double>(data.total)), data.source,
                                 TensorSample::run_length);
    }
}

}  // namespace nibble::number_formats_lab
