// Equations in plain text as runs to set: "_{...}" lowers, "^{...}" raises, single letters lean.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nibble {

/// A stretch of an equation in one style.
struct MathRun {
    std::string text;
    int level = 0;  // -1 lowered, 1 raised
    bool italic = false;
    friend bool operator==(const MathRun&, const MathRun&) = default;
};

/// Variables (a single Latin or Greek letter) are italic; names of several letters, such as max and
/// log, digits and signs stand upright. An unclosed brace ends with the text.
std::vector<MathRun> math_runs(std::string_view text);

}  // namespace nibble
