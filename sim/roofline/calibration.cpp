#include "sim/roofline/calibration.hpp"

#include <array>
#include <cmath>
#include <map>
#include <mutex>

#include "sim/core/error.hpp"
#include "sim/roofline/catalogue.hpp"

namespace nibble {
namespace {

using Constants = std::array<double, 3>;  // fixed in microseconds, compute share, memory share
constexpr Constants lowest = {0, 0.02, 0.02}, highest = {100, 1, 1};

RoofFit fit_of(const Constants& c) {
    RoofFit fit;
    fit.fixed = {c[0] * micro};
    fit.compute_share = c[1];
    fit.memory_share = c[2];
    return fit;
}

double mean_log_error(const std::vector<FitPoint>& points, const RoofFit& fit) {
    double sum = 0;
    for (const FitPoint& p : points) {
        sum += std::abs(std::log(ratio(fit.time(p.ideal), p.measured)));
    }
    return sum / static_cast<double>(points.size());
}

double quantile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

/// Steps along one constant at a time, halving the steps where none helps.
Constants searched(const std::vector<FitPoint>& points) {
    Constants best = {10, 0.7, 0.7}, step = {4, 0.2, 0.2};
    double error = mean_log_error(points, fit_of(best));
    while (step[1] > 1e-4) {
        bool moved = false;
        for (std::size_t i = 0; i < best.size(); ++i) {
            for (const double sign : {1.0, -1.0}) {
                Constants tried = best;
                tried[i] = std::clamp(tried[i] + sign * step[i], lowest[i], highest[i]);
                const double e = mean_log_error(points, fit_of(tried));
                if (e < error - 1e-12) {
                    error = e;
                    best = tried;
                    moved = true;
                }
            }
        }
        if (!moved) {
            for (double& s : step) {
                s /= 2;
            }
        }
    }
    return best;
}

/// Of three weight matrices side by side, only the first product is a launch of its own.
bool rides_along(Op op) {
    switch (op) {
        case Op::k_proj:
        case Op::v_proj:
        case Op::up_proj:
        case Op::expert_up_proj:
        case Op::shared_up_proj:
            return true;
        default:
            return false;
    }
}

}  // namespace

Seconds RoofFit::time(const OperatorTime& ideal) const {
    return fixed + Seconds{std::hypot(ideal.compute.value / compute_share,
                                      ideal.memory.value / memory_share)};
}

RoofFit fit_roof(const std::vector<FitPoint>& points) {
    NIBBLE_ASSERT(!points.empty(), "a fit needs measurements");
    RoofFit fit = fit_of(searched(points));
    std::vector<double> errors, over_ideal;
    for (const FitPoint& p : points) {
        errors.push_back(std::abs(ratio(fit.time(p.ideal), p.measured) - 1));
        over_ideal.push_back(ratio(p.measured, p.ideal.total()));
    }
    fit.rows = points.size();
    fit.median_error = quantile(errors, 0.5);
    fit.p90_error = quantile(errors, 0.9);
    fit.ideal_median = quantile(over_ideal, 0.5);
    return fit;
}

Calibration::Calibration(const Measurements& measured, const Machine& machine)
    : machine_(machine), machine_name_(measured.machine) {
    const auto fitted = [&](const auto& series, const Precision& precision) {
        std::vector<FitPoint> points;
        for (const auto& row : series.rows) {
            points.push_back({ideal_time(operator_of(series, row), machine, precision), row.time});
        }
        return fit_roof(points);
    };
    for (const GemmSeries& s : measured.gemms) {
        gemms_.push_back({s.kernel, s.weight_bits, s.activation_bits, fitted(s, precision_of(s))});
    }
    for (const AttentionSeries& s : measured.attentions) {
        attentions_.push_back({s.decode, s.kv_bits, fitted(s, Precision{})});
    }
}

const RoofFit* Calibration::attention_fit(const Workload& load) const {
    const RoofFit* nearest = nullptr;
    double gap = 0;
    for (const Attention& a : attentions_) {
        const double g = std::abs(a.kv_bits - load.precision.kv_bits);
        if (a.decode == (load.phase == Phase::decode) && (!nearest || g < gap)) {
            nearest = &a.fit;
            gap = g;
        }
    }
    return nearest;
}

bool Calibration::covers(const Workload& load) const {
    const Precision& p = load.precision;
    return attention_fit(load) && std::any_of(gemms_.begin(), gemms_.end(), [&](const Gemm& g) {
               return g.weight_bits == p.weight_bits && g.activation_bits == p.activation_bits;
           });
}

std::optional<Seconds> Calibration::time(const Operator& o, const Workload& load) const {
    const OperatorTime ideal = ideal_time(o, machine_, load.precision);
    if (o.op == Op::all_reduce) {
        return ideal.link;
    }
    if (o.is_attention()) {
        const RoofFit* fit = attention_fit(load);
        return fit ? std::optional(fit->time(ideal)) : std::nullopt;
    }
    std::optional<Seconds> fastest;
    for (const Gemm& g : gemms_) {
        if (g.weight_bits == load.precision.weight_bits &&
            g.activation_bits == load.precision.activation_bits) {
            const Seconds t = g.fit.time(ideal) - (rides_along(o.op) ? g.fit.fixed : Seconds{});
            fastest = fastest ? std::min(*fastest, t) : t;
        }
    }
    return fastest;
}

std::optional<Seconds> Calibration::step(const Operators& list, const Workload& load) const {
    Seconds sum{};
    for (const Operator& o : list) {
        const auto t = time(o, load);
        if (!t) {
            return std::nullopt;
        }
        sum += static_cast<double>(o.count) * *t;
    }
    return sum;
}

const Calibration* calibration_of(const std::string& device) {
    static std::mutex mutex;
    static std::map<std::string, std::optional<Calibration>> kept;
    const std::scoped_lock lock(mutex);
    const auto known = kept.find(device);
    if (known != kept.end()) {
        return known->second ? &*known->second : nullptr;
    }
    std::optional<Calibration>& fresh = kept[device];
    if (const Measurements* m = catalogue().measured(device)) {
        fresh.emplace(*m, machine_of(catalogue().device(device)));
    }
    return fresh ? &*fresh : nullptr;
}

}  // namespace nibble
