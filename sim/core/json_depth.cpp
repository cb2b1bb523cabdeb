#include "sim/core/json_depth.hpp"

#include "sim/core/error.hpp"

namespace nibble {

void check_json_depth(std::string_view text, const std::string& where) {
    constexpr int deepest = 64;
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > deepest) {
                throw Error(
                    Error::Code::bad_file,
                    where + ": the JSON nests deeper than 64 levels, at byte " + std::to_string(i),
                    "no file that Nibble reads does");
            }
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
}

}  // namespace nibble
