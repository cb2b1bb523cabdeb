// What fewer bits cost in quality, measured on the model that comes with the program. What a large
// model loses in the same bits is not known from it; that some choices lose more than others is.
#pragma once

#include "sim/core/experiment.hpp"

namespace nibble {

/// Loss in nats a token that these bits add to the shipped model, on unseen text of all domains:
/// weights rounded to nearest in groups, keys by channel, values by token. 16 bits are as trained.
/// Kept in context.shared.
double measured_loss(int weight_bits, int kv_bits, int group_size, const RunContext& context);

}  // namespace nibble
