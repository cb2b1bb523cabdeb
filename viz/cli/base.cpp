// What the words of run and sweep have in common: the experiment they start from, the flags that
// every experiment takes, and outputs that can be refused before the work begins.
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

#include "sim/core/device.hpp"
#include "sim/core/parallel.hpp"
#include "sim/experiments/all.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/figure/export.hpp"

namespace nibble {
namespace {

/// The value of a flag before the flags of the experiment are known; "" when it is not there.
std::string early_value(const Words& words, const std::string& flag) {
    std::string value;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == flag && i + 1 < words.size()) {
            value = words[i + 1];
        } else if (words[i].starts_with(flag + "=")) {
            value = words[i].substr(flag.size() + 1);
        }
    }
    return value;
}

}  // namespace

Base base_of(const std::string& command, const Words& words) {
    const Experiments& all = all_experiments();
    std::vector<std::string> ids;
    for (const Experiment& e : all) {
        ids.push_back(e.id);
    }
    const std::string id = experiment_word(words, ids);
    const std::string file = early_value(words, "--scenario");
    Base base;
    if (!id.empty()) {
        base.experiment = &find_experiment(all, id);
        base.scenario.experiment = id;
        base.scenario.values = base.experiment->defaults();
    }
    if (asks_for_help(words)) {
        return base;
    }
    if (!file.empty()) {
        base.scenario = read_scenario(file, all);
        if (!id.empty() && base.scenario.experiment != id) {
            throw Error(Error::Code::bad_param,
                        fmt::format("{} holds a scenario of {}, not of {}", file,
                                    base.scenario.experiment, id),
                        "leave the experiment's id out, or name another file");
        }
        base.experiment = &find_experiment(all, base.scenario.experiment);
    }
    if (!base.experiment) {
        throw Error(Error::Code::bad_param, fmt::format("{} needs an experiment", command),
                    fmt::format("nibble {} ID, with ID one of {}", command, fmt::join(ids, ", ")));
    }
    return base;
}

ParamInfo add_common_flags(CommandLine& line, const Experiment* experiment, Takes seed_takes) {
    ParamInfo seed = whole_flag("seed", 1, {0, whole_limit}, "");
    seed.sentence = "The same seed gives the same numbers. The default is 1.";
    line.add(seed, "Run", {}, seed_takes);
    ParamInfo threads = whole_flag("threads", 0, {0, 1024}, "Threads");
    threads.sentence = "0 means one a core. The result is the same for any number.";
    line.add(threads, "Run");
    if (experiment && experiment->uses_device) {
        ParamInfo device = choice_flag("device", {"cpu", "cuda", "emulated"}, "Device");
        device.sentence =
            "What computes. The result is the same; the emulator takes small tensors only.";
        line.add(device, "Run");
    }
    line.add(file_flag("scenario", {".json", ".svg", ".pdf", ".png", ".csv"},
                       "Start from the scenario in this file: saved from the window, or any "
                       "exported chart. Other flags change it."),
             "Run", "FILE");
    return seed;
}

void use_device(const CommandLine& line, const Experiment& experiment, Scenario& scenario) {
    if (!experiment.uses_device) {  // a flag of that name is the experiment's own
        return;
    }
    if (line.given("device")) {
        scenario.device = machine_from(std::get<std::string>(line.value("device")));
    }
    require_device(scenario.device);
}

void use_threads(const CommandLine& line) {
    set_threads(static_cast<int>(std::get<std::int64_t>(line.value("threads"))));
}

std::string lower_suffix(const std::string& path) {
    std::string suffix = std::filesystem::path(path).extension().string();
    for (char& c : suffix) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return suffix;
}

void check_output(const std::string& path, const std::vector<std::string>& suffixes) {
    namespace fs = std::filesystem;
    const std::string suffix = lower_suffix(path);
    if (std::find(suffixes.begin(), suffixes.end(), suffix) == suffixes.end()) {
        throw Error(Error::Code::bad_param, fmt::format("out = \"{}\" names no known format", path),
                    fmt::format("--out takes a file ending in {}", fmt::join(suffixes, ", ")));
    }
    std::error_code failed;
    const fs::path folder = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : ".";
    if (!fs::is_directory(folder, failed)) {
        throw Error(Error::Code::io, fmt::format("{} cannot be written", path),
                    fmt::format("there is no folder {}", folder.string()));
    }
    if (fs::is_directory(path, failed)) {
        throw Error(Error::Code::io, fmt::format("{} cannot be written", path), "it is a folder");
    }
    if (access(folder.c_str(), W_OK) != 0) {
        throw Error(Error::Code::io, fmt::format("{} cannot be written", path),
                    fmt::format("the folder {} is read-only for you", folder.string()));
    }
}

}  // namespace nibble
