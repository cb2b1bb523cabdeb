// A TOML file of facts, read strictly: every refusal names the file, the line and the key.
//
// The only door to toml++. A key that nobody asked for is refused too, because a misspelt
// "bandwith_gb_s" must not silently leave a figure out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nibble {

/// A table of a file, or the file itself. Reading a key marks it as known.
class TomlTable {
public:
    /// Throws Error::io when the file cannot be read, Error::bad_file naming the line when it is
    /// not TOML.
    static TomlTable read(const std::filesystem::path& path);
    /// The same from text; `path` is for messages.
    static TomlTable parse(const std::string& text, const std::string& path);

    bool has(const std::string& key) const;
    /// All of these throw Error::bad_file for a key that is missing or of another type. Numbers of
    /// facts are positive; a count is a whole number that a double holds exactly.
    std::string text(const std::string& key) const;
    double positive(const std::string& key) const;
    std::int64_t count(const std::string& key) const;
    std::string text_or(const std::string& key, const std::string& fallback) const;
    std::optional<double> positive_if(const std::string& key) const;
    std::int64_t count_or(const std::string& key, std::int64_t fallback) const;
    bool flag_or(const std::string& key, bool fallback) const;
    TomlTable table(const std::string& key) const;
    std::optional<TomlTable> table_if(const std::string& key) const;
    /// An array of tables; empty when there is none.
    std::vector<TomlTable> tables(const std::string& key) const;
    /// An array of arrays of `width` positive numbers each.
    std::vector<std::vector<double>> rows(const std::string& key, std::size_t width) const;

    /// Refuses keys that nobody has read, here and in the tables read from here, naming the
    /// nearest that was.
    void finish() const;
    /// Throws Error::bad_file "path:line: key: what" at this table's `key`.
    [[noreturn]] void refuse(const std::string& key, const std::string& what,
                             const std::string& hint = {}) const;

private:
    struct Node;
    explicit TomlTable(std::shared_ptr<Node> node) : node_(std::move(node)) {}
    std::shared_ptr<Node> node_;
};

}  // namespace nibble
