// Speed-ups of speculative decoding that papers print, one file of data/published/speculation a
// paper: what the closed form is held against.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sim/published/published_file.hpp"

namespace nibble {

struct PublishedSpeedUp {
    std::string setting;          // "EnDe, small, T 0"
    int k = 0;                    // drafts a step
    std::optional<double> alpha;  // where the paper prints it
    double cost = 0;              // of a draft, in steps of the target
    double speed_up = 0;          // measured by the authors

    /// The closed form with the printed alpha; empty without one.
    std::optional<double> computed() const;
    /// With every draft accepted: no draft of that cost can do better.
    double most() const;
    /// The alpha at which the closed form gives the printed speed-up.
    double implied_alpha() const;
};

struct PublishedSpeculation : Citation {
    std::string id, title, setup;
    std::vector<PublishedSpeedUp> rows;
};

/// Throws Error::bad_file naming the line and key, Error::io when unreadable.
PublishedSpeculation read_published_speculation(const std::filesystem::path& path);

/// Those of data_folder(), by name, read at the first call. Throws what the above throws.
const std::vector<PublishedSpeculation>& published_speculation();

}  // namespace nibble
