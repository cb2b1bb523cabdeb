// Equations on the screen.
#pragma once

#include <string_view>

#include "viz/app/ui.hpp"
#include "viz/figure/math_text.hpp"

namespace nibble {

/// Draws the equation with its middle at `at.y`, smaller when it is wider than `room`; returns the
/// width.
float draw_equation(const Ui& ui, Point at, std::string_view text, Color color, float room);

}  // namespace nibble
