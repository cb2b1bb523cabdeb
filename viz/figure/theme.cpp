// The three themes and the colour ramps, from the design's colour table.
#include "viz/figure/theme.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "sim/core/error.hpp"

namespace nibble {
namespace {

constexpr Color hex(std::uint32_t rgb) {
    return {static_cast<std::uint8_t>(rgb >> 16), static_cast<std::uint8_t>(rgb >> 8),
            static_cast<std::uint8_t>(rgb), 255};
}

Color mix(Color a, Color b, double share) {
    const auto channel = [&](std::uint8_t from, std::uint8_t to) {
        return static_cast<std::uint8_t>(std::lround(from + (to - from) * share));
    };
    return {channel(a.r, b.r), channel(a.g, b.g), channel(a.b, b.b), channel(a.a, b.a)};
}

template <std::size_t N>
Color ramp(const std::array<Color, N>& stops, double share) {
    const double position = std::clamp(share, 0.0, 1.0) * (N - 1);
    const auto k = std::min<std::size_t>(static_cast<std::size_t>(position), N - 2);
    return mix(stops[k], stops[k + 1], position - static_cast<double>(k));
}

double luminance(Color c) {
    const auto linear = [](std::uint8_t v) {
        const double s = v / 255.0;
        return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b);
}

/// Colour alone must not carry the meaning: dash and marker differ from role to role.
void fill_roles(Theme& t, Color subject, Color baseline, Color reference, Color limit) {
    using enum Marker;
    const auto at = [&t](Role role) -> RoleStyle& {
        return t.roles[static_cast<std::size_t>(role)];
    };
    at(Role::subject) = {subject, Dash::solid, circle};
    at(Role::baseline) = {baseline, Dash::dashed, square};
    at(Role::reference) = {reference, Dash::solid, diamond};
    at(Role::limit) = {limit, Dash::dashed, triangle};
    // Half way to faint: context must not outweigh the subject where it fills bars.
    at(Role::muted) = {mix(t.muted, t.faint, 0.5), Dash::dotted, circle};
    constexpr std::array<std::uint32_t, 8> kinds = {0x0072b2, 0xe69f00, 0x009e73, 0xcc79a7,
                                                    0x56b4e9, 0xd55e00, 0xb8a800, 0x7a6cff};
    constexpr std::array<Dash, 3> dashes = {Dash::solid, Dash::dashed, Dash::dotted};
    constexpr std::array<Marker, 4> markers = {circle, square, diamond, triangle};
    for (int k = 0; k < 8; ++k) {
        const auto i = static_cast<std::size_t>(k);
        at(category(k)) = {hex(kinds[i]), dashes[i % 3], markers[i % 4]};
    }
}

}  // namespace

ThemeKind theme_kind(std::string_view name) {
    if (name == "dark") {
        return ThemeKind::dark;
    }
    if (name == "light") {
        return ThemeKind::light;
    }
    if (name == "print") {
        return ThemeKind::print;
    }
    throw Error(Error::Code::bad_param, "no theme is called \"" + std::string(name) + "\"",
                "there are dark, light and print");
}

Theme make_theme(ThemeKind kind, float scale) {
    Theme t;
    t.kind = kind;
    t.scale = scale;
    if (kind == ThemeKind::dark) {
        t.background = hex(0x14161a);
        t.panel = hex(0x1a1d23);
        t.raised = hex(0x22262e);
        t.line = hex(0x2f3540);
        t.text = hex(0xe7e9ed);
        t.muted = hex(0x98a2b3);
        t.faint = hex(0x5d6675);
        t.grid = hex(0x262b34);
        t.accent = hex(0x56b4e9);
        t.on_accent = hex(0x0b1016);
        fill_roles(t, hex(0x56b4e9), hex(0xe69f00), hex(0x2fbf8f), hex(0xff7a45));
        return t;
    }
    t.background = hex(0xf4f5f7);
    t.panel = hex(0xffffff);
    t.raised = hex(0xf0f2f5);
    t.line = hex(0xd8dde4);
    t.text = hex(0x14181f);
    t.muted = hex(0x566073);
    t.faint = hex(0x8a94a5);
    t.grid = hex(0xe8ebef);
    t.accent = hex(0x0072b2);
    t.on_accent = hex(0xffffff);
    if (kind == ThemeKind::print) {
        t.background = hex(0xffffff);
        t.line = hex(0x8c8c8c);
        t.text = hex(0x000000);
        t.muted = hex(0x333333);
        t.faint = hex(0x6b6b6b);
        t.grid = hex(0xe3e3e3);
    }
    fill_roles(t, hex(0x0072b2), hex(0xb36b00), hex(0x00805c), hex(0xc8420e));
    return t;
}

double contrast(Color a, Color b) {
    const auto [dark, light] = std::minmax({luminance(a), luminance(b)});
    return (light + 0.05) / (dark + 0.05);
}

Color ink(Color color, const Theme& theme) {
    constexpr int steps = 10;
    for (int k = 0; k < steps; ++k) {
        const Color candidate = mix(color, theme.text, double(k) / steps);
        if (contrast(candidate, theme.background) >= 4.5) {
            return candidate;
        }
    }
    return theme.text;
}

Color ink_on(Color fill) {
    const Color black = hex(0x0b1016), white = hex(0xffffff);
    return contrast(fill, white) >= 3.5 || contrast(fill, white) > contrast(fill, black) ? white
                                                                                         : black;
}

Color magnitude_color(double share) {
    constexpr std::array<Color, 5> stops = {hex(0x00224e), hex(0x3a4a6b), hex(0x7c7b78),
                                            hex(0xbcae6c), hex(0xfee838)};
    return ramp(stops, share);
}

Color signed_color(double share, ThemeKind kind) {
    const Color zero = kind == ThemeKind::dark ? hex(0xe2e5ea) : hex(0xfbfbfb);
    const std::array<Color, 5> stops = {hex(0x0b4a8f), hex(0x5aa5dc), zero, hex(0xf0a04b),
                                        hex(0xb34a00)};
    return ramp(stops, (share + 1) / 2);
}

}  // namespace nibble
