// The figure that a reader draws a prediction on.
#pragma once

#include "viz/lesson/bench.hpp"

namespace nibble {

/// The figure of a line or a point to predict, without the truth and without what would give it
/// away: no points, no handles, no lines but baselines, references and limits. Its axes are fixed,
/// and wide enough for the truth with room on both sides.
Figure figure_to_draw_on(const Outcome& outcome, const QuestionBlock& question);

}  // namespace nibble
