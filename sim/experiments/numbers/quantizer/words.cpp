// The sentences, metrics, equations and tables of the quantizer lab, all from the values.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/numbers/quantizer/figures.hpp"

namespace nibble::quantizer_lab {
namespace {

constexpr double db_per_bit = 6.0205999132796239;   // 20 log10(2)
constexpr double noticeable = 3, negligible = 0.1;  // dB
constexpr double large_model = 70e9;                // weights

std::string num(double value) {
    return format_number(value);
}

std::string decibels(double value) {
    return std::isinf(value) ? "no error at all" : num(value) + " dB";
}

std::string capitalised(std::string text) {
    text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    return text;
}

/// The numbers that sentences, metrics and tables share.
struct Numbers {
    double mse, sqnr, zeros;  // zeros in per cent
    double tensor_mse, tensor_sqnr, tensor_zeros;
    StorageBits bits, tensor_bits;

    explicit Numbers(const Data& d)
        : mse(d.mse(d.chosen_totals.squared_error)),
          sqnr(d.sqnr(d.chosen_totals.squared_error)),
          zeros(100 * d.chosen_totals.zeros / static_cast<double>(d.weights())),
          tensor_mse(d.mse(d.tensor_totals.squared_error)),
          tensor_sqnr(d.sqnr(d.tensor_totals.squared_error)),
          tensor_zeros(100 * d.tensor_totals.zeros / static_cast<double>(d.weights())),
          bits(storage(d.chosen, d.source->rows, d.source->cols)),
          tensor_bits(storage(d.tensor, d.source->rows, d.source->cols)) {}
};

/// "groups of 32", "scales per channel": what the verb of a sentence agrees with.
/// Significant digits that keep "nearly all" from being written as 100 %.
int digits_of_share(double per_cent) {
    int digits = 3;
    while (digits < 9 && per_cent < 100 && format_number(per_cent, digits) == "100") {
        ++digits;
    }
    return digits;
}

std::string share(double per_cent) {
    return format_number(per_cent, digits_of_share(per_cent));
}

std::string sharers(const Data& d) {
    const std::string name = granularity_name(d.chosen);
    return d.chosen.granularity == Granularity::group ? name : "scales " + name;
}

/// Decibels that one scale for the tensor loses because it has to reach the lone outlier.
double cost_of_outlier(const Data& d) {
    const auto others = static_cast<double>(d.tensor.extent(d.others_low, d.others_high));
    const double ratio = static_cast<double>(d.tensor.extent(d.low, d.high)) / others;
    return others > 0 ? 20 * std::log10(ratio) : 0;
}

/// The lone outlier when it is none, else nothing.
std::string absent_outlier(const Data& d) {
    const auto others = static_cast<double>(std::max(-d.others_low, d.others_high)) / d.sigma;
    return d.outliers.kind == OutlierKind::weight && d.outliers.magnitude <= others
               ? fmt::format(
                     " No outlier: other weights reach {} σ, the one at {} σ does not "
                     "stand out.",
                     num(others), num(d.outliers.magnitude))
               : "";
}

std::string finding(const Data& d, const Numbers& n) {
    if (d.chosen == d.tensor) {
        return fmt::format("One scale for {} weights: {} where 6.02 dB a bit promises {}",
                           format_count(static_cast<double>(d.weights())), decibels(n.sqnr),
                           decibels(db_per_bit * d.chosen.code_bits()));
    }
    const std::string subject = capitalised(sharers(d));
    const double gain = n.sqnr - n.tensor_sqnr;
    if (!std::isfinite(gain)) {
        return fmt::format("{} leave {}", subject, decibels(n.sqnr));
    }
    if (gain >= noticeable && cost_of_outlier(d) >= noticeable) {
        return "One outlier takes the resolution of every weight that shares its scale";
    }
    if (std::abs(gain) < negligible) {
        return fmt::format("{} change next to nothing against one scale for the tensor", subject);
    }
    if (gain < 0) {
        return fmt::format("{} lose {} against one scale for the tensor", subject, decibels(-gain));
    }
    return fmt::format("{} keep {} that one scale for the tensor loses", subject, decibels(gain));
}

std::string explanation(const Data& d, const Numbers& n) {
    std::string text;
    if (!d.source->synthetic) {
        text = fmt::format("{}, {} × {}. ", d.source->name, d.source->rows, d.source->cols);
    }
    if (d.chosen == d.tensor) {
        text +=
            fmt::format("{} with one scale rounds {} % of the weights to 0; the error is {} σ².",
                        scheme_name(d.chosen), share(n.zeros), num(n.mse));
    } else {
        text += fmt::format(
            "Per tensor, {} % of the weights become 0 and the error is {} σ²; {} bring that to "
            "{} % and {} σ² for {} more bits a weight.",
            share(n.tensor_zeros), num(n.tensor_mse), sharers(d), share(n.zeros), num(n.mse),
            num(n.bits.total() - n.tensor_bits.total()));
    }
    if (!d.chosen.is_integer()) {
        const auto i = static_cast<std::size_t>(d.chosen.code_bits() - fewest_bits);
        text += fmt::format(" Absmax integers of {} bits with the same scales reach {}; {} {}.",
                            d.chosen.code_bits(), decibels(d.sqnr(d.chosen_by_bits[i])),
                            scheme_name(d.chosen), decibels(n.sqnr));
    }
    return text + absent_outlier(d);
}

/// After the headlines about the error and the cost; nothing where no clock ran.
void insert_throughput(std::vector<Metric>& list, const Data& d) {
    if (d.rate) {
        Metric m{"throughput",
                 "Throughput",
                 1e-9 * sizeof(float) * d.rate->weights_per_second,
                 "GB/s",
                 Origin{Origin::Kind::measured_here, d.rate->source},
                 Better::higher};
        m.timed = true;
        list.insert(list.begin() + 4, std::move(m));
    }
}

std::vector<Metric> metrics(const Data& d, const Numbers& n) {
    const Origin measured{Origin::Kind::measured_here}, computed{Origin::Kind::computed};
    const auto weights = static_cast<double>(d.weights());
    std::vector<Metric> list = {
        {"mse", "Mean squared error", n.mse, "σ²", measured, Better::lower},
        {"sqnr", "SQNR", n.sqnr, "dB", measured, Better::higher},
        {"zero_codes", "Weights that become 0", n.zeros, "%", measured, Better::lower,
         NumberStyle::plain, digits_of_share(n.zeros)},
        {"bits_per_weight", "Storage", n.bits.total(), "bits/weight", computed, Better::lower,
         NumberStyle::plain, 6},
        {"max_error", "Largest error", d.chosen_totals.largest_error / d.sigma, "σ", measured,
         Better::lower},
        {"theory_sqnr", "6.02 dB a bit", db_per_bit * d.chosen.code_bits(), "dB", computed},
        {"tensor_mse", "Mean squared error per tensor", n.tensor_mse, "σ²", measured},
        {"tensor_sqnr", "SQNR per tensor", n.tensor_sqnr, "dB", measured},
        {"tensor_zero_codes", "Weights that become 0 per tensor", n.tensor_zeros, "%", measured,
         Better::neither, NumberStyle::plain, digits_of_share(n.tensor_zeros)},
        {"scale_bits_per_weight", "Scales and zero points", n.bits.scales + n.bits.zero_points,
         "bits/weight", computed, Better::lower, NumberStyle::plain, 6},
        {"tensor_size", "Size of the tensor", weights * n.bits.total() / 8, "B", computed,
         Better::lower, NumberStyle::bytes},
        {"tensor_size_fp16", "Size in FP16", weights * 2, "B", computed, Better::neither,
         NumberStyle::bytes},
        {"size_of_70e9", "70 billion such weights", large_model * n.bits.total() / 8 / 1e9, "GB",
         computed, Better::lower},
        {"sigma", "Standard deviation", d.sigma, "", measured},
    };
    insert_throughput(list, d);
    return list;
}

Equation scale_equation(const Data& d, const GroupView& g) {
    const double absmax = static_cast<double>(std::max(std::abs(g.low), std::abs(g.high)));
    const double high = std::max(static_cast<double>(g.high), 0.0);
    const double low = std::min(static_cast<double>(g.low), 0.0);
    const int bits = d.chosen.bits;
    const bool shared = d.chosen.granularity == Granularity::tensor;
    const std::string note = shared ? "one scale for all" : place_of(d, g);
    const std::string s = num(g.scale), top = num(absmax);
    if (absmax == 0) {
        return {"s = 1", "all weights of the group are 0", note};
    }
    switch (d.chosen.scheme) {
        case Scheme::absmax:
            if (d.chosen.full_range) {
                return {"s = 2 max|w| / (2^{b} - 1)",
                        fmt::format("{} = 2 · {} / {}", s, top, (1 << bits) - 1), note};
            }
            return {"s = max|w| / (2^{b-1} - 1)",
                    fmt::format("{} = {} / {}", s, top, (1 << (bits - 1)) - 1), note};
        case Scheme::zero_point:
            return {
                "s = (max w - min w) / (2^{b} - 1)",
                fmt::format("{} = ({} - {}) / {}", s, num(high),
                            low < 0 ? fmt::format("({})", num(low)) : num(low), (1 << bits) - 1),
                note};
        case Scheme::nf4:
        case Scheme::fp4:
            // The scale is the absmax, but for the rounding of its storage.
            return {"s = max|w|",
                    s == top ? s
                             : fmt::format("{} ≈ {}", format_number(g.scale, 5),
                                           format_number(absmax, 5)),
                    note};
        default:
            return {"s = max|w| / max_{FP8}",
                    fmt::format("{} = {} / {}", s, top, num(d.chosen.steps())), note};
    }
}

std::vector<Equation> equations(const Data& d, const GroupView& g, const Numbers& n) {
    std::vector<Equation> list = {scale_equation(d, g)};
    if (d.chosen.scheme == Scheme::zero_point) {
        const double low = std::min(static_cast<double>(g.low), 0.0);
        list.push_back({"z = round(-min w / s)",
                        fmt::format("{} = round({} / {})", num(g.zero_point),
                                    num(low < 0 ? -low : 0.0), num(g.scale)),
                        ""});
    }
    std::string symbols = "bits = codes + scales",
                values = fmt::format("{} = {} + {}", format_number(n.bits.total(), 6),
                                     num(n.bits.codes), format_number(n.bits.scales, 4));
    if (n.bits.zero_points > 0) {
        symbols += " + zero points";
        values += " + " + format_number(n.bits.zero_points, 4);
    }
    list.push_back({symbols, values, "a weight"});
    return list;
}

Table by_bits(const Data& d) {
    Table t{"by_bits",
            {{"bits"},
             {"mse", "σ²"},
             {"sqnr", "dB"},
             {"tensor_mse", "σ²"},
             {"tensor_sqnr", "dB"},
             {"bits_per_weight", "bit"}},
            {}};
    for (int bits = fewest_bits; bits <= most_bits; ++bits) {
        const auto i = static_cast<std::size_t>(bits - fewest_bits);
        Quantizer q = d.chosen;
        q.bits = bits;
        q.scheme = q.is_integer() ? q.scheme : Scheme::absmax;
        t.rows.push_back({std::int64_t{bits}, d.mse(d.chosen_by_bits[i]),
                          d.sqnr(d.chosen_by_bits[i]), d.mse(d.tensor_by_bits[i]),
                          d.sqnr(d.tensor_by_bits[i]),
                          storage(q, d.source->rows, d.source->cols).total()});
    }
    return t;
}

Table worst_groups(const Data& d) {
    Table t{"worst_groups",
            {{"row"}, {"first_column"}, {"weights"}, {"mse", "σ²"}, {"tensor_mse", "σ²"}},
            {}};
    const std::size_t cols = d.source->cols, run = d.chosen.run_length(cols);
    for (const GroupError& e : d.worst_groups) {
        const std::size_t size = std::min(run, cols - e.group * run);
        const double unit = static_cast<double>(size) * d.sigma * d.sigma;
        t.rows.push_back({static_cast<std::int64_t>(e.row),
                          static_cast<std::int64_t>(e.group * run), static_cast<std::int64_t>(size),
                          e.squared_error / unit, e.tensor_squared_error / unit});
    }
    return t;
}

}  // namespace

std::string place_of(const Data& d, const GroupView& g) {
    switch (d.chosen.granularity) {
        case Granularity::tensor:
            return "the tensor";
        case Granularity::channel:
            return fmt::format("row {}", g.row);
        default:
            return g.size == 1 ? fmt::format("row {}, column {}", g.row, g.first_col)
                               : fmt::format("row {}, columns {} to {}", g.row, g.first_col,
                                             g.first_col + g.size - 1);
    }
}

void describe(const Data& data, const GroupView& group, Outcome& outcome) {
    const Numbers n(data);
    outcome.finding = finding(data, n);
    outcome.explanation = explanation(data, n);
    outcome.metrics = metrics(data, n);
    outcome.equations = equations(data, group, n);
    outcome.tables = {by_bits(data), worst_groups(data)};
    if (data.stride > 1) {
        outcome.sampling = fmt::format(
            "estimated from {} of {} rows{}", data.rows.size(), data.source->rows,
            data.device == kernels::Machine::emulated ? ": the emulator takes small matrices only"
                                                      : "");
    }
}

}  // namespace nibble::quantizer_lab
