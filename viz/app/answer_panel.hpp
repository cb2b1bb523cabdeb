// Below the parameters: headline numbers with origin and difference to A, equations, two buttons.
#pragma once

#include "viz/app/session.hpp"
#include "viz/app/ui.hpp"

namespace nibble {

/// Draws metrics and equations of the present outcome; returns the y below them.
float draw_answers(Ui& ui, const Session& session, Point top_left, float width, float alpha);

}  // namespace nibble
