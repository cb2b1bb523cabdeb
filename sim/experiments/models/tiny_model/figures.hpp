// The figures and the words of the tiny-model lab.
#pragma once

#include "sim/core/outcome.hpp"
#include "sim/experiments/models/tiny_model/data.hpp"

namespace nibble::tiny_model {

enum class Tint { surprise, attention };

/// What the reader looks at, within what the text and the model have.
struct Look {
    std::size_t token = 1;
    Index layer = 0, head = 0;
    Site site = Site::attention_in;
    Tint tint = Tint::surprise;
};

/// `token` -1 is the wrong word, or else the most surprising token; values beyond the ends are the
/// ends.
Look look_at(const Data& data, int token, int layer, int head, Site site, Tint tint);

/// A piece in quotes, as a sentence or a label can hold it: a space first is kept, a line break is
/// named, bytes that are no text are shown as such.
std::string quoted(const std::string& piece);

std::vector<FigureRow> figures(const Data& data, const Look& look);
/// Finding, explanation, metrics, equations and tables.
void describe(const Data& data, const Look& look, Outcome& outcome);

/// A piece as valid UTF-8; what is part of a character only is shown as a code.
std::string readable(const std::string& piece);

}  // namespace nibble::tiny_model
