#include "sim/core/experiment.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <system_error>

#include "sim/core/device.hpp"
#include "sim/core/text.hpp"

namespace nibble {

std::string file_stamp(const std::string& path) {
    std::error_code failed;
    const auto size = std::filesystem::file_size(path, failed);
    const auto time = std::filesystem::last_write_time(path, failed);
    return failed ? "(absent)" : fmt::format("({} {})", size, time.time_since_epoch().count());
}

ParamValues Experiment::defaults() const {
    ParamValues values;
    for (const ParamInfo& p : params) {
        values.push_back(p.default_value);
    }
    return values;
}

std::size_t Experiment::index_of(std::string_view param) const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < params.size(); ++i) {
        if (params[i].name == param) {
            return i;
        }
        names.push_back(params[i].name);
    }
    const std::string near = nearest(param, names);
    throw Error(Error::Code::bad_param, fmt::format("{} has no parameter \"{}\"", id, param),
                near.empty() ? fmt::format("it has {}", fmt::join(names, ", "))
                             : fmt::format("did you mean --{}?", near));
}

ParamValues Experiment::checked(const ParamValues& values) const {
    NIBBLE_ASSERT(values.size() == params.size(), "one value per parameter");
    ParamValues good;
    for (std::size_t i = 0; i < params.size(); ++i) {
        good.push_back(params[i].checked(values[i]));
    }
    return good;
}

std::string Experiment::data_key(const ParamValues& values, const RunContext& context) const {
    std::string key = fmt::format("{} seed={} on={} {}", id, context.seed,
                                  kernels::name(context.device), context.preview ? "~" : "=");
    for (std::size_t i = 0; i < params.size(); ++i) {
        if (params[i].role == ParamRole::data) {
            const std::string text = to_text(values.at(i));
            key += fmt::format(" {}:{}", text.size(), text);
            if (!params[i].suffixes.empty() && !text.empty()) {
                key += file_stamp(text);
            }
        }
    }
    return key;
}

Outcome evaluate(const Experiment& experiment, const ParamValues& values, const RunContext& asked,
                 Cache* results) {
    const ParamValues good = experiment.checked(values);
    RunContext context = asked;
    if (!experiment.uses_device) {
        context.device = kernels::Machine::cpu;
    }
    const std::string key = experiment.data_key(good, context);
    RunData data = results ? results->find(key) : nullptr;
    if (!data) {
        try {
            data = experiment.run(good, context);
        } catch (const kernels::DeviceError& answer) { throw DeviceRefused(answer); }
        if (results) {
            results->put(key, data, 1);
        }
    }
    return experiment.show(good, data);
}

}  // namespace nibble
