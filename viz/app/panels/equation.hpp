// Equations on the screen.
#pragma once

#include <string_view>

#include "viz/app/ui/ui.hpp"
#include "viz/figure/math_text.hpp"

namespace nibble {

/// Width of the mathematics in a size.
float math_width(const Ui& ui, std::string_view text, Font base);
/// Draws it from the left end of its base line; returns the width.
float draw_math(const Ui& ui, Point base_line, std::string_view text, Font base, Color color);

/// Draws the equation with its middle at `at.y`, smaller when it is wider than `room`; returns the
/// width.
float draw_equation(const Ui& ui, Point at, std::string_view text, Color color, float room);

}  // namespace nibble
