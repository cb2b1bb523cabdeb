// The body of a lesson's block, and its header: one "key: value" a line.
//
//     ask: What does one bit cost?
//       A line that starts with two spaces goes on with the value above it.
//
// Keys may come again where the block takes several (hint, option); their order is kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/csv_cells.hpp"
#include "viz/lesson/place.hpp"

namespace nibble {

struct Field {
    std::string key, value;
    Place place;
};

class Fields {
public:
    /// `first` is the place of the body's first line. Throws Error::bad_file for a line that is no
    /// "key: value".
    Fields(std::string_view body, const Place& first, std::string block);

    /// The value of a key that may stand once; empty when it is absent. Throws when it comes twice.
    std::optional<Field> find(std::string_view key);
    /// The same for a key that must be there and not empty.
    Field need(std::string_view key);
    std::vector<Field> all(std::string_view key);
    /// Every field in order whose key is one of `keys`.
    std::vector<Field> runs(const std::vector<std::string_view>& keys);
    /// Throws for a key that nothing asked for, naming the nearest one known.
    void finish() const;

    const Place& place() const { return place_; }

private:
    std::vector<Field> fields_;
    std::vector<std::string> known_;  // keys asked for so far
    Place place_;
    std::string block_;
};

/// Words between spaces; "double quotes" keep spaces inside a word together.
std::vector<std::string> split_words(std::string_view text);

}  // namespace nibble
