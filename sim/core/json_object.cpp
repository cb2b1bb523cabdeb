#include "sim/core/json_object.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/error.hpp"
#include "sim/core/quoted.hpp"
#include "sim/core/text.hpp"

namespace nibble {
namespace {

using Json = nlohmann::json;

constexpr int deepest = 64;

[[noreturn]] void bad(const std::string& what, const std::string& hint) {
    throw Error(Error::Code::bad_file, what, hint);
}

/// Of a parser's message, what stands behind the last "- " or ": " of its own introduction.
std::string reason_of(std::string_view message) {
    for (const std::string_view start : {"] ", "column "}) {
        if (const auto at = message.find(start); at != std::string_view::npos) {
            message.remove_prefix(at + start.size());
        }
    }
    for (const std::string_view start : {" - ", ": "}) {
        if (const auto at = message.find(start); at != std::string_view::npos) {
            message.remove_prefix(at + start.size());
            break;
        }
    }
    return printable(message, 200);
}

/// `byte` counts from 1, as the parser does; columns count characters.
[[noreturn]] void no_json(std::string_view text, std::size_t byte, const std::string& where,
                          const std::string& why, const std::string& hint) {
    const std::string_view before = text.substr(0, std::max<std::size_t>(byte, 1) - 1);
    const auto line_start = before.rfind('\n') + 1;  // 0 when there is none
    const auto column = std::count_if(
        before.begin() + static_cast<std::ptrdiff_t>(std::min(line_start, before.size())),
        before.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; });
    bad(fmt::format("{}, line {}, column {}: not JSON: {}", where,
                    1 + std::count(before.begin(), before.end(), '\n'), 1 + column, why),
        hint);
}

/// Watches a parser: depth, names that stand twice, and members that nobody wants.
class Watch {
public:
    Watch(const std::string& where, const KeepMember& keep) : where_(where), keep_(keep) {}

    bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
        using Event = Json::parse_event_t;
        if ((event == Event::object_start || event == Event::array_start) && depth >= deepest) {
            bad(fmt::format("{}: the JSON nests deeper than {} levels", where_, deepest),
                "no file that Nibble reads does");
        }
        if (event == Event::object_start) {
            // By depth: the end of an object that is not kept is not told.
            names_.resize(static_cast<std::size_t>(depth) + 1);
            names_.back().clear();
        } else if (event == Event::key) {
            const auto& name = parsed.get_ref<const std::string&>();
            if (!names_[static_cast<std::size_t>(depth) - 1].insert(name).second) {
                bad(fmt::format("{}: {} stands twice in one object", where_, in_quotes(name)),
                    "keep one of the two");
            }
            return depth != 1 || !keep_ || keep_(name);
        }
        return true;
    }

private:
    const std::string& where_;
    const KeepMember& keep_;
    std::vector<std::set<std::string>> names_;
};

std::string range_text(std::int64_t least, std::int64_t most) {
    return most == largest_whole ? fmt::format("a whole number from {}", least)
                                 : fmt::format("a whole number from {} to {}", least, most);
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where, const std::string& hint,
                const KeepMember& keep) {
    try {
        return Json::parse(text, Watch(where, keep));
    } catch (const Json::parse_error& e) {
        no_json(text, e.byte, where, reason_of(e.what()), hint);
    } catch (const Json::out_of_range& e) {  // 1e999; the parser quotes it, and does not say where
        const std::string_view message = e.what();
        const auto from = message.find('\'') + 1;
        const auto number = message.substr(from, message.rfind('\'') - from);
        const auto at = text.find(number);
        no_json(text, at == std::string_view::npos ? 1 : at + 1, where,
                fmt::format("{} is beyond a number of 64 bits", printable(number, 40)), hint);
    }
}

nlohmann::ordered_json json_of(const Value& value) {
    return std::visit([](const auto& v) { return nlohmann::ordered_json(v); }, value);
}

