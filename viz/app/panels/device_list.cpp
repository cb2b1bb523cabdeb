// The list below the device badge: the three devices with what each is, or why it cannot be used.
#include <GLFW/glfw3.h>
#include <algorithm>
#include <cmath>
#include <imgui.h>

#include "viz/app/overlays/overlays.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {
namespace {

class DeviceList : public Overlay {
public:
    explicit DeviceList(Rect anchor) : anchor_(anchor) {}

    bool draw(Ui& ui, App& app) override {
        const Theme& t = ui.theme();
        const float pad = ui.px(8), wide = std::min(ui.px(400), ui.screen().width - ui.px(16));
        const float room = wide - 2 * pad - ui.px(24);
        float high = pad + ui.px(36);
        for (const kernels::Machine machine : kernels::all_machines) {
            high += row_height(ui, app.devices().info(machine), room);
        }
        const float x = std::min(anchor_.x, ui.screen().width - wide - ui.px(8));
        const Rect card = {x, anchor_.bottom() + ui.px(4), wide, high};
        ui.fill(card, t.raised, ui.px(6));
        ui.outline(card, t.line, ui.px(6));
        if (!opened_) {
            opened_ = true;
            mark_ = static_cast<int>(app.session().device());
        }
        move_mark(ui);
        float y = card.y + pad;
        std::optional<kernels::Machine> chosen;
        for (const kernels::Machine machine : kernels::all_machines) {
            const kernels::DeviceInfo info = app.devices().info(machine);
            const Rect r = {card.x + pad, y, wide - 2 * pad, row_height(ui, info, room)};
            if (row(ui, app, info, r, room)) {
                chosen = machine;
            }
            y += r.height;
        }
        const Rect again = {card.right() - pad - ui.px(90), card.bottom() - ui.px(34), ui.px(90),
                            ui.px(26)};
        const bool asking = app.devices().asking();
        ui.outline(again.inset(-1), t.line, ui.px(5));
        if (ui.button("device:ask", again, asking ? "Asking \u2026" : "Ask again")) {
            ui.later([&app] { app.devices().ask(); });
            ui.wake_in(0);
        }
        if (ui.take_key(GLFW_KEY_ENTER) || ui.take_key(GLFW_KEY_SPACE)) {
            chosen = static_cast<kernels::Machine>(mark_);
        }
        if (chosen) {
            ui.later([&app, device = *chosen] { app.choose_device(device); });
            return false;
        }
        const ImVec2 p = ImGui::GetIO().MousePos;
        return !ui.take_key(GLFW_KEY_ESCAPE) &&
               !(ImGui::IsMouseClicked(0) && !card.contains({p.x, p.y}));
    }

private:
    float row_height(const Ui& ui, const kernels::DeviceInfo& info, float room) const {
        const Font font = ui.theme().small();
        const auto lines = wrap(device_details(info), font, room, ui.fonts()).size();
        return ui.px(32) + std::round(font.size * 1.45F) * static_cast<float>(lines);
    }

    bool row(Ui& ui, App& app, const kernels::DeviceInfo& info, Rect r, float room) {
        const Theme& t = ui.theme();
        const Hit h = ui.hit(std::string("device:") + kernels::name(info.machine), r, false);
        if (h.hovered || mark_ == static_cast<int>(info.machine)) {
            ui.fill(r, h.hovered ? t.text.with_alpha(0.1) : t.line, ui.px(4));
        }
        const float left = r.x + ui.px(22), middle = r.y + ui.px(15);
        const bool here = app.session().device() == info.machine;
        ui.draw().AddCircle({r.x + ui.px(11), middle}, ui.px(4), packed(here ? t.accent : t.faint),
                            24, std::max(1.0F, ui.px(1.4F)));
        if (here) {
            ui.draw().AddCircleFilled({r.x + ui.px(11), middle}, ui.px(2.2F), packed(t.accent), 24);
        }
        ui.text({left, middle}, device_title(info), {Face::semibold, t.body().size}, t.text);
        const Color ink = t.style(info.ready() ? Role::reference : Role::limit).color;
        ui.text({r.right() - ui.px(8), middle}, kernels::in_words(info.state), t.small(), ink,
                HAlign::right);
        ui.paragraph({left, r.y + ui.px(25)}, device_details(info), t.small(), t.muted, room);
        return h.pressed;
    }

    void move_mark(Ui& ui) {
        const int count = static_cast<int>(kernels::all_machines.size());
        if (ui.take_key(GLFW_KEY_DOWN)) {
            mark_ = (mark_ + 1) % count;
        } else if (ui.take_key(GLFW_KEY_UP)) {
            mark_ = (mark_ + count - 1) % count;
        }
    }

    Rect anchor_;
    int mark_ = 0;
    bool opened_ = false;
};

}  // namespace

std::unique_ptr<Overlay> make_device_list(Rect anchor) {
    return std::make_unique<DeviceList>(anchor);
}

}  // namespace nibble
