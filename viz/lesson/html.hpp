// HTML of hand-ins: what may stand in one, and how text gets there without becoming markup.
#pragma once

#include <string>
#include <string_view>

#include "viz/lesson/rich_text.hpp"

namespace nibble {

/// Nothing runs, nothing is fetched: styles inside the file and pictures inside the file alone.
inline constexpr std::string_view hand_in_policy =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'";
inline constexpr std::string_view hand_in_id = "nibble-hand-in";

/// Escaped for text and for attributes in double quotes.
std::string html_escaped(std::string_view text);
/// With emphasis, code, and mathematics as <i>, <sub> and <sup>. Links are written out, not linked.
std::string html_of(const RichText& text);

/// JSON that can stand in any HTML text: <, > and & are written \u003c, \u003e and \u0026. `json`
/// is in ASCII.
std::string html_safe_json(std::string json);

}  // namespace nibble
