// Markdown of a lesson as data: runs of text in one style, in paragraphs.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/scenario.hpp"
#include "viz/lesson/formula.hpp"

namespace nibble {

/// What {{...}} in prose stands for, computed when the lesson is read.
struct ComputedText {
    enum class Kind {
        metric,   // {{metric quantizer bits=3 sqnr}}: the number with its unit, as the panel has it
        value,    // {{value quantizer bits=3: sqnr[bits=4] - sqnr}}: the number alone
        finding,  // {{finding quantizer bits=3}}: the headline of the outcome
    };
    Kind kind = Kind::metric;
    Scenario setting;
    Formula formula;  // not of a finding
};

struct Inline {
    enum class Kind { text, math, computed };
    Kind kind = Kind::text;
    std::string
        text;  // of math: notation of Equation (sim/core/outcome.hpp); of computed: its source
    bool strong = false, emphasis = false, code = false;
    std::string link = {};  // address, or empty
    std::shared_ptr<const ComputedText> computed = nullptr;
};
using RichText = std::vector<Inline>;

/// One piece of running text.
struct Prose {
    enum class Kind { paragraph, heading, item, quote, code, equation, table_row };
    Kind kind = Kind::paragraph;
    int level = 0;            // of a heading: 1 .. 6; of an item: how deep it is nested, from 0
    std::string marker = {};  // of an item: "•", "1."
    RichText text = {};
    std::vector<RichText> cells = {};  // of a table row
    bool is_table_head = false;
};

/// Reads Markdown (CommonMark with tables and $math$; no HTML, no pictures). Throws Error::bad_file
/// with file and line for a {{...}} that cannot be read.
std::vector<Prose> read_markdown(std::string_view text, const Place& first, const Experiments& all);
/// The same for a value of a field: one paragraph.
RichText read_rich_line(std::string_view text, const Place& place, const Experiments& all);

/// The letters alone; math in plain characters. Computed text must be filled in before.
std::string plain_text(const RichText& text);

}  // namespace nibble
