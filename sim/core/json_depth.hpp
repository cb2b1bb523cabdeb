// A guard for JSON from outside: how deep it nests, before anything recurses over it.
#pragma once

#include <string>
#include <string_view>

namespace nibble {

/// Throws Error::bad_file naming `where` when arrays and objects nest deeper than 64. The parser
/// stands any depth; printing and walking the parsed value recurse and would exhaust the stack.
void check_json_depth(std::string_view text, const std::string& where);

}  // namespace nibble
