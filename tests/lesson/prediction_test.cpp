// What a reader draws on must not tell the truth, and must have room for it.
#include "viz/lesson/prediction.hpp"

#include "tests/catch.hpp"
#include "tests/lesson/fixture.hpp"

namespace nibble::prediction_test {

namespace {

QuestionBlock asking(AnswerKind kind) {
    QuestionBlock q;
    q.kind = kind;
    q.figure = std::string("f");
    q.series = std::string("truth");
    return q;
}

Outcome panel() {
    Figure f;
    f.id = "f";
    f.y.scale = Scale::log10;
    f.marks = {Line{"truth", Role::baseline, {1, 8}, {2, 0.05}},
               Line{"theory", Role::reference, {1, 8}, {1, 0.1}},
               Line{"rival", Role::subject, {1, 8}, {1, 0.2}},
               Points{"dots", Role::reference, {3}, {1}}, Handle{"grip", Role::limit, 3, 1}};
    Outcome o;
    o.rows = {{1, {f}}};
    return o;
}

std::vector<std::string> labels(const Figure& f) {
    std::vector<std::string> found;
    for (const Mark& mark : f.marks) {
        if (const auto* line = std::get_if<Line>(&mark)) {
            found.push_back(line->label);
        }
    }
    return found;
}

}  // namespace

TEST_CASE("a line is drawn beside references, on axes that hold it", "[lesson]") {
    const Figure f = figure_to_draw_on(panel(), asking(AnswerKind::line));
    CHECK(labels(f) == std::vector<std::string>{"theory"});
    CHECK(f.marks.size() == 1);
    REQUIRE(f.y.limits);
    CHECK(f.y.limits->first == Approx(0.01));  // the decade below 0.05
    CHECK(f.y.limits->second == Approx(100));  // one decade above the one that holds 2
    REQUIRE(f.x.limits);
    CHECK(f.x.limits->second == 8);
}

TEST_CASE("a point is placed among lines", "[lesson]") {
    const Figure f = figure_to_draw_on(panel(), asking(AnswerKind::point));
    CHECK(labels(f) == std::vector<std::string>{"truth", "theory", "rival"});
    CHECK(f.marks.size() == 3);
    CHECK(f.x.limits->second > 8);
}

}  // namespace nibble::prediction_test
