#include "sim/kvcache/event.hpp"

#include <fmt/format.h>

#include "sim/core/error.hpp"

namespace nibble {

std::string describe(const CacheEvent& event, std::string_view who) {
    using Kind = CacheEvent::Kind;
    const auto block = event.block, source = event.source;
    switch (event.kind) {
        case Kind::stored:
            return fmt::format("{} writes into block {}", who, block);
        case Kind::taken:
            return fmt::format("{} takes block {}", who, block);
        case Kind::shared:
            return fmt::format("{} points to block {} too", who, block);
        case Kind::copied:
            return fmt::format("{} copies block {} to block {}", who, source, block);
        case Kind::dropped:
            return fmt::format("{} leaves block {} to others", who, block);
        case Kind::freed:
            return fmt::format("{} frees block {}", who, block);
        case Kind::swapped_out:
            return fmt::format("{} moves block {} to host block {}", who, source, block);
        case Kind::swapped_in:
            return fmt::format("{} brings host block {} back as block {}", who, source, block);
    }
    broken_invariant("kind", "every kind of event has words", __FILE__, __LINE__);
}

}  // namespace nibble
