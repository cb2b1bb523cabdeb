// Text of a lesson on the screen: words in several styles with mathematics among them, wrapped.
#pragma once

#include "viz/app/ui/ui.hpp"
#include "viz/lesson/rich_text.hpp"

namespace nibble {

/// A paragraph from the top left `at`; returns its height.
float draw_rich_text(const Ui& ui, Point at, const RichText& text, Font font, Color color,
                     float width);

/// The height that draw_rich_text() would return.
float rich_text_height(const Ui& ui, const RichText& text, Font font, float width);

/// A heading, an item, an equation, a row of a table ...; returns the height with the space under
/// it.
float draw_prose(const Ui& ui, Point at, const Prose& piece, float width);

}  // namespace nibble
