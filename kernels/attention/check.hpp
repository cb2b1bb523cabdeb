// What attention asks of its input; see ops.hpp for what is thrown.
#pragma once

#include "kernels/attention/ops.hpp"

namespace nibble::kernels {

void check_attention(const AttentionShape& shape, const AttentionQuery& query,
                     const ContiguousCache& cache, std::size_t outputs);
void check_attention(const AttentionShape& shape, const AttentionQuery& query,
                     const PagedCache& cache, std::size_t outputs);

}  // namespace nibble::kernels
