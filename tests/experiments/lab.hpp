// A lab as a test runs it: by its id, with parameters as a command line writes them or as values;
// and what is looked up in its outcome by name.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sim/experiments/all.hpp"

#include "tests/catch.hpp"

namespace nibble::test {

using Settings = std::vector<std::pair<std::string, std::string>>;

inline Outcome run_lab(const std::string& id, const Settings& settings = {},
                       const RunContext& context = {}, Cache* results = nullptr) {
    const Experiment& e = find_experiment(all_experiments(), id);
    ParamValues values = e.defaults();
    for (const auto& [name, text] : settings) {
        const std::size_t i = e.index_of(name);
        values[i] = e.params[i].parsed(text);
    }
    return evaluate(e, values, context, results);
}

inline Outcome run_lab_with(const std::string& id, const std::map<std::string, Value>& set,
                            const RunContext& context = {}) {
    const Experiment& e = find_experiment(all_experiments(), id);
    ParamValues values = e.defaults();
    for (const auto& [name, value] : set) {
        values[e.index_of(name)] = value;
    }
    return evaluate(e, values, context);
}

inline double value(const Outcome& o, const char* metric) {
    return o.metric(metric).value;
}

inline const Table& table(const Outcome& o, const std::string& name) {
    for (const Table& t : o.tables) {
        if (t.name == name) {
            return t;
        }
    }
    throw std::runtime_error("no table " + name);
}

inline const Figure& figure(const Outcome& o, const std::string& id) {
    for (const FigureRow& row : o.rows) {
        for (const Figure& f : row.figures) {
            if (f.id == id) {
                return f;
            }
        }
    }
    throw std::runtime_error("no figure " + id);
}

}  // namespace nibble::test
