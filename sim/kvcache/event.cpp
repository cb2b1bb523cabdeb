#include "sim/kvcache/event.hpp"

#include <fmt/format.h>

#include "sim/core/error.hpp"

namespace nibble {

std::string describe(const CacheEvent& event) {
    using Kind = CacheEvent::Kind;
    const auto s = event.sequence;
    switch (event.kind) {
        case Kind::stored:
            return fmt::format("request {} stores a token in block {}", s, event.block);
        case Kind::taken:
            return fmt::format("request {} takes block {}", s, event.block);
        case Kind::shared:
            return fmt::format("request {} shares block {}", s, event.block);
        case Kind::copied:
            return fmt::format("request {} copies block {} to block {}", s, event.source,
                               event.block);
        case Kind::dropped:
            return fmt::format("request {} leaves block {} to others", s, event.block);
        case Kind::freed:
            return fmt::format("request {} frees block {}", s, event.block);
        case Kind::swapped_out:
            return fmt::format("block {} of request {} moves to host block {}", event.source, s,
                               event.block);
        case Kind::swapped_in:
            return fmt::format("host block {} of request {} comes back as block {}", event.source,
                               s, event.block);
    }
    broken_invariant("kind", "every kind of event has words", __FILE__, __LINE__);
}

}  // namespace nibble
