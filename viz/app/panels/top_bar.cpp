// The bar across the top: what Nibble this is, the device and seed, and the buttons of the window.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <imgui.h>

#include "viz/app/app_frame.hpp"
#include "viz/app/overlays/overlays.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {
namespace {

/// Half a disc: the sign for light and dark.
void draw_theme_sign(const Ui& ui, Rect r, Color ink) {
    const float radius = ui.px(5.5F);
    const ImVec2 centre = {std::round(r.centre().x), std::round(r.centre().y)};
    ImDrawList& draw = ui.draw();
    draw.PathArcTo(centre, radius, -1.5708F, 1.5708F, 16);
    draw.PathFillConvex(packed(ink));
    draw.AddCircle(centre, radius, packed(ink), 32, std::max(1.0F, ui.px(1.4F)));
}

}  // namespace

float App::draw_top_left(const Places& at) {
    const float bottom = at.top.height, x = ui_.px(14);
    const Rect left = {x, ui_.px(13), ui_.px(11), ui_.px(22)};
    ui_.fill(left, theme_.style(Role::subject).color, ui_.px(2));
    ui_.fill({x + ui_.px(13), left.y, left.width, left.height}, theme_.style(Role::baseline).color,
             ui_.px(2));
    const Font font = {Face::semibold, 16 * theme_.scale};
    float end = x + ui_.px(32);
    if (at.nav_fits) {
        ui_.text({end, bottom / 2}, "Nibble", font, theme_.text);
        return at.nav.right() + ui_.px(16);
    }
    // The list of labs has no room of its own: it opens from here.
    const std::string title = session_.experiment().title;
    const float wide = ui_.width(title, ui_.medium()) + ui_.px(40);
    const Rect r = {end, ui_.px(11), wide, ui_.px(26)};
    if (ui_.button("labs", r, "")) {
        ui_.later([this] { show(make_lab_list()); });
    }
    ui_.text({r.x + ui_.px(12), r.centre().y}, title, ui_.medium(), theme_.text);
    const float s = ui_.px(3), cx = r.right() - ui_.px(14), cy = r.centre().y;
    ui_.draw().AddTriangleFilled({cx - s, cy - s / 2}, {cx + s, cy - s / 2}, {cx, cy + s * 0.8F},
                                 packed(theme_.muted));
    return r.right() + ui_.px(8);
}

std::string App::device_badge_now() const {
    const kernels::Machine device =
        session_.experiment().uses_device ? session_.device() : kernels::Machine::cpu;
    return device_badge(devices_.info(device), devices_.asking());
}

void App::draw_device(Rect chip, const std::string& badge) {
    if (ui_.button("device", chip, "")) {
        ui_.later([this] { show_devices(); });
    }
    const Experiment& lab = session_.experiment();
    const bool as_asked = !lab.uses_device || session_.device() == session_.machine();
    const float middle = chip.centre().y;
    const float end =
        chip.x + ui_.px(10) +
        ui_.text({chip.x + ui_.px(10), middle}, "device", theme_.body(), theme_.muted);
    ui_.text({end + ui_.px(6), middle}, badge, ui_.medium(),
             as_asked ? theme_.text : theme_.style(Role::limit).color);
    const float s = ui_.px(3), cx = chip.right() - ui_.px(12);
    ui_.draw().AddTriangleFilled({cx - s, middle - s / 2}, {cx + s, middle - s / 2},
                                 {cx, middle + s * 0.8F}, packed(theme_.muted));
    std::string words = lab.uses_device ? std::string("What computes. Press to choose:")
                                        : lab.title + " computes on the CPU. Other labs may take:";
    for (const kernels::Machine machine : kernels::all_machines) {
        const kernels::DeviceInfo info = devices_.info(machine);
        words += fmt::format("\n{}: {}", device_title(info), device_details(info));
    }
    ui_.tooltip_on("device", chip, words);
}

