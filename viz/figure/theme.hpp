// Colours, type sizes and stroke widths: everything about looks that is not position.
//
// The palette is Okabe and Ito's, safe for the common forms of colour blindness; roles differ in
// dash and marker too, so that a chart survives a grey printer.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "viz/figure/scene.hpp"

namespace nibble {

enum class ThemeKind : std::uint8_t { dark, light, print };
/// "dark", "light", "print". Throws Error::bad_param for anything else.
ThemeKind theme_kind(std::string_view name);

enum class Marker : std::uint8_t { circle, square, diamond, triangle };

struct RoleStyle {
    Color color;
    Dash dash = Dash::solid;
    Marker marker = Marker::circle;
};

struct Theme {
    ThemeKind kind = ThemeKind::dark;
    Color background, panel, raised, line;
    Color text, muted, faint, grid;
    Color accent, on_accent;
    std::array<RoleStyle, 13> roles;  // indexed by Role
    float scale = 1;                  // of type and strokes: 1.75 on the projector

    Font body() const { return {Face::text, 12.5F * scale}; }
    Font small() const { return {Face::text, 11.5F * scale}; }
    Font label() const { return {Face::semibold, 10.0F * scale}; }
    Font chart_title() const { return {Face::semibold, 12.0F * scale}; }
    Font title() const { return {Face::semibold, 19.0F * scale}; }
    Font headline() const { return {Face::semibold, 20.0F * scale}; }
    Font mono() const { return {Face::mono, 12.0F * scale}; }
    Font math() const { return {Face::math, 17.0F * scale}; }

    /// Width of a curve; thinner on paper, which resolves more.
    float stroke() const { return (kind == ThemeKind::print ? 1.5F : 2.0F) * scale; }
    /// Width of axes, grid and outlines: a whole number, so that they stay crisp on the screen.
    float hairline() const { return scale < 1.5F ? 1.0F : 2.0F; }
    float marker_radius() const { return 3.5F * scale; }

    const RoleStyle& style(Role role) const { return roles[static_cast<std::size_t>(role)]; }
};

/// The named theme at a type scale.
Theme make_theme(ThemeKind kind, float scale = 1);

/// Contrast ratio of two opaque colours as WCAG 2 defines it: 1 .. 21.
double contrast(Color a, Color b);

/// `color` moved towards the theme's text colour just far enough to be read as small text on the
/// theme's background (contrast 4.5). Marks keep the pure colour, their labels take this one.
Color ink(Color color, const Theme& theme);

/// Near-black or white, whichever reads better on `fill`.
Color ink_on(Color fill);

/// Magnitude ramp (cividis-like), share in 0 .. 1; clamped.
Color magnitude_color(double share);
/// Diverging blue-white-orange ramp for dark or light surroundings, share in -1 .. 1; clamped.
Color signed_color(double share, ThemeKind kind);

}  // namespace nibble
