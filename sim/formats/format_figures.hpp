// Pictures of a format around one value: its bits, its ticks beside other formats', the rounding
// interval close up, and where NF4's levels come from.
#pragma once

#include <vector>

#include "sim/core/figure.hpp"
#include "sim/formats/scaled_format.hpp"

namespace nibble {

/// What part of the number line is shown. On a log axis: of the magnitudes.
struct NumberWindow {
    double low = -1, high = 1;
    Scale scale = Scale::linear;
};

/// The window that shows the value among the numbers of all `formats`. `reach` is the magnitude
/// that is always in view; `zoom` above 1 closes in on the value on a linear axis, in hops, so that
/// a dragged handle stays under the pointer; below 1 it opens out.
NumberWindow number_window(const std::vector<ScaledFormat>& formats, double value, double reach,
                           double zoom, Scale scale);

/// The bits of the value's code as cells, grouped by meaning; a block format's scale comes first.
Figure bits_figure(const ScaledFormat& format, double value);

/// A row of ticks for each format, the first one the subject, with what each makes of `value`,
/// which is a handle bound to the parameter `value`.
Figure ticks_figure(const std::vector<ScaledFormat>& formats, double value,
                    const NumberWindow& window);

/// The few numbers around the value, and the interval that rounds to the same one.
Figure close_up_figure(const ScaledFormat& format, double value);

/// Probabilities evenly spaced, read off the normal distribution, beside the published levels.
Figure nf4_figure();

}  // namespace nibble
