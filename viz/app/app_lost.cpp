// A bug in Nibble costs the frame that meets it, not the window: the stacks of Dear ImGui are
// unwound, and the person is told what to do instead.
#include <algorithm>
#include <cmath>
#include <imgui.h>
#include <imgui_internal.h>

#include "viz/app/app_frame.hpp"
#include "viz/app/overlays/overlays.hpp"

namespace nibble {

void App::guarded(const std::function<void()>& part) {
#if IMGUI_VERSION_NUM >= 19130
    ImGuiErrorRecoveryState before;
    ImGui::ErrorRecoveryStoreState(&before);
    ImGui::GetIO().ConfigErrorRecoveryEnableAssert = false;
#endif
    try {
        part();
    } catch (const std::exception& e) {
#if IMGUI_VERSION_NUM >= 19130
        ImGui::ErrorRecoveryTryToRecoverState(&before);
#else
        ImGui::ErrorCheckEndFrameRecover(nullptr);
#endif
        lose_frame(e.what());
    }
}

void App::lose_frame(const std::string& why) {
    const bool again = is_lost();
    lost_ = Lost{why, session_.scenario(), session_.outcome()};
    ++lost_frames_;
    overlays_.clear();
    ui_.take_changes();
    ui_.stop_editing();
    if (!again) {
        ui_.wake_in(0);  // the next frame tells
    }
}

bool App::is_lost() const {
    return lost_ && lost_->scenario == session_.scenario() && lost_->outcome == session_.outcome();
}

void App::draw_lost(const Places& at) {
    if (at.nav_fits) {
        draw_nav(at.nav);
    }
    const float left = at.nav_fits ? at.nav.right() : 0;
    const Size all = ui_.screen();
    const Rect area = {left, at.top.bottom(), all.width - left, all.height - at.top.bottom()};
    ui_.begin_pane("lost", area, false, theme_.background);
    const float wide = std::min(area.width - ui_.px(32), ui_.px(520));
    const float x = std::round(area.centre().x - wide / 2);
    float y = area.y + area.height * 0.3F;
    y += ui_.paragraph({x, y}, session_.experiment().title + " could not be drawn",
                       {Face::semibold, 15 * theme_.scale}, theme_.text, wide);
    y +=
        ui_.px(6) + ui_.paragraph({x, y + ui_.px(6)},
                                  "This is a bug in Nibble. Choose another lab, or reset this one.",
                                  theme_.body(), theme_.text, wide);
    y += ui_.px(6) +
         ui_.paragraph({x, y + ui_.px(6)}, lost_->why, theme_.small(), theme_.muted, wide);
    ui_.record("lost", {x, area.y, wide, y - area.y});
    Rect r = {x, y + ui_.px(12), ui_.px(110), ui_.px(28)};
    if (ui_.button("lost:reset", r, "Reset panel", ButtonLook::primary)) {
        ui_.later([this] { reset_panel(); });
    }
    r.x = r.right() + ui_.px(8);
    if (ui_.button("lost:labs", r, "Other labs")) {
        ui_.later([this] { show(make_lab_list()); });
    }
    r.x = r.right() + ui_.px(8);
    if (ui_.button("lost:again", r, "Try again")) {
        ui_.later([this] { lost_.reset(), ui_.wake_in(0); });
    }
    ui_.end_pane(area.y);
}

}  // namespace nibble
