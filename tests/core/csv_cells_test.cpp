#include "sim/core/csv_cells.hpp"

#include "tests/catch.hpp"

namespace nibble::csv_cells_test {

TEST_CASE("a line is cut at commas, blanks and quotes fall away", "[csv]") {
    std::vector<std::string_view> cells = {"left over"};
    split_cells(" 1,\t\"two\" ,,4\r", cells);
    CHECK(cells == std::vector<std::string_view>{"1", "two", "", "4"});
    split_cells("", cells);
    CHECK(cells == std::vector<std::string_view>{""});
    split_cells("\"", cells);  // half a pair of quotes is no quotes
    CHECK(cells == std::vector<std::string_view>{"\""});
}

TEST_CASE("a separator between quotes separates nothing", "[csv]") {
    std::vector<std::string_view> cells;
    split_cells("\"0,5\", \"a, \"\"b\"\"\",c \"d\",e", cells);
    CHECK(cells == std::vector<std::string_view>{"0,5", "a, \"\"b\"\"", "c \"d\"", "e"});
    split_cells("\"never closed, so one cell", cells);
    CHECK(cells.size() == 1);
    split_cells("1,5; \"2;5\";;", cells, ';');
    CHECK(cells == std::vector<std::string_view>{"1,5", "2;5", "", ""});
    split_cells("1\t\t\"2\t\"\t", cells, '\t');
    CHECK(cells == std::vector<std::string_view>{"1", "", "2\t", ""});
}

TEST_CASE("a byte order mark is dropped once, at the beginning", "[csv]") {
    CHECK(without_byte_order_mark("\xEF\xBB\xBF"
                                  "a,b") == "a,b");
    CHECK(without_byte_order_mark("a,b") == "a,b");
    CHECK(without_byte_order_mark("\xEF\xBB") == "\xEF\xBB");
}

TEST_CASE("a cell comes back as it was, and is no formula", "[csv]") {
    CHECK(csv_cell("plain words") == "plain words");
    CHECK(csv_cell("a,b \"c\"") == "\"a,b \"\"c\"\"\"");
    CHECK(csv_cell("a\nb") == "\"a\nb\"");
    CHECK(csv_cell("#1") == "\"#1\"");
    CHECK(csv_cell("a\x1b[31m") == "a [31m");
    for (const char* number : {"-1", "-0.5", "-1e-07", "3..4", "a=b", "x-y", ""}) {
        CHECK(csv_cell(number) == number);
    }
    for (const std::string sign : {"=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"}) {
        for (const std::string before :
             {"", " ", "\t", " \t ", "\u00a0", "\u3000", "\ufeff", "\r"}) {
            INFO(before << sign);
            CHECK(csv_cell(before + sign + "A1").starts_with("\"'"));
        }
    }
    CHECK(csv_line({"1", csv_cell("a,b"), ""}) == "1,\"a,b\",\n");
}

}  // namespace nibble::csv_cells_test