std::string shown(const Json& value) {
    return value.is_object() ? "{...}"
           : value.is_array()
               ? "[...]"
               : printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

JsonObject::JsonObject(std::shared_ptr<const Json> value, std::string where, std::string hint)
    : value_(std::move(value)), where_(std::move(where)), hint_(std::move(hint)) {
    if (!value_->is_object()) {
        bad(fmt::format("{}: {} is not a JSON object", where_, shown(*value_)), hint_);
    }
}

JsonObject::JsonObject(std::string_view text, std::string where, std::string hint)
    : JsonObject(std::make_shared<const Json>(parse_json(text, where, hint)), where, hint) {}

JsonObject JsonObject::child(const Json& value, std::string where) const {
    return {std::shared_ptr<const Json>(value_, &value), std::move(where), hint_};
}

void JsonObject::refuse(const std::string& name, const std::string& wanted,
                        const std::string& hint) const {
    const auto found = value_->find(name);
    if (found == value_->end() || found->is_null()) {
        bad(fmt::format("{}: {} is missing", where_, in_quotes(name)),
            hint.empty() ? fmt::format("it is {}", wanted) : hint);
    }
    bad(fmt::format("{}: {} = {} is not {}", where_, in_quotes(name), shown(*found), wanted), hint);
}

const Json& JsonObject::need(const std::string& name, const std::string& wanted) const {
    if (!has(name)) {
        refuse(name, wanted);
    }
    return *value_->find(name);
}

bool JsonObject::has(const std::string& name) const {
    asked_->insert(name);
    const auto found = value_->find(name);
    return found != value_->end() && !found->is_null();
}

bool JsonObject::is_null(const std::string& name) const {
    asked_->insert(name);
    const auto found = value_->find(name);
    return found != value_->end() && found->is_null();
}

std::string JsonObject::text(const std::string& name) const {
    const Json& value = need(name, "a text");
    return value.is_string() ? value.get<std::string>() : (refuse(name, "a text"), "");
}

bool JsonObject::flag(const std::string& name) const {
    const Json& value = need(name, "true or false");
    return value.is_boolean() ? value.get<bool>() : (refuse(name, "true or false"), false);
}

double JsonObject::number(const std::string& name) const {
    const Json& value = need(name, "a number");
    return value.is_number() ? value.get<double>() : (refuse(name, "a number"), 0);
}

double JsonObject::positive(const std::string& name) const {
    const Json& value = need(name, "a number above 0");
    const double number = value.is_number() ? value.get<double>() : 0;
    return number > 0 ? number : (refuse(name, "a number above 0"), 0);
}

std::int64_t JsonObject::whole(const std::string& name, std::int64_t least,
                               std::int64_t most) const {
    const Json& value = need(name, range_text(least, most));
    const double number = value.is_number() ? value.get<double>() : std::nan("");
    if (!(number >= static_cast<double>(least)) || !(number <= static_cast<double>(most)) ||
        number != std::floor(number)) {
        refuse(name, range_text(least, most));
    }
    return static_cast<std::int64_t>(number);
}

std::uint64_t JsonObject::bits(const std::string& name) const {
    const Json& value = need(name, "a whole number from 0");
    return value.is_number_unsigned() ? value.get<std::uint64_t>()
                                      : (refuse(name, "a whole number from 0"), 0);
}

Value JsonObject::value(const std::string& name) const {
    constexpr const char* wanted = "a number of 64 bits, a text, true or false";
    const Json& j = need(name, wanted);
    if (j.is_structured() ||
        (j.is_number_unsigned() && j.get<std::uint64_t>() > std::uint64_t(INT64_MAX))) {
        refuse(name, wanted);
    }
    return j.is_boolean()          ? Value(j.get<bool>())
           : j.is_number_integer() ? Value(j.get<std::int64_t>())
           : j.is_number()         ? Value(j.get<double>())
                                   : Value(j.get<std::string>());
}

JsonObject JsonObject::object(const std::string& name) const {
    const Json& value = need(name, "an object");
    if (!value.is_object()) {
        refuse(name, "an object");
    }
    return child(value, fmt::format("{}, {}", where_, name));
}

const Json& JsonObject::list(const std::string& name) const {
    const Json& value = need(name, "a list");
    return value.is_array() ? value : (refuse(name, "a list"), value);
}

std::vector<JsonObject> JsonObject::objects(const std::string& name) const {
    std::vector<JsonObject> all;
    for (const Json& one : list(name)) {
        all.push_back(child(one, fmt::format("{}, {} {}", where_, name, all.size())));
    }
    return all;
}

std::string JsonObject::text_or(const std::string& name, const std::string& absent) const {
    return has(name) ? text(name) : absent;
}

bool JsonObject::flag_or(const std::string& name, bool absent) const {
    return has(name) ? flag(name) : absent;
}

double JsonObject::number_or(const std::string& name, double absent) const {
    return has(name) ? number(name) : absent;
}

std::int64_t JsonObject::whole_or(const std::string& name, std::int64_t absent, std::int64_t least,
                                  std::int64_t most) const {
    return has(name) ? whole(name, least, most) : absent;
}

std::optional<JsonObject> JsonObject::object_if(const std::string& name) const {
    return has(name) ? std::optional(object(name)) : std::nullopt;
}

std::vector<std::string> JsonObject::names() const {
    std::vector<std::string> all;
    for (const auto& [name, unused] : value_->items()) {
        all.push_back(name);
    }
    return all;
}

void JsonObject::only(const std::vector<std::string>& known) const {
    for (const std::string& name : names()) {
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            const std::string near = nearest(name, known);
            bad(fmt::format("{}: unknown key {}", where_, in_quotes(name)),
                near.empty() ? fmt::format("known: {}", fmt::join(known, ", "))
                             : fmt::format("did you mean \"{}\"?", near));
        }
    }
}

void JsonObject::finish() const {
    only({asked_->begin(), asked_->end()});
}

}  // namespace nibble
