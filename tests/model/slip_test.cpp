#include "sim/model/slip.hpp"

#include "tests/catch.hpp"

namespace nibble::slip_test {

TEST_CASE("a slip cuts a document before a word and offers another in its place", "[corpus]") {
    for (const Domain domain : all_domains) {
        INFO(name(domain));
        int found = 0;
        for (std::uint64_t i = 0; i < 40; ++i) {
            const std::string text = make_document(1, Split::validation, domain, i).text;
            const auto slip = slip_in(domain, text);
            if (!slip) {
                continue;
            }
            ++found;
            INFO(text);
            CHECK(text.starts_with(slip->before + slip->right));
            CHECK(slip->right != slip->wrong);
            CHECK_FALSE(slip->wrong.empty());
        }
        // Not every program has a block inside, not every calculation an operation.
        CHECK(found >= 20);
    }
}

TEST_CASE("slips break the rule of their text", "[corpus]") {
    const auto story = slip_in(Domain::stories,
                               "Long ago, Ada and Tom met Nan at the mill.\nAda had a red key.\n"
                               "Tom had a blue hat.\nNan had a pink map.\nIn the end the red key "
                               "was with Tom, the blue hat was with Tom, the pink map was with "
                               "Nan.\n");
    REQUIRE(story);
    CHECK(story->before.ends_with("the red key was with"));
    CHECK(story->right == " Tom");
    CHECK(story->wrong == " Nan");  // one of the story's own people
    const auto sum = slip_in(Domain::arithmetic,
                             "a = #019\nb = #005\nc = #000\nd = #000\na = a + b: 019 005: "
                             "9+5+0=14 1+0+1=02 0+0+0=00\na = 024\nend\n");
    REQUIRE(sum);
    CHECK(sum->before.ends_with(" 1+0+1="));
    CHECK(sum->right == "02");
    CHECK(sum->wrong == "03");
    const auto code = slip_in(Domain::code,
                              "fn rank_bits(last)\n  if last < 3\n    print last\n    ;\n  end "
                              "if\n  ;\n  return last\nend fn rank_bits\n");
    REQUIRE(code);
    CHECK(code->before.ends_with("    ;\n  end"));
    CHECK(code->wrong == " while");
    const auto records = slip_in(Domain::records,
                                 "no | item | price | qty | customer | city | sum\n1 | tea | 6 | 7 "
                                 "| Abel | Oslo | 42\n= 1 rows\n");
    REQUIRE(records);
    CHECK(records->right == " 42");
    CHECK(records->wrong == " 43");
    CHECK_FALSE(slip_in(Domain::arithmetic, "a = #019\nb = #005\nc = #000\nd = #000\nend\n"));
    CHECK_FALSE(
        slip_in(Domain::code, "fn rank_bits(last)\n  ;\n  return last\nend fn rank_bits\n"));
}

}  // namespace nibble::slip_test
