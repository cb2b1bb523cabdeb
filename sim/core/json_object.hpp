// JSON from outside, read strictly: fields are asked for by name and type, and a refusal names the
// file and the field, or the line and column where the text is no JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/param.hpp"

namespace nibble {

/// The largest whole number that every reader of JSON keeps exact.
constexpr std::int64_t largest_whole = (std::int64_t{1} << 53) - 1;

/// Whether the member of this name of the outermost object is kept.
using KeepMember = std::function<bool(const std::string& name)>;

/// Throws Error::bad_file with `where`, line and column for what is no JSON; and for a name that
/// stands twice in one object, and for more than 64 levels, which printing could not stand.
nlohmann::json parse_json(std::string_view text, const std::string& where,
                          const std::string& hint = {}, const KeepMember& keep = {});

/// A parameter's value as JSON.
nlohmann::ordered_json json_of(const Value& value);

/// An object. All its readers throw Error::bad_file for a field that is missing or not what it
/// should be; null counts as missing. `where` begins the messages, `hint` ends those about the
/// object as a whole and about missing fields.
class JsonObject {
public:
    JsonObject(std::string_view text, std::string where, std::string hint = {});

    bool has(const std::string& name) const;
    bool is_null(const std::string& name) const;  // there, and null
    std::string text(const std::string& name) const;
    bool flag(const std::string& name) const;
    double number(const std::string& name) const;
    double positive(const std::string& name) const;
    /// Also one that is written as 4096.0.
    std::int64_t whole(const std::string& name, std::int64_t least = 0,
                       std::int64_t most = largest_whole) const;
    /// Any of 64 bits.
    std::uint64_t bits(const std::string& name) const;
    /// Of a parameter: true or false, a number or a text.
    Value value(const std::string& name) const;
    JsonObject object(const std::string& name) const;
    const nlohmann::json& list(const std::string& name) const;
    std::vector<JsonObject> objects(const std::string& name) const;

    std::string text_or(const std::string& name, const std::string& absent) const;
    bool flag_or(const std::string& name, bool absent) const;
    double number_or(const std::string& name, double absent) const;
    std::int64_t whole_or(const std::string& name, std::int64_t absent, std::int64_t least = 0,
                          std::int64_t most = largest_whole) const;
    std::optional<JsonObject> object_if(const std::string& name) const;

    /// Refuses a field that nobody has asked for, naming the nearest that was.
    void finish() const;
    /// The same for a known list of fields.
    void only(const std::vector<std::string>& names) const;
    /// Throws Error::bad_file: where, the field and its value, "is not" `wanted`.
    [[noreturn]] void refuse(const std::string& name, const std::string& wanted,
                             const std::string& hint = {}) const;

    std::vector<std::string> names() const;
    const nlohmann::json& json() const { return *value_; }
    const std::string& where() const { return where_; }

private:
    JsonObject(std::shared_ptr<const nlohmann::json> value, std::string where, std::string hint);
    const nlohmann::json& need(const std::string& name, const std::string& wanted) const;
    JsonObject child(const nlohmann::json& value, std::string where) const;

    std::shared_ptr<const nlohmann::json> value_;
    std::string where_, hint_;
    std::shared_ptr<std::set<std::string>> asked_ = std::make_shared<std::set<std::string>>();
};

/// A value from a file for a message: short, on one line.
std::string shown(const nlohmann::json& value);

}  // namespace nibble
