// A scene as text, one primitive a line: what golden tests compare.
#pragma once

#include <string>

#include "viz/figure/scene.hpp"

namespace nibble {

/// Positions to a tenth of a point, colours as hex digits. The same scene gives the same text.
std::string recording_of(const Scene& scene);

/// Made-up text widths that no installed font can change.
class FixedMeasure : public TextMeasure {
public:
    float width(std::string_view text, Font font) const override;
};

}  // namespace nibble
