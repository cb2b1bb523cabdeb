#include "viz/app/compare.hpp"

#include <limits>

#include "tests/catch.hpp"

namespace nibble::compare_test {

namespace {

Metric metric(double value, const std::string& unit, Better better) {
    Metric m{"m", "M", value};
    m.unit = unit;
    m.better = better;
    return m;
}

std::string words(double now, double a, const std::string& unit, Better better = Better::neither) {
    const auto d = difference(metric(now, unit, better), metric(a, unit, better));
    return d ? d->words : "";
}

Outcome with_line(const std::string& figure, Line line) {
    Figure f;
    f.id = figure;
    f.marks.emplace_back(std::move(line));
    Outcome o;
    o.rows = {{1, {f}}};
    return o;
}

}  // namespace

TEST_CASE("a difference to A is relative, except where the unit is a ratio already") {
    CHECK(words(0.0428, 1.01, "σ²") == "\u2212 96 % to A");
    CHECK(words(13.7, 0.1, "dB") == "+ 13.6 dB");
    CHECK(words(11.2, 94.6, "%") == "\u2212 83.4 pp");
    CHECK(words(4.5, 4, "bits/weight") == "+ 0.5");
    CHECK(words(31, 7, "") == "4.4 \u00d7 A");
    CHECK(words(3, 0, "GB/s") == "+ 3");
    CHECK(words(2, 2, "GB/s") == "as A");
    CHECK(words(std::numeric_limits<double>::infinity(), 2, "GB/s").empty());
}

TEST_CASE("whether a difference is good follows from which way the metric improves") {
    const auto good = [](double now, double a, Better better) {
        return difference(metric(now, "", better), metric(a, "", better))->good;
    };
    CHECK(good(1, 2, Better::lower) == 1);
    CHECK(good(3, 2, Better::lower) == -1);
    CHECK(good(3, 2, Better::higher) == 1);
    CHECK(good(3, 2, Better::neither) == 0);
    CHECK(good(2, 2, Better::higher) == 0);
}

TEST_CASE("a metric's number and unit are apart") {
    Metric bytes = metric(2304, "B", Better::neither);
    bytes.style = NumberStyle::bytes;
    CHECK(metric_text(bytes).number == "2.25");
    CHECK(metric_text(bytes).unit == "KiB");
    Metric rate = metric(312e12, "FLOP/s", Better::neither);
    rate.style = NumberStyle::si;
    CHECK(metric_text(rate).number == "312");
    CHECK(metric_text(rate).unit == "TFLOP/s");
}

TEST_CASE("the ghost of A is its subject curve in a look of its own, named A") {
    const Outcome now = with_line("error", {"groups of 64", Role::subject, {1, 2}, {3, 4}});
    const Outcome a = with_line("error", {"groups of 32", Role::subject, {1, 2}, {5, 6}});
    const Outcome both = with_ghost(now, a);
    const std::vector<Mark>& marks = both.rows[0].figures[0].marks;
    REQUIRE(marks.size() == 2);
    const Line& ghost = std::get<Line>(marks[0]);  // below the present one
    CHECK(ghost.role != Role::subject);
    CHECK(ghost.role != Role::baseline);
    CHECK(ghost.role != Role::reference);
    CHECK(ghost.role != Role::limit);
    CHECK(ghost.label == "groups of 32 (A)");
    CHECK(ghost.y == std::vector<double>{5, 6});

    CHECK(with_ghost(now, with_line("other", {"x", Role::subject, {1}, {1}}))
              .rows[0]
              .figures[0]
              .marks.size() == 1);
    CHECK(with_ghost(now, with_line("error", {"x", Role::reference, {1}, {1}}))
              .rows[0]
              .figures[0]
              .marks.size() == 1);
    CHECK(with_ghost(now, now).rows[0].figures[0].marks.size() == 1);
}

}  // namespace nibble::compare_test
