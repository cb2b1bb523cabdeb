#include "viz/lesson/digest.hpp"

#include <cstdint>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace nibble {
namespace {

void append(const nlohmann::json& value, std::string& text) {
    if (value.is_number_float()) {
        const double number = value.get<double>();
        text += fmt::format("{:.6g},", number == 0 ? 0.0 : number);
    } else if (value.is_structured()) {
        for (const auto& [key, item] : value.items()) {
            text += value.is_object() ? key + ":" : "";
            append(item, text);
        }
    } else {
        text += value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + ",";
    }
}

}  // namespace

std::string digest_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : text) {
        hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ULL;
    }
    return fmt::format("{:016x}", hash);
}

std::string figure_digest(const Outcome& outcome) {
    const nlohmann::json whole = to_json(reproducible(outcome));
    std::string text;
    append(whole.at("figures"), text);
    return digest_of(text);
}

}  // namespace nibble
