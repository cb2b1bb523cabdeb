#include "viz/figure/base64.hpp"

#include "sim/core/error.hpp"

#include "tests/catch.hpp"

using namespace nibble;

TEST_CASE("base64 is that of RFC 4648, and back", "[base64]") {
    const std::pair<const char*, const char*> examples[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (const auto& [bytes, text] : examples) {
        CHECK(base64(bytes) == text);
        CHECK(from_base64(text) == bytes);
    }
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all += static_cast<char>(i);
    }
    CHECK(from_base64(base64(all)) == all);
    CHECK_THROWS_AS(from_base64("Zm%v"), Error);
}
