// The words of the command line. Each takes the words after its own, prints its answer, and
// returns the exit status; each throws Error for everything that a person can mend.
#pragma once

#include "viz/cli/cli.hpp"
#include "viz/cli/flags.hpp"

namespace nibble {

int list_command(const Words& words);
int show_command(const Words& words);
int run_command(const Words& words);
int sweep_command(const Words& words);
int open_command(const Words& words, const OpenWindow& open_window);
int inspect_command(const Words& words);
int kernels_command(const Words& words);
int measure_command(const Words& words);
int train_command(const Words& words);
int generate_command(const Words& words);
int speculate_command(const Words& words);
int perplexity_command(const Words& words);
int capture_command(const Words& words);
int quantize_command(const Words& words);
int lesson_command(const Words& words, const OpenWindow& open_window);
int grade_command(const Words& words);
int devices_command(const Words& words);
int models_command(const Words& words);

/// What run and sweep start from: an experiment with its defaults, or the scenario inside a file.
struct Base {
    const Experiment* experiment = nullptr;
    Scenario scenario;
};

/// The experiment that `words` name; else that of `--scenario FILE`; null when help is all that is
/// wanted. Throws Error::bad_param when there is neither, or when they disagree.
Base base_of(const std::string& command, const Words& words);

/// --seed, --threads, --scenario, and --device for experiments that use one; null when none is
/// named yet. Returns the declaration of the seed.
ParamInfo add_common_flags(CommandLine& line, const Experiment* experiment,
                           Takes seed = Takes::one);
void use_threads(const CommandLine& line);
/// Takes --device into the scenario. Throws Error::no_device, with the reason and the way out, when
/// the experiment would compute on a device that is not ready.
void use_device(const CommandLine& line, const Experiment& experiment, Scenario& scenario);

/// Refuses, before any work is done, an output that cannot be written: a suffix that is not among
/// `suffixes` (Error::bad_param), or a folder that is not there or takes no files (Error::io).
void check_output(const std::string& path, const std::vector<std::string>& suffixes);

/// ".svg" of "Chart.SVG".
std::string lower_suffix(const std::string& path);

}  // namespace nibble
