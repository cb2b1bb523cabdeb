#include "sim/core/text.hpp"

#include <limits>

#include "sim/core/utf8.hpp"

#include "tests/catch.hpp"

namespace nibble::text_test {

TEST_CASE("numbers are written as people write them", "[text]") {
    CHECK(format_number(0) == "0");
    CHECK(format_number(-0.0) == "0");
    CHECK(format_number(0.04284) == "0.0428");
    CHECK(format_number(13.68) == "13.7");
    CHECK(format_number(4.5) == "4.5");
    CHECK(format_number(1234.5) == "1234" + std::string(""));
    CHECK(format_number(1e-7) == "1e-07");
    CHECK(format_number(123456789) == "1.23e+08");
    CHECK(format_number(4.12695, 6) == "4.12695");
    CHECK(format_number(std::numeric_limits<double>::infinity()) == "inf");
    CHECK(format_number(std::nan("")) == "nan");
}

TEST_CASE("counts, SI prefixes and binary bytes", "[text]") {
    CHECK(format_count(16777216) == "16\u2009777\u2009216");
    CHECK(format_count(-1000) == "-1\u2009000");
    CHECK(format_count(999) == "999");
    CHECK(format_si(312e12) == "312 T");
    CHECK(format_si(0.0042) == "4.2 m");
    CHECK(format_si(999950) == "1 M");
    CHECK(format_si(0) == "0 ");
    CHECK(format_si(-2.5e-6) == "-2.5 µ");
    CHECK(format_bytes(32.0 * (1ull << 30)) == "32 GiB");
    CHECK(format_bytes(1023) == "1023 B");
    CHECK(format_bytes(1536) == "1.5 KiB");
}

TEST_CASE("a slip of the hand finds the nearest name", "[text]") {
    CHECK(edit_distance("kitten", "sitting") == 3);
    CHECK(edit_distance("", "abc") == 3);
    const std::vector<std::string> names = {"bits", "group_size", "scheme"};
    CHECK(nearest("bit", names) == "bits");
    CHECK(nearest("groupsize", names) == "group_size");
    CHECK(nearest("group", names) == "group_size");
    CHECK(nearest("temperature", names).empty());
}

TEST_CASE("UTF-8 is told from other bytes", "[text]") {
    for (const char* good : {"", "abc", "é", "σ²", "\u2009", "😀", "\xf4\x8f\xbf\xbf"}) {
        CHECK(is_utf8(good));
    }
    for (const char* bad : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xff", "abc\xc3", "\xe2\x82", "\xf8\x88\x80\x80\x80"}) {
        CHECK_FALSE(is_utf8(bad));
    }
}

}  // namespace nibble::text_test
