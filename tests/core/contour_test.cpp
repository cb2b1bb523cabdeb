#include "sim/core/contour.hpp"

#include <cmath>

#include "tests/catch.hpp"

namespace nibble::contour_test {

TEST_CASE("the contour of a plane is a line", "[contour]") {
    std::vector<float> field;
    for (int row = 0; row < 4; ++row) {
        for (int col = 0; col < 5; ++col) {
            field.push_back(static_cast<float>(col) + 2 * static_cast<float>(row));
        }
    }
    const auto pieces = contour(4, 5, field, 4.5);
    CHECK_FALSE(pieces.empty());
    for (const ContourPiece& p : pieces) {
        CHECK(p.x0 + 2 * p.y0 == Approx(4.5));
        CHECK(p.x1 + 2 * p.y1 == Approx(4.5));
        CHECK((p.x0 != p.x1 || p.y0 != p.y1));
    }
    CHECK(contour(4, 5, field, 100).empty());
    CHECK(contour(1, 5, std::span(field).first(5), 2.5).empty());
}

TEST_CASE("a saddle has two pieces and a hole none", "[contour]") {
    const std::vector<float> saddle = {1, -1, -1, 1};
    CHECK(contour(2, 2, saddle, 0).size() == 2);
    const std::vector<float> hole = {1, -1, NAN, 1};
    CHECK(contour(2, 2, hole, 0).empty());
}

TEST_CASE("a peak is walked around", "[contour]") {
    const std::vector<float> peak = {0, 0, 0, 0, 1, 0, 0, 0, 0};
    const auto pieces = contour(3, 3, peak, 0.5);
    REQUIRE(pieces.size() == 4);
    for (const ContourPiece& p : pieces) {
        CHECK(std::hypot(p.x1 - p.x0, p.y1 - p.y0) == Approx(std::sqrt(0.5)));
    }
}

}  // namespace nibble::contour_test
