#include "sim/quant/quantizer_plan.hpp"

#include <algorithm>

namespace nibble::quant {

std::vector<Visit> plan_visits(const WeightSource& source, const WeightSample& sample,
                               const Outliers& outliers) {
    std::vector<std::size_t> special;
    for (const std::size_t row : outliers.rows) {
        if (outliers.is_special(row)) {
            special.push_back(row);
        }
    }
    std::vector<Visit> visits;
    std::size_t regular = 0;
    for (std::size_t slot = 0; slot < sample.rows.size(); ++slot) {
        if (!outliers.is_special(sample.rows[slot])) {
            visits.push_back({sample.rows[slot], slot, 0});
            ++regular;
        } else {
            visits.push_back({sample.rows[slot], slot, 1});
        }
    }
    for (const std::size_t row : special) {
        if (!std::binary_search(sample.rows.begin(), sample.rows.end(), row)) {
            visits.push_back({row, sample.rows.size(), 1});
        }
    }
    const double share = static_cast<double>(source.rows - special.size()) /
                         static_cast<double>(std::max<std::size_t>(regular, 1));
    for (Visit& v : visits) {
        v.weight = v.weight > 0 ? v.weight : share;
    }
    std::sort(visits.begin(), visits.end(),
              [](const Visit& a, const Visit& b) { return a.row < b.row; });
    return visits;
}

Quantizer per_tensor(Quantizer q) {
    q.granularity = Granularity::tensor;
    if (q.scale_format == ScaleFormat::double_quantized) {
        q.scale_format = ScaleFormat::fp32;
    }
    return q;
}

Cases make_cases(const Quantizer& chosen) {
    Cases cases;
    const auto add = [&cases](const Quantizer& q) {
        const auto found = std::find(cases.all.begin(), cases.all.end(), q);
        const auto index = static_cast<std::size_t>(found - cases.all.begin());
        if (found == cases.all.end()) {
            cases.all.push_back(q);
        }
        return index;
    };
    cases.chosen = add(chosen);
    cases.tensor = add(per_tensor(chosen));
    for (int bits = fewest_bits; bits <= most_bits; ++bits) {
        Quantizer q = chosen;
        q.bits = bits;
        q.scheme = chosen.is_integer() ? chosen.scheme : Scheme::absmax;
        const auto i = static_cast<std::size_t>(bits - fewest_bits);
        cases.chosen_by_bits[i] = add(q);
        cases.tensor_by_bits[i] = add(per_tensor(q));
    }
    return cases;
}

}  // namespace nibble::quant
