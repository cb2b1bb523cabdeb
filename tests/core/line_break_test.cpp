#include "sim/core/line_break.hpp"

#include "tests/catch.hpp"

using namespace nibble;

namespace {

using Lines = std::vector<std::string>;

Lines broken(std::string_view text, std::size_t width, bool cuts = false) {
    const WordCut cut = [&](std::string_view) { return width; };
    return broken_lines(
        text, [&](std::string_view line, bool) { return line.size() <= width; },
        cuts ? cut : WordCut());
}

}  // namespace

TEST_CASE("words go on a line while it fits", "[lines]") {
    CHECK(broken("one two three", 7) == Lines{"one two", "three"});
    CHECK(broken(" one  two\nthree ", 9) == Lines{"one two", "three"});
    CHECK(broken("", 9).empty());
    CHECK(broken("unbreakable x", 4) == Lines{"unbreakable", "x"});
    CHECK(broken("abcdefghij k", 4, true) == Lines{"abcd", "efgh", "ij k"});
    CHECK(broken("a abcdefghi", 4, true) == Lines{"a", "abcd", "efgh", "i"});
}

TEST_CASE("the first line may begin elsewhere", "[lines]") {
    CHECK(filled_lines("aa bb cc dd", 9, 2, 6) == "  aa bb\n      cc\n      dd\n");
    CHECK(filled_lines("", 9, 2, 6).empty());
    CHECK(wrapped("aa bb\n\ncc", 6, 1) == " aa bb\n\n cc\n");
}
