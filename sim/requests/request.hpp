// A request: when it comes, how many tokens it brings and how many it will get.
#pragma once

#include <cstdint>

namespace nibble {

struct Request {
    std::int64_t id = 0;                  // position in its trace, from 0
    double arrival = 0;                   // seconds
    std::int32_t prompt = 1, output = 1;  // tokens, at least 1 each
    std::int32_t prefix_len = 0;          // the first tokens of the prompt are those of ...
    std::int32_t prefix_id = -1;          // ... this prefix; negative: of none

    std::int64_t tokens() const { return std::int64_t{prompt} + output; }
    /// Tokens in the cache when the last one is yielded, which itself is never stored.
    std::int64_t most_stored() const { return tokens() - 1; }
};

}  // namespace nibble
