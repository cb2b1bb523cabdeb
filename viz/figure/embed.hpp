// The scenario's JSON inside an exported file: where it stands in each format.
//
//   SVG  <metadata id="nibble-scenario">, escaped
//   PDF  the Info dictionary's Keywords: "nibble-scenario: {...}"
//   PNG  a tEXt chunk with the key "nibble-scenario"
//   CSV  a first line "# nibble-scenario: {...}"
//   JSON the member "scenario", or the whole file is the scenario
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace nibble {

inline constexpr const char* scenario_key = "nibble-scenario";

/// The JSON text of the scenario in `path`, by content and not by suffix. Throws Error::bad_file,
/// naming the file and the way out, when there is none; Error::io when it cannot be read.
std::string embedded_scenario(const std::filesystem::path& path);

}  // namespace nibble