void App::draw_seed(Rect chip) {
    const float label = ui_.width("seed", theme_.body());
    ui_.fill(chip, theme_.raised, ui_.px(5));
    ui_.text({chip.x + ui_.px(10), chip.centre().y}, "seed", theme_.body(), theme_.muted);
    FieldStyle style{ui_.medium()};
    style.plain = true;
    const std::string now = std::to_string(session_.scenario().seed);
    const float from = chip.x + ui_.px(8) + label;
    const FieldEvent event =
        ui_.field("seed", {from, chip.y, chip.right() - from, chip.height}, now, now, style);
    if (!event.committed) {
        return;
    }
    std::uint64_t seed = 0;
    const char* end = event.text.data() + event.text.size();
    const auto [stop, failed] = std::from_chars(event.text.data(), end, seed);
    if (failed != std::errc{} || stop != end) {
        ui_.later([this, text = event.text] {
            tell(fmt::format("seed = \"{}\" is not a whole number from 0", text));
        });
    } else if (seed != session_.scenario().seed) {
        ui_.later([this, seed] { session_.set_seed(seed); });
    }
}

void App::draw_top_bar(const Places& at) {
    ui_.begin_pane("top", at.top, false, theme_.panel);
    float x = draw_top_left(at);
    const float y = ui_.px(11), high = ui_.px(26), gap = ui_.px(8);

    // From the right, the most needed first; what finds no room is still a key and a command.
    struct Item {
        const char* name;
        std::string label;
        ButtonLook look;
        void (App::*action)();
        std::string help;
    };
    const bool pinned = session_.pinned() != nullptr;
    const Item items[] = {
        {"export", at.nav_fits ? "Export chart" : "Export", ButtonLook::primary, &App::show_export,
         "Write this chart and its data to a file (Ctrl+E)"},
        {"theme", "", ButtonLook::plain, &App::toggle_theme, "Light or dark (T)"},
        {"projector", "Projector", settings_.projector ? ButtonLook::chosen : ButtonLook::plain,
         &App::toggle_projector, "White and large, for a room (P)"},
        {"pin", pinned ? "Unpin A" : "Pin A", pinned ? ButtonLook::chosen : ButtonLook::plain,
         &App::toggle_pin, "Keep this result as A and compare what follows with it (A)"},
    };
    const std::string seed = std::to_string(session_.scenario().seed);
    const float seed_width = ui_.width("seed", theme_.body()) +
                             std::max(ui_.px(18), ui_.width(seed, ui_.medium())) + ui_.px(30);
    float right = at.top.right() - ui_.px(16);
    for (const Item& item : items) {
        const bool sign = item.label.empty();
        const float wide = sign ? ui_.px(32) : ui_.width(item.label, ui_.medium()) + ui_.px(24);
        if (right - wide < x || (sign && settings_.projector)) {
            continue;
        }
        const Rect r = {std::round(right - wide), y, std::round(wide), high};
        if (ui_.button(item.name, r, item.label, item.look)) {
            ui_.later([this, act = item.action] { (this->*act)(); });
        }
        if (sign) {
            draw_theme_sign(ui_, r, theme_.text);
        }
        ui_.tooltip_on(item.name, r, item.help);
        right = r.x - gap;
    }
    // A GPU's name can be long: it is shortened before the seed has to go.
    const float around = ui_.width("device", theme_.body()) + ui_.px(42);
    const float room = right - x - around - gap - seed_width;
    if (room >= ui_.px(60)) {
        const std::string badge = shortened(device_badge_now(), ui_.medium(), room, ui_.fonts());
        const Rect chip = {x, y, std::round(around + ui_.width(badge, ui_.medium())), high};
        draw_device(chip, badge);
        x = chip.right() + gap;
    }
    if (x + seed_width <= right) {
        const Rect chip = {x, y, std::round(seed_width), high};
        draw_seed(chip);
        ui_.tooltip_on("seed-chip", chip,
                       "Where the random numbers start: another seed, another draw");
    }
    ui_.line({0, at.top.bottom() - 1}, {at.top.right(), at.top.bottom() - 1}, theme_.line);
    ui_.end_pane(at.top.y);
}

}  // namespace nibble
