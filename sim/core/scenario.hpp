// A scenario: everything needed to see the same chart again.
//
// One file drives the window, the command line, tests and grading; every export carries it.
//
//     { "nibble": "0.1.0", "format": 1, "experiment": "quantizer", "seed": 1, "device": "cpu",
//       "parameters": { "bits": 4, "scheme": "absmax" } }
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/experiment.hpp"

namespace nibble {

struct Scenario {
    std::string experiment;
    ParamValues values;  // in the experiment's schema order, all present
    std::uint64_t seed = 1;
    kernels::Machine device = kernels::Machine::cpu;
    std::string written_by = {};  // version of the program that wrote it

    friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// The registry in teaching order that ids are looked up in.
using Experiments = std::vector<Experiment>;

/// Throws Error::bad_param naming the nearest id.
const Experiment& find_experiment(const Experiments& all, std::string_view id);

/// One line of JSON in pure ASCII when `indent` is negative.
std::string to_json_text(const Scenario& scenario, const Experiments& all, int indent = 2);

/// Parameters that are absent keep their defaults. Throws Error::bad_file, naming it, for an
/// unknown key, a wrong type, a value out of range, an unknown experiment or device, or a newer
/// format.
Scenario scenario_from_json(std::string_view text, const Experiments& all);

/// The command line that gives the same result: only what differs from the defaults.
std::string to_command(const Scenario& scenario, const Experiments& all);

}  // namespace nibble
