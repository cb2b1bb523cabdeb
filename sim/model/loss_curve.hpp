// The losses of a training run, short enough to be kept beside the model, and read again.
//
// losses.csv: "step,tokens,loss", a row for one step or several; the loss is the mean in nats over
// the tokens that were predicted since the row before.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/model/train.hpp"

namespace nibble {

inline constexpr const char* checkpoint_name = "checkpoint.safetensors";
inline constexpr const char* losses_name = "losses.csv";

/// At most `most` points: each the last of its steps, with the mean loss over
/// their tokens. Dense at first, where the loss falls.
std::vector<LossPoint> thinned(const std::vector<LossPoint>& losses, std::size_t most);

/// The text of losses.csv, of at most 500 rows.
std::string losses_csv(const std::vector<LossPoint>& losses);

/// From a folder that `nibble train` wrote, from its losses.csv or from its checkpoint. Throws
/// Error::io when there is none, Error::bad_file naming the line that is wrong.
std::vector<LossPoint> read_losses(const std::filesystem::path& path);

}  // namespace nibble
