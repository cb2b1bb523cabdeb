#include "viz/lesson/setting.hpp"

#include <charconv>
#include <fmt/format.h>

#include "viz/lesson/fields.hpp"

namespace nibble {

Scenario with_changes(Scenario scenario, std::string_view changes, const Place& place,
                      const Experiments& all) {
    return with_place(place, [&] {
        const Experiment& experiment = find_experiment(all, scenario.experiment);
        for (const std::string& word : split_words(changes)) {
            const std::size_t equals = word.find('=');
            if (equals == std::string::npos || equals == 0) {
                throw Error(Error::Code::bad_file, fmt::format("\"{}\" sets no parameter", word),
                            "write name=value, such as bits=3");
            }
            const std::string name = word.substr(0, equals), value = word.substr(equals + 1);
            if (name == "seed") {
                const auto [end, error] =
                    std::from_chars(value.data(), value.data() + value.size(), scenario.seed);
                if (error != std::errc{} || end != value.data() + value.size()) {
                    throw Error(Error::Code::bad_file,
                                fmt::format("seed = \"{}\" is no whole number", value));
                }
                continue;
            }
            const std::size_t i = experiment.index_of(name);
            scenario.values[i] = experiment.params[i].parsed(value);
        }
        return scenario;
    });
}

Scenario read_setting(std::string_view text, const Place& place, const Experiments& all) {
    const std::string whole(trimmed(text));
    const std::size_t space = std::min(whole.find(' '), whole.size());
    Scenario scenario;
    scenario.experiment = whole.substr(0, space);
    scenario.values =
        with_place(place, [&] { return find_experiment(all, scenario.experiment).defaults(); });
    return with_changes(std::move(scenario), std::string_view(whole).substr(space), place, all);
}

std::string changes_from(const Scenario& base, const Scenario& scenario, const Experiments& all) {
    const Experiment& experiment = find_experiment(all, scenario.experiment);
    std::string changes;
    for (std::size_t i = 0; i < experiment.params.size(); ++i) {
        if (scenario.values.at(i) != base.values.at(i)) {
            changes += fmt::format("{}{}={}", changes.empty() ? "" : " ", experiment.params[i].name,
                                   to_text(scenario.values[i]));
        }
    }
    return changes;
}

}  // namespace nibble
