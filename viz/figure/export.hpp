// Writing an outcome as SVG, PDF, PNG, CSV or JSON, with the scenario inside, and reading that
// scenario back.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/core/outcome.hpp"
#include "sim/core/scenario.hpp"
#include "viz/figure/layout.hpp"
#include "viz/figure/theme.hpp"

namespace nibble {

struct ExportOptions {
    Size size = {960, 640};  // points; of SVG and PDF, and of PNG before scaling
    float scale = 2;         // PNG pixels a point
    ThemeKind theme = ThemeKind::print;
    std::string figure = {};  // id of one figure alone; empty: the whole panel
    std::string table = {};   // name of a table that a .csv holds instead of the figures' data
    Zooms zooms = {};
};

/// Suffixes that can be written: ".svg", ".pdf", ".png", ".csv", ".json".
const std::vector<std::string>& export_suffixes();

/// The format follows the suffix; a name ending in ".trace.json" takes the schedule alone (see
/// chrome_trace.hpp). The file appears whole or not at all (written beside, renamed).
/// Throws Error::bad_param for an unknown suffix, figure id or table, or a size out of
/// 64 .. 8192 points (32 Mi pixels in all), Error::io when the file cannot be written.
void export_outcome(const Outcome& outcome, const Scenario& scenario, const Experiments& all,
                    const std::filesystem::path& path, const ExportOptions& options = {});

/// What export_outcome() writes into a file with this suffix. Throws as it does, but never
/// Error::io.
std::string export_bytes(const Outcome& outcome, const Scenario& scenario, const Experiments& all,
                         const std::string& suffix, const ExportOptions& options = {});

/// The scenario inside a file that export_outcome wrote, or a scenario file itself.
/// Throws Error::bad_file when there is none, Error::io when the file cannot be read.
Scenario read_scenario(const std::filesystem::path& path, const Experiments& all);

}  // namespace nibble
