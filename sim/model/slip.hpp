// A document of the corpus cut off behind one word, and a word in its place that its rules forbid:
// a story's thing in the wrong hands, a digit that does not add up, a block closed by another's
// name, a product that is off by one. A reader who has kept track of the text is surprised there.
#pragma once

#include <optional>
#include <string>

#include "sim/model/corpus.hpp"

namespace nibble {

struct Slip {
    std::string before;  // the text up to the word
    std::string right;   // what stands there
    std::string wrong;   // what the rules forbid
};

/// The slip that a text of this domain offers, or none when it has no place for one. Deterministic.
std::optional<Slip> slip_in(Domain domain, const std::string& text);

}  // namespace nibble
