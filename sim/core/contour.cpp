#include "sim/core/contour.hpp"

#include <array>

#include "sim/core/error.hpp"

namespace nibble {
namespace {

struct Corner {
    double x, y, value;  // value: above the level when positive
};

struct Crossing {
    double x, y;
};

}  // namespace

std::vector<ContourPiece> contour(int rows, int cols, std::span<const float> field, double level) {
    NIBBLE_ASSERT(
        rows >= 0 && cols >= 0 &&
            field.size() == static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols),
        "one value a place of the grid");
    std::vector<ContourPiece> pieces;
    const auto at = [&](int row, int col) {
        const auto place = static_cast<std::size_t>(row) * static_cast<std::size_t>(cols) +
                           static_cast<std::size_t>(col);
        return Corner{double(col), double(row), double(field[place]) - level};
    };
    for (int row = 0; row + 1 < rows; ++row) {
        for (int col = 0; col + 1 < cols; ++col) {
            const std::array<Corner, 4> round = {at(row, col), at(row, col + 1),
                                                 at(row + 1, col + 1), at(row + 1, col)};
            std::vector<Crossing> found;
            bool whole = true;
            for (std::size_t i = 0; i < 4; ++i) {
                const Corner &a = round[i], &b = round[(i + 1) % 4];
                whole = whole && a.value == a.value;
                if ((a.value > 0) != (b.value > 0)) {
                    const double share = a.value / (a.value - b.value);
                    found.push_back({a.x + share * (b.x - a.x), a.y + share * (b.y - a.y)});
                }
            }
            for (std::size_t i = 0; whole && i + 1 < found.size(); i += 2) {
                pieces.push_back({found[i].x, found[i].y, found[i + 1].x, found[i + 1].y});
            }
        }
    }
    return pieces;
}

}  // namespace nibble
