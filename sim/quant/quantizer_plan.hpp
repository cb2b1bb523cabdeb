// What a sweep of the quantizer lab goes through: which rows, and which quantizers.
#pragma once

#include "sim/quant/quantizer_sweep.hpp"

namespace nibble::quant {

/// A row to visit, and how many rows of the matrix it stands for.
struct Visit {
    std::size_t row;
    std::size_t slot;  // in the sample; the sample's size when it is not there
    double weight;
};
/// Rising by row. Sampled rows stand for their neighbours; rows with outliers of their own are
/// visited in any case and stand for themselves.
std::vector<Visit> plan_visits(const WeightSource& source, const WeightSample& sample,
                               const Outliers& outliers);

/// The same codes with one scale for the tensor; a lone scale is not worth quantizing twice.
Quantizer per_tensor(Quantizer quantizer);

/// Every quantizer that is tried, each once; the other members are indices into `all`.
struct Cases {
    std::vector<Quantizer> all;
    std::size_t chosen = 0, tensor = 0;
    std::array<std::size_t, std::tuple_size_v<BitsArray>> chosen_by_bits = {}, tensor_by_bits = {};
};
Cases make_cases(const Quantizer& chosen);

}  // namespace nibble::quant
