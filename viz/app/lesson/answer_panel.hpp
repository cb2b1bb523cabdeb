// Below the parameters: headline numbers with origin and difference to A, equations, the rest.
#pragma once

#include "viz/app/session.hpp"
#include "viz/app/ui/ui.hpp"

namespace nibble {

/// Draws metrics and equations of the present outcome; returns the y below them. The metrics after
/// the headlines are listed when `shows_more`, which a press on "More numbers" turns over.
float draw_answers(Ui& ui, const Session& session, Point top_left, float width, float alpha,
                   bool& shows_more);

}  // namespace nibble
