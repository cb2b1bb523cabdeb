#include "sim/core/rng.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace nibble {
namespace {

/// Horner's rule, highest power last: c[0] + c[1] x + ... + c[7] x^7.
double polynomial(const double (&c)[8], double x) {
    return ((((((c[7] * x + c[6]) * x + c[5]) * x + c[4]) * x + c[3]) * x + c[2]) * x + c[1]) * x +
           c[0];
}

// Coefficients of AS 241 (Applied Statistics 37(3), 1988): |p - 1/2| <= 0.425, then the near tail
// (r <= 5), then the far tail, where r = sqrt(-log(min(p, 1 - p))).
constexpr double centre_num[8] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                                  1.9715909503065514427e3, 1.3731693765509461125e4,
                                  4.5921953931549871457e4, 6.7265770927008700853e4,
                                  3.3430575583588128105e4, 2.5090809287301226727e3};
constexpr double centre_den[8] = {1.0,
                                  4.2313330701600911252e1,
                                  6.8718700749205790830e2,
                                  5.3941960214247511077e3,
                                  2.1213794301586595867e4,
                                  3.9307895800092710610e4,
                                  2.8729085735721942674e4,
                                  5.2264952788528545610e3};
constexpr double near_num[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                5.76949722146069140550e0,  3.64784832476320460504e0,
                                1.27045825245236838258e0,  2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr double near_den[8] = {1.0,
                                2.05319162663775882187e0,
                                1.67638483018380384940e0,
                                6.89767334985100004550e-1,
                                1.48103976427480074590e-1,
                                1.51986665636164571966e-2,
                                5.47593808499534494600e-4,
                                1.05075007164441684324e-9};
constexpr double far_num[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                               1.78482653991729133580e0,  2.96560571828504891230e-1,
                               2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr double far_den[8] = {1.0,
                               5.99832206555887937690e-1,
                               1.36929880922735805310e-1,
                               1.48753612908506148525e-2,
                               7.86869131145613259100e-4,
                               1.84631831751005468180e-5,
                               1.42151175831644588870e-7,
                               2.04426310338993978564e-15};

}  // namespace

double normal_quantile(double p) {
    if (!(p > 0 && p < 1)) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    const double q = p - 0.5;
    if (std::abs(q) <= 0.425) {
        const double r = 0.180625 - q * q;
        return q * polynomial(centre_num, r) / polynomial(centre_den, r);
    }
    const double r = std::sqrt(-std::log(q < 0 ? p : 1 - p));
    const double tail = r <= 5 ? polynomial(near_num, r - 1.6) / polynomial(near_den, r - 1.6)
                               : polynomial(far_num, r - 5) / polynomial(far_den, r - 5);
    return q < 0 ? -tail : tail;
}

double Rng::normal(std::uint64_t index) const {
    return normal_quantile(uniform(index));
}

double Rng::student_t(std::uint64_t index, double dof) const {
    const double u = uniform(2 * index);
    const double angle = 2 * std::numbers::pi * uniform(2 * index + 1);
    return std::sqrt(dof * (std::pow(u, -2 / dof) - 1)) * std::cos(angle);
}

}  // namespace nibble
