// A scene as SVG 1.1, written by hand: text stays text (Cairo's SVG would turn it into outlines),
// so that it can be searched, edited and read aloud.
#pragma once

#include <string>

#include "viz/figure/scene.hpp"

namespace nibble {

struct SvgInfo {
    std::string title, description;  // for screen readers and tool tips
    std::string scenario;            // JSON, kept in <metadata id="nibble-scenario">
};

/// Well-formed XML whatever the texts hold.
std::string svg_text(const Scene& scene, Color background, const SvgInfo& info);

/// Escaped for XML text and attributes, without characters that XML cannot hold.
std::string xml_escaped(std::string_view text);

}  // namespace nibble
