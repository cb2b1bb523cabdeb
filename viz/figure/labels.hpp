// Where labels go: beside what they name when there is room, else into a key.
#pragma once

#include <vector>

#include "viz/figure/plot.hpp"

namespace nibble {

/// Draws every wish that has a free place. Returns the ones that have none. When one series finds
/// no place, no series is labelled directly: half a key confuses.
std::vector<KeyEntry> place_labels(Plot& plot);

/// Draws the entries as a block in the emptiest corner of the frame, if one is empty.
bool draw_corner_key(Plot& plot, const std::vector<KeyEntry>& entries);

/// Rows of entries from the left, wrapping at the width. Returns the height used; draws only when
/// `scene` is given.
float flow_key(Scene* scene, const std::vector<KeyEntry>& entries, Point top_left, float width,
               const Theme& theme, const TextMeasure& measure);
/// Width of all entries in one row.
float key_width(const std::vector<KeyEntry>& entries, const Theme& theme,
                const TextMeasure& measure);

}  // namespace nibble
