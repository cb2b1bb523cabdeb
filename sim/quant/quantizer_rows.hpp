// The rows that a sweep of the quantizer lab visits, with the outliers laid over them.
#pragma once

#include <vector>

#include "sim/quant/quantizer_plan.hpp"

namespace nibble::quant {

class VisitedRows {
public:
    /// All three outlive it.
    VisitedRows(const WeightSource& source, const WeightSample& sample, const Outliers& outliers);

    const std::vector<Visit>& visits() const { return visits_; }
    std::size_t count() const { return visits_.size(); }
    std::size_t columns() const { return source_.cols; }

    /// Visited rows first .. first + count: (count, column). `scratch` is used when they do not lie
    /// ready; one row that no outlier touches does.
    std::span<const float> rows(std::size_t first, std::size_t count,
                                std::vector<float>& scratch) const;

    /// The smallest and largest weight beside the lone outlier, from the ranges of all groups: low,
    /// high: (visit, group). NaN when there is no lone outlier, or nothing beside it.
    std::pair<float, float> range_of_others(std::span<const float> low,
                                            std::span<const float> high) const;

    /// The sample's histogram with every weight that an outlier changed moved to its new bin.
    std::vector<double> histogram() const;

private:
    std::span<const float> row(std::size_t visit, std::vector<float>& scratch) const;
    bool is_sampled(const Visit& visit) const { return visit.slot < sample_.rows.size(); }

    const WeightSource& source_;
    const WeightSample& sample_;
    const Outliers& outliers_;
    const std::vector<Visit> visits_;
};

}  // namespace nibble::quant
