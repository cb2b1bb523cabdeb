// What the paged-attention lab shows of its data.
#pragma once

#include "sim/experiments/kvcache/paged_attention/data.hpp"

namespace nibble::paged_attention_lab {

/// What the reader looks at.
struct Focus {
    int block_size = 16;
    std::string device;  // whose recorded times
};

/// The part of the room of a sequence that its last block leaves empty, on average over lengths.
double empty_share(int block_size, int context);

/// Null when nothing was recorded on the device.
const RecordedSeries* recorded_on(const Data& data, const std::string& device);

std::vector<FigureRow> figures(const Data& data, const Focus& focus);
/// Finding, explanation, metrics, equations and tables.
void describe(const Data& data, const Focus& focus, Outcome& outcome);

}  // namespace nibble::paged_attention_lab
