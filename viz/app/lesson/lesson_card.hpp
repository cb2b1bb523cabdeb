// The lessons in the window: their list, and the card on which one is read beside the live lab.
#pragma once

#include "viz/app/app_frame.hpp"

namespace nibble {

/// The lessons with time, what comes before them, and how much is done. Returns the y below.
float draw_lesson_list(Ui& ui, App& app, Rect area);

/// The page of the lesson that is open: prose, question or task, hints, result and reasons.
/// Returns the y below.
float draw_lesson_page(Ui& ui, App& app, Point top_left, float width);

/// Title, how far, and the way back to the list.
void draw_lesson_head(Ui& ui, App& app, Rect area);
/// The buttons that turn the page.
void draw_lesson_foot(Ui& ui, App& app, Rect area);

}  // namespace nibble
