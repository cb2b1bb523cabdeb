// Which tokens a request holds, position by position.
//
// Either they are known one by one, or, as in traces of which only lengths were published, all that
// is known is who shares what: the first `prefix_len` tokens are those of prefix `prefix_id`, the
// rest (generated tokens too) is the request's own. Then each position gets a made-up 64-bit id,
// the same for two requests exactly where they share the prefix; ids of other positions would agree
// by accident once in 2^64 pairs.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/core/error.hpp"
#include "sim/core/rng.hpp"

namespace nibble {

using CachedToken = std::uint64_t;

class CachedTokens {
public:
    /// Tokens known one by one; positions beyond them may not be asked for.
    explicit CachedTokens(std::vector<CachedToken> tokens) : tokens_(std::move(tokens)) {}

    /// A prompt known by what it shares. `own_id` is different for every request.
    static CachedTokens shared(std::int64_t prefix_id, std::int64_t prefix_len,
                               std::int64_t own_id) {
        CachedTokens ids({});
        ids.is_shared_ = true;
        ids.prefix_len_ = static_cast<std::size_t>(prefix_len);
        ids.prefix_ = Rng(static_cast<std::uint64_t>(prefix_id)).stream("prefix");
        ids.own_ = Rng(static_cast<std::uint64_t>(own_id)).stream("own");
        return ids;
    }

    CachedToken operator[](std::size_t position) const {
        if (is_shared_) {
            return (position < prefix_len_ ? prefix_ : own_).bits(position);
        }
        NIBBLE_ASSERT(position < tokens_.size(), "a token that is not known was asked for");
        return tokens_[position];
    }

    std::vector<CachedToken> first(std::size_t count) const {
        std::vector<CachedToken> tokens(count);
        for (std::size_t i = 0; i < count; ++i) {
            tokens[i] = (*this)[i];
        }
        return tokens;
    }

private:
    std::vector<CachedToken> tokens_;
    bool is_shared_ = false;
    std::size_t prefix_len_ = 0;
    Rng prefix_{0}, own_{0};
};

}  // namespace nibble
