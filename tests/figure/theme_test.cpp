// Looks: the design's colours exactly, readable everywhere, and never by colour alone.
#include "viz/figure/theme.hpp"

#include <set>
#include <tuple>

#include "sim/core/error.hpp"

#include "tests/catch.hpp"

namespace nibble::theme_test {

namespace {

std::uint32_t rgb(Color c) {
    return std::uint32_t(c.r) << 16U | std::uint32_t(c.g) << 8U | c.b;
}

}  // namespace

TEST_CASE("themes have the colours of the design", "[figure][theme]") {
    const Theme dark = make_theme(ThemeKind::dark), light = make_theme(ThemeKind::light);
    CHECK(rgb(dark.background) == 0x14161a);
    CHECK(rgb(dark.text) == 0xe7e9ed);
    CHECK(rgb(dark.style(Role::subject).color) == 0x56b4e9);
    CHECK(rgb(dark.style(Role::baseline).color) == 0xe69f00);
    CHECK(rgb(light.background) == 0xf4f5f7);
    CHECK(rgb(light.style(Role::subject).color) == 0x0072b2);
    CHECK(rgb(light.style(Role::limit).color) == 0xc8420e);
    CHECK(rgb(light.style(Role::category5).color) == 0xd55e00);
    CHECK(light.style(Role::baseline).dash == Dash::dashed);
    CHECK(light.style(Role::baseline).marker == Marker::square);
    CHECK(rgb(make_theme(ThemeKind::print).background) == 0xffffff);
    CHECK(rgb(make_theme(ThemeKind::print).text) == 0);
    CHECK(rgb(magnitude_color(-1)) == 0x00224e);
    CHECK(rgb(magnitude_color(2)) == 0xfee838);
}

TEST_CASE("contrast follows WCAG", "[figure][theme]") {
    const Color black = {0, 0, 0}, white = {255, 255, 255}, grey = {119, 119, 119};
    CHECK(contrast(black, white) == Approx(21));
    CHECK(contrast(white, black) == Approx(21));
    CHECK(contrast(grey, white) == Approx(4.478).margin(0.001));  // the known value of #777
}

TEST_CASE("text is readable and roles are visible in every theme", "[figure][theme]") {
    for (const ThemeKind kind : {ThemeKind::dark, ThemeKind::light, ThemeKind::print}) {
        const Theme t = make_theme(kind);
        CAPTURE(int(kind));
        CHECK(contrast(t.text, t.background) >= 7);
        CHECK(contrast(t.muted, t.background) >= 4.5);
        for (const Role role :
             {Role::subject, Role::baseline, Role::reference, Role::limit, Role::muted}) {
            CAPTURE(int(role));
            CHECK(contrast(t.style(role).color, t.background) >= 3);
        }
        for (const RoleStyle& style : t.roles) {
            CHECK(contrast(ink(style.color, t), t.background) >= 4.5);
            CHECK(contrast(ink_on(style.color), style.color) >= 3.5);
        }
    }
}

TEST_CASE("roles differ without their colour", "[figure][theme]") {
    const Theme t = make_theme(ThemeKind::light);
    std::set<std::tuple<Dash, Marker>> roles, kinds;
    for (int k = 0; k < 5; ++k) {
        const RoleStyle& style = t.roles.at(static_cast<std::size_t>(k));
        roles.insert({style.dash, style.marker});
    }
    for (int k = 0; k < 8; ++k) {
        const RoleStyle& style = t.style(category(k));
        kinds.insert({style.dash, style.marker});
    }
    CHECK(roles.size() == 5);
    CHECK(kinds.size() == 8);
}

TEST_CASE("theme names are read", "[figure][theme]") {
    CHECK(theme_kind("print") == ThemeKind::print);
    CHECK_THROWS_AS(theme_kind("sepia"), Error);
}

}  // namespace nibble::theme_test
