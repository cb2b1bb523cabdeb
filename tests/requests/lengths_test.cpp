#include "sim/requests/lengths.hpp"

#include "tests/catch.hpp"

using namespace nibble;

TEST_CASE("the traces that come with the program can be read", "[requests]") {
    CHECK(trace_of(LengthMix::chat).requests.size() == 200);
    CHECK(trace_of(LengthMix::conversation).requests.size() == 200);
    CHECK(trace_of(LengthMix::code).requests.size() == 64);
    for (const auto mix : {LengthMix::chat, LengthMix::conversation, LengthMix::code}) {
        CHECK_FALSE(source_of(mix).empty());
    }
}
