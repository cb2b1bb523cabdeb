#include "sim/core/scenario.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/device.hpp"
#include "sim/core/json_object.hpp"
#include "sim/core/text.hpp"
#include "sim/core/version.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

constexpr int newest_format = 1;

[[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) {
    throw Error(Error::Code::bad_file, "scenario: " + what, hint);
}

ParamValues read_values(const JsonObject& object, const Experiment& experiment) {
    ParamValues values = experiment.defaults();
    for (const std::string& key : object.names()) {
        try {
            const std::size_t i = experiment.index_of(key);
            values[i] = experiment.params[i].checked(object.value(key));
        } catch (const Error& e) {
            if (e.code() != Error::Code::bad_param) {
                throw;
            }
            refuse(e.what(), e.hint());
        }
    }
    return values;
}

/// Quotes a word for a POSIX shell when it needs it.
std::string shell_word(const std::string& word) {
    const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
        return std::isalnum(c) || std::string_view("_-./:,+=@").find(char(c)) != std::string::npos;
    });
    if (plain) {
        return word;
    }
    std::string quoted = "'";
    for (const char c : word) {
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return quoted + "'";
}

}  // namespace

const Experiment& find_experiment(const Experiments& all, std::string_view id) {
    std::vector<std::string> ids;
    for (const Experiment& e : all) {
        if (e.id == id) {
            return e;
        }
        ids.push_back(e.id);
    }
    const std::string near = nearest(id, ids);
    throw Error(Error::Code::bad_param, fmt::format("no experiment is called \"{}\"", id),
                near.empty() ? fmt::format("there are {}", fmt::join(ids, ", "))
                             : fmt::format("did you mean {}?", near));
}

std::string to_json_text(const Scenario& scenario, const Experiments& all, int indent) {
    const Experiment& experiment = find_experiment(all, scenario.experiment);
    Json parameters = Json::object();
    for (std::size_t i = 0; i < experiment.params.size(); ++i) {
        parameters[experiment.params[i].name] = json_of(scenario.values.at(i));
    }
    const Json whole = {{"nibble", version},
                        {"format", newest_format},
                        {"experiment", scenario.experiment},
                        {"seed", scenario.seed},
                        {"device", kernels::name(scenario.device)},
                        {"parameters", parameters}};
    return whole.dump(indent, ' ', /*ensure_ascii=*/true);
}

Scenario scenario_from_json(std::string_view text, const Experiments& all) {
    const JsonObject whole(text, "scenario",
                           "save one from the window, or with `run ID --out FILE.json`");
    whole.only({"nibble", "format", "experiment", "seed", "device", "parameters"});
    if (const auto format = whole.whole("format", 1); format > newest_format) {
        refuse(fmt::format("\"format\" = {} is newer than this program", format),
               fmt::format("this is version {} and reads format {}", version, newest_format));
    }
    Scenario s;
    s.experiment = whole.text("experiment");
    s.written_by = whole.text_or("nibble", "");
    s.seed = whole.has("seed") ? whole.bits("seed") : s.seed;
    try {
        if (whole.has("device")) {
            s.device = machine_from(whole.text("device"));
        }
        const Experiment& experiment = find_experiment(all, s.experiment);
        s.values = whole.has("parameters") ? read_values(whole.object("parameters"), experiment)
                                           : experiment.defaults();
    } catch (const Error& e) {
        if (e.code() == Error::Code::bad_param) {
            refuse(e.what(), e.hint());
        }
        throw;
    }
    return s;
}

std::string to_command(const Scenario& scenario, const Experiments& all) {
    const Experiment& experiment = find_experiment(all, scenario.experiment);
    std::string command = "nibble run " + scenario.experiment;
    if (scenario.seed != 1) {
        command += fmt::format(" --seed {}", scenario.seed);
    }
    if (experiment.uses_device && scenario.device != kernels::Machine::cpu) {
        command += fmt::format(" --device {}", kernels::name(scenario.device));
    }
    for (std::size_t i = 0; i < experiment.params.size(); ++i) {
        const ParamInfo& p = experiment.params[i];
        if (scenario.values.at(i) != p.default_value) {
            command += fmt::format(" --{} {}", p.name, shell_word(to_text(scenario.values[i])));
        }
    }
    return command;
}

}  // namespace nibble
