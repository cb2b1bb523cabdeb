#include "sim/roofline/toml_table.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <toml++/toml.h>

#include "sim/core/error.hpp"
#include "sim/core/quoted.hpp"
#include "sim/core/text.hpp"

namespace nibble {

struct TomlTable::Node {
    std::shared_ptr<const toml::table> whole;  // keeps `table` alive
    const toml::table* table = nullptr;
    std::string path;    // of the file
    std::string prefix;  // "source." for the keys of [source]
    std::set<std::string> known = {};
    std::vector<std::shared_ptr<Node>> children = {};

    const toml::node* find(const std::string& key) {
        known.insert(key);
        return table->get(key);
    }
};

TomlTable TomlTable::read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    if (!in) {
        throw Error(Error::Code::io, fmt::format("{} cannot be read", path.string()));
    }
    return parse(text.str(), path.string());
}

TomlTable TomlTable::parse(const std::string& text, const std::string& path) {
    try {
        auto whole = std::make_shared<const toml::table>(toml::parse(text, path));
        auto node = std::make_shared<Node>();
        node->table = whole.get();
        node->whole = std::move(whole);
        node->path = path;
        return TomlTable(std::move(node));
    } catch (const toml::parse_error& e) {
        throw Error(Error::Code::bad_file,
                    fmt::format("{}, line {}, column {}: not TOML: {}", path, e.source().begin.line,
                                e.source().begin.column, printable(e.description(), 200)));
    }
}

void TomlTable::refuse(const std::string& key, const std::string& what,
                       const std::string& hint) const {
    const toml::node* node = node_->table->get(key);
    const auto line = (node ? node : node_->table)->source().begin.line;
    throw Error(
        Error::Code::bad_file,
        fmt::format("{}:{}: {}{}: {}", node_->path, std::max(line, 1U), node_->prefix, key, what),
        hint);
}

bool TomlTable::has(const std::string& key) const {
    return node_->find(key) != nullptr;
}

std::string TomlTable::text(const std::string& key) const {
    const toml::node* node = node_->find(key);
    if (!node) {
        refuse(key, "is missing", "it is a text in quotes");
    }
    const auto value = node->value<std::string>();
    if (!value || value->empty()) {
        refuse(key, "is not a text", "write it in quotes");
    }
    return *value;
}

double TomlTable::positive(const std::string& key) const {
    const toml::node* node = node_->find(key);
    if (!node) {
        refuse(key, "is missing", "it is a number above 0");
    }
    const auto value = node->is_number() ? node->value<double>() : std::nullopt;
    if (!value || !std::isfinite(*value) || *value <= 0) {
        refuse(key, "is not a number above 0");
    }
    return *value;
}

std::int64_t TomlTable::count(const std::string& key) const {
    const double value = positive(key);
    if (value != std::floor(value) || value > 9e15) {
        refuse(key, "is not a whole number");
    }
    return static_cast<std::int64_t>(value);
}

std::string TomlTable::text_or(const std::string& key, const std::string& fallback) const {
    return has(key) ? text(key) : fallback;
}

std::optional<double> TomlTable::positive_if(const std::string& key) const {
    return has(key) ? std::optional(positive(key)) : std::nullopt;
}

std::int64_t TomlTable::count_or(const std::string& key, std::int64_t fallback) const {
    return has(key) ? count(key) : fallback;
}

bool TomlTable::flag_or(const std::string& key, bool fallback) const {
    const toml::node* node = node_->find(key);
    if (!node) {
        return fallback;
    }
    if (!node->is_boolean()) {
        refuse(key, "is neither true nor false");
    }
    return *node->value<bool>();
}

std::optional<TomlTable> TomlTable::table_if(const std::string& key) const {
    const toml::node* node = node_->find(key);
    if (!node) {
        return std::nullopt;
    }
    if (!node->is_table()) {
        refuse(key, "is not a table", fmt::format("write [{}] and its keys below", key));
    }
    auto child = std::make_shared<Node>();
    child->whole = node_->whole;
    child->table = node->as_table();
    child->path = node_->path;
    child->prefix = node_->prefix + key + ".";
    node_->children.push_back(child);
    return TomlTable(std::move(child));
}

TomlTable TomlTable::table(const std::string& key) const {
    const auto found = table_if(key);
    if (!found) {
        refuse(key, "is missing", fmt::format("write [{}] and its keys below", key));
    }
    return *found;
}

std::vector<TomlTable> TomlTable::tables(const std::string& key) const {
    std::vector<TomlTable> list;
    const toml::node* node = node_->find(key);
    if (!node) {
        return list;
    }
    if (!node->is_array_of_tables()) {
        refuse(key, "is not a list of tables", fmt::format("write [[{}]] above each", key));
    }
    for (const toml::node& item : *node->as_array()) {
        auto child = std::make_shared<Node>();
        child->whole = node_->whole;
        child->table = item.as_table();
        child->path = node_->path;
        child->prefix = fmt::format("{}{}[{}].", node_->prefix, key, list.size());
        node_->children.push_back(child);
        list.push_back(TomlTable(std::move(child)));
    }
    return list;
}

std::vector<std::vector<double>> TomlTable::rows(const std::string& key, std::size_t width) const {
    std::vector<std::vector<double>> list;
    const toml::node* node = node_->find(key);
    if (!node || !node->is_array()) {
        refuse(key, node ? "is not a list" : "is missing",
               fmt::format("it is a list of rows of {} numbers", width));
    }
    for (const toml::node& row : *node->as_array()) {
        std::vector<double> numbers;
        if (const toml::array* cells = row.as_array()) {
            for (const toml::node& cell : *cells) {
                const auto value = cell.is_number() ? cell.value<double>() : std::nullopt;
                numbers.push_back(value && std::isfinite(*value) && *value > 0 ? *value : 0);
            }
        }
        if (numbers.size() != width || std::count(numbers.begin(), numbers.end(), 0.0) > 0) {
            throw Error(
                Error::Code::bad_file,
                fmt::format("{}:{}: {}{}: row {} is not {} numbers above 0", node_->path,
                            row.source().begin.line, node_->prefix, key, list.size(), width));
        }
        list.push_back(std::move(numbers));
    }
    return list;
}

void TomlTable::finish() const {
    for (const auto& [key, value] : *node_->table) {
        const std::string name(key.str());
        if (!node_->known.contains(name)) {
            const std::string near =
                nearest(name, std::vector(node_->known.begin(), node_->known.end()));
            refuse(name, "is not a key of such a file",
                   near.empty() ? "remove it" : fmt::format("did you mean {}?", near));
        }
    }
    for (const auto& child : node_->children) {
        TomlTable(child).finish();
    }
}

}  // namespace nibble
