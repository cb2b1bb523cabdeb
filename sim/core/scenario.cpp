#include "sim/core/scenario.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/device.hpp"
#include "sim/core/json_depth.hpp"
#include "sim/core/text.hpp"
#include "sim/core/version.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

constexpr int newest_format = 1;

[[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) {
    throw Error(Error::Code::bad_file, "scenario: " + what, hint);
}

Json json_of(const Value& value) {
    return std::visit([](const auto& v) { return Json(v); }, value);
}

Value value_of(const std::string& key, const Json& j) {
    if (j.is_boolean()) {
        return j.get<bool>();
    }
    if (j.is_number_unsigned() && j.get<std::uint64_t>() > std::uint64_t(INT64_MAX)) {
        refuse(fmt::format("\"{}\" = {} is too large", key, j.dump()));
    }
    if (j.is_number_integer()) {
        return j.get<std::int64_t>();
    }
    if (j.is_number_float()) {
        return j.get<double>();
    }
    if (j.is_string()) {
        return j.get<std::string>();
    }
    refuse(fmt::format("\"{}\" is {}, not a value", key, j.type_name()));
}

std::string text_member(const Json& object, const std::string& key) {
    if (!object.at(key).is_string()) {
        refuse(fmt::format("\"{}\" is {}, not a string", key, object.at(key).type_name()));
    }
    return object.at(key).get<std::string>();
}

void check_keys(const Json& object, const std::vector<std::string>& known) {
    for (const auto& [key, unused] : object.items()) {
        if (std::find(known.begin(), known.end(), key) == known.end()) {
            const std::string near = nearest(key, known);
            refuse(fmt::format("unknown key \"{}\"", key),
                   near.empty() ? fmt::format("known: {}", fmt::join(known, ", "))
                                : fmt::format("did you mean \"{}\"?", near));
        }
    }
}

ParamValues read_values(const Json& object, const Experiment& experiment) {
    if (!object.is_object()) {
        refuse(fmt::format("\"parameters\" is {}, not an object", object.type_name()));
    }
    ParamValues values = experiment.defaults();
    for (const auto& [key, item] : object.items()) {
        try {
            const std::size_t i = experiment.index_of(key);
            values[i] = experiment.params[i].checked(value_of(key, item));
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
    check_json_depth(text, "scenario");
    const Json whole = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (whole.is_discarded()) {
        refuse("this is not JSON", "save one from the window, or with `run ID --out FILE.json`");
    }
    if (!whole.is_object()) {
        refuse(fmt::format("the top level is {}, not an object", whole.type_name()));
    }
    check_keys(whole, {"nibble", "format", "experiment", "seed", "device", "parameters"});
    for (const char* key : {"format", "experiment"}) {
        if (!whole.contains(key)) {
            refuse(fmt::format("\"{}\" is missing", key));
        }
    }
    const Json& format = whole["format"];
    if (!format.is_number_integer() || format.get<std::int64_t>() < 1) {
        refuse(fmt::format("\"format\" = {} is not a version number", format.dump()));
    }
    if (format.get<std::int64_t>() > newest_format) {
        refuse(fmt::format("\"format\" = {} is newer than this program", format.dump()),
               fmt::format("this is version {} and reads format {}", version, newest_format));
    }
    Scenario s;
    s.experiment = text_member(whole, "experiment");
    if (whole.contains("nibble")) {
        s.written_by = text_member(whole, "nibble");
    }
    if (whole.contains("seed")) {
        if (!whole["seed"].is_number_unsigned()) {
            refuse(fmt::format("\"seed\" = {} is not a whole number from 0", whole["seed"].dump()));
        }
        s.seed = whole["seed"].get<std::uint64_t>();
    }
    try {
        if (whole.contains("device")) {
            s.device = machine_from(text_member(whole, "device"));
        }
        const Experiment& experiment = find_experiment(all, s.experiment);
        s.values = whole.contains("parameters") ? read_values(whole["parameters"], experiment)
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
