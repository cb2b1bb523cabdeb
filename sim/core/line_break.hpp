// Breaking text into lines, the same way on terminals, in files and in figures: words go on a line
// while it fits, as whoever draws it measures.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace nibble {

/// Whether this fits as the next line; `first`: of its paragraph.
using LineFits = std::function<bool(std::string_view line, bool first)>;
/// Bytes of a word too long for a line that go on one all the same; all of them leave it whole.
using WordCut = std::function<std::size_t(std::string_view word)>;

/// The lines of one paragraph, broken at spaces and line breaks. Without `cut` a word that does not
/// fit stands alone.
std::vector<std::string> broken_lines(std::string_view paragraph, const LineFits& fits,
                                      const WordCut& cut = {});

/// How many columns of a terminal a UTF-8 text takes: one a code point.
std::size_t columns_of(std::string_view text);

/// Lines of at most `width` columns, each after `indent` spaces. Keeps the text's own line breaks;
/// ends with one.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent = 0);

/// One paragraph in lines of at most `width` columns, the first after `indent`, the others after
/// `hanging` spaces. Each line ends with a break.
std::string filled_lines(std::string_view text, std::size_t width, std::size_t indent,
                         std::size_t hanging);

}  // namespace nibble
