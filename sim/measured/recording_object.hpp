// Members of a recording in JSON, checked as they are read.
#pragma once

#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string>

#include "sim/core/error.hpp"

namespace nibble {

/// An object of the file, and where it stands, for messages.
struct RecordingObject {
    const nlohmann::json& json;
    std::string where;

    [[noreturn]] void bad(const char* name, const char* wanted) const {
        throw Error(Error::Code::bad_file, fmt::format("{}: \"{}\" is not {}", where, name, wanted),
                    "a recording of kernel speeds has it; measure again or take the file away");
    }
    const nlohmann::json& member(const char* name, const char* wanted) const {
        const auto found = json.find(name);
        if (found == json.end()) {
            bad(name, wanted);
        }
        return *found;
    }
    std::string text(const char* name) const {
        const nlohmann::json& value = member(name, "a text");
        if (!value.is_string()) {
            bad(name, "a text");
        }
        return value.get<std::string>();
    }
    std::int64_t count(const char* name) const {
        constexpr const char* wanted = "a whole number from 0 on";
        const nlohmann::json& value = member(name, wanted);
        // Beyond 2^53 nothing was measured, and other readers of JSON would round it.
        if (!value.is_number_unsigned() || value.get<std::uint64_t>() >> 53U != 0) {
            bad(name, wanted);
        }
        return value.get<std::int64_t>();
    }
    double speed(const char* name) const {
        constexpr const char* wanted = "a number above 0";
        const nlohmann::json& value = member(name, wanted);
        if (!value.is_number() || !(value.get<double>() > 0) ||
            !std::isfinite(value.get<double>())) {
            bad(name, wanted);
        }
        return value.get<double>();
    }
};

}  // namespace nibble
