#include "sim/core/utf8.hpp"

#include "sim/core/quoted.hpp"

#include "tests/catch.hpp"

using namespace nibble;

TEST_CASE("what is malformed reads as U+FFFD, byte by byte", "[utf8]") {
    const auto characters = [](std::string_view text) {
        std::u32string all;
        for (std::size_t at = 0; at < text.size();) {
            all += next_character(text, at);
        }
        return all;
    };
    CHECK(characters("aé日😀") == U"aé日😀");
    CHECK(characters("\xc0\x80") == U"\ufffd\ufffd");            // overlong
    CHECK(characters("\xed\xa0\x80") == U"\ufffd\ufffd\ufffd");  // a surrogate
    CHECK(characters("\xf5") == U"\ufffd");
    CHECK(characters("a\xe6\x97") == U"a\ufffd\ufffd");  // cut off
    CHECK(characters(std::string("\0x", 2)) == std::u32string(U"\0x", 2));
    std::string back;
    for (const char32_t c : U"aé日😀") {
        if (c != 0) {
            append_utf8(back, c);
        }
    }
    CHECK(back == "aé日😀");
}

TEST_CASE("characters are of the classes that tokenizers ask for", "[utf8]") {
    for (const char32_t c : {U'a', U'É', U'ß', U'日', U'ʰ', U'ǅ', U'א'}) {
        CHECK(class_of(c) == CharClass::letter);
    }
    for (const char32_t c : {U'7', U'٣', U'Ⅳ', U'½', U'²'}) {
        CHECK(class_of(c) == CharClass::number);
    }
    for (const char32_t c :
         {U' ', U'\t', U'\n', U'\u0085', U'\u00a0', U'\u2009', U'\u2028', U'\u3000'}) {
        CHECK(class_of(c) == CharClass::space);
    }
    for (const char32_t c : {U'.', U'_', U'€', U'😀', U'\u0301', U'\u200b', char32_t{0x10ffff},
                             replacement_character}) {
        CHECK(class_of(c) == CharClass::other);
    }
}

TEST_CASE("quoted text cannot steer a terminal", "[utf8]") {
    CHECK(printable("é 日 😀") == "é 日 😀");
    CHECK(printable("a\nb\tc") == "a\\nb\\tc");
    CHECK(printable("\x1b[31m\x7f") == "\\x1b[31m\\x7f");
    CHECK(printable(std::string("a\0b", 3)) == "a\\x00b");
    CHECK(printable("\xff\xc3") == "\\xff\\xc3");
    CHECK(printable("\u009b1m") == "\\u{9b}1m");    // one character that acts as ESC [
    CHECK(printable("a\u202eb") == "a\\u{202e}b");  // turns what follows around
    CHECK(printable("\u2028\ufffd") == "\\u{2028}\ufffd");
    CHECK(printable(std::string(300, 'x'), 10) == "xxxxxxxxxx... (300 bytes)");
    CHECK(in_quotes("x").size() == 3);
}
