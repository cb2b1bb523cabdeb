#include "viz/app/app_frame.hpp"

#include <GLFW/glfw3.h>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <imgui.h>

#include "sim/core/parallel.hpp"
#include "sim/core/text.hpp"
#include "viz/app/lesson/answer_panel.hpp"
#include "viz/app/ui/words.hpp"

namespace nibble {
namespace {

constexpr double patience = 0.15;     // seconds before an old result is dimmed
constexpr double notice_seconds = 8;  // how long a sentence stays in the status line
constexpr double least_notice = 1;    // and for how long whatever the person does
constexpr float projector_scale = 1.75F;

/// "12 ms on 2 threads", "3 ms on NVIDIA H200", "on the emulator", whose time says nothing.
std::string how_computed(const Session& session, const DeviceBoard& devices) {
    const std::string time = format_si(session.outcome_seconds(), 2) + "s";
    switch (session.outcome_scenario().device) {
        case kernels::Machine::cuda:
            return fmt::format("{} on {}", time, devices.info(kernels::Machine::cuda).name);
        case kernels::Machine::emulated:
            return "on the emulator";
        case kernels::Machine::cpu:
            break;
    }
    return fmt::format("{} on {} thread{}", time, threads(), threads() == 1 ? "" : "s");
}

}  // namespace

App::App(Session& session, DeviceBoard& devices, LessonReader& lessons, const FontSet& fonts,
         Settings settings)
    : session_(session),
      devices_(devices),
      lessons_(lessons),
      settings_(std::move(settings)),
      ui_(fonts) {
    update_theme();
    make_actions();
}

void App::set_screen_scale(float scale) {
    screen_scale_ = scale;
    update_theme();
}

void App::update_theme() {
    theme_ = make_theme(settings_.theme, screen_scale_);
    if (settings_.projector || presents()) {
        // In a lit room only white is bright enough, and grey text is lost.
        theme_ = make_theme(ThemeKind::light, screen_scale_ * projector_scale);
        theme_.background = theme_.panel = {255, 255, 255};
        theme_.muted = make_theme(ThemeKind::print).muted;
    }
}

bool App::take_settings_changed() {
    return std::exchange(settings_changed_, false);
}

bool App::take_lab_changed() {
    const std::string now = session_.experiment().id;
    return std::exchange(listed_lab_, now) != now;
}

App::Places App::places() const {
    if (reads()) {
        return lesson_places();
    }
    const Size all = ui_.screen();
    const float bar = ui_.px(48), status = ui_.px(32);
    const float steps = TimelineBar::of(session_) != nullptr ? ui_.px(TimelineBar::height) : 0;
    const float right = std::min(ui_.px(320), std::round(all.width * 0.38F));
    Places p;
    p.nav_fits = all.width - ui_.px(196) - right >= ui_.px(500);
    const float nav = p.nav_fits ? ui_.px(196) : 0;
    p.top = {0, 0, all.width, bar};
    p.nav = {0, bar, nav, all.height - bar};
    p.right = {all.width - right, bar, right, all.height - bar};
    p.centre = {nav, bar, all.width - right - nav, all.height - bar - status - steps};
    p.timeline = {nav, p.centre.bottom(), p.centre.width, steps};
    p.status = {nav, all.height - status, p.centre.width, status};
    return p;
}

void App::follow_devices() {
    if (const auto refusal = session_.take_refusal()) {
        devices_.note_refusal(refusal->device, refusal->state, refusal->reason);
        tell(fmt::format("{}; the CPU computes instead", refusal->reason));
    } else if (!devices_.asking()) {
        session_.set_usable(kernels::Machine::cuda, devices_.info(kernels::Machine::cuda).ready());
    }
}

void App::age_notice(bool something_done) {
    const bool was_read = notice_since_ >= 0 && ui_.now() - notice_since_ >= least_notice;
    if (something_done && was_read) {
        notice_.clear();
    }
}

void App::frame(std::vector<KeyPress> keys, double now) {
    const bool key_pressed = !keys.empty();
    ui_.begin_frame(theme_, std::move(keys), now);
    age_notice(key_pressed || ImGui::IsMouseClicked(0));
    guarded([this] { follow(); });
    guarded([this] { draw(); });
    guarded([this] { make_changes(); });
    ui_.end_frame();
    if (!devices_asked_) {  // after the first frame: CUDA may take seconds to answer
        devices_asked_ = true;
        devices_.ask();
    }
}

void App::follow() {
    session_.poll();
    follow_devices();
    settings_.last = session_.scenario();
    follow_lesson();
}

void App::draw() {
    const Session::Still still(session_);
    const Places at = places();
    const bool covered = has_overlay();
    lesson_keys();
    ui_.set_inert(covered);
    if (is_lost()) {
        draw_lost(at);
    } else {
        draw_panels(at);
    }
    draw_overlays();
    if (!covered) {
        shortcuts();
    }
}

void App::make_changes() {
    const std::string lab = session_.experiment().id;
    for (const auto& change : ui_.take_changes()) {
        if (session_.experiment().id != lab) {
            break;  // the others meant the lab that was seen
        }
        try {
            change();
        } catch (const Error& e) { tell(with_labels(e.line(), session_.experiment())); }
    }
    if (session_.scenario() != settings_.last) {
        ui_.wake_in(0);
    }
}

void App::draw_nav(Rect area) {
    const Point corner = ui_.begin_pane("navigation", area, true, theme_.panel);
    ui_.end_pane(draw_navigation(ui_, *this, {corner.x, corner.y, area.width, area.height}));
}

void App::draw_panels(const Places& at) {
    if (at.top.height > 0) {
        draw_top_bar(at);
    }
    if (reads()) {
        draw_lesson(at.nav, !at.right_fits);
    } else if (at.nav_fits) {
        draw_nav(at.nav);
    }
    draw_centre(at);
    if (at.right_fits) {
        draw_right(at.right);
    }
    if (at.timeline.height > 0) {
        timeline_.draw(ui_, session_, at.timeline);
    } else {
        timeline_.pause(session_);
    }
    if (at.status.height > 0) {
        draw_status(at.status);
    }
}

bool App::dims() const {
    return session_.busy() && session_.waited_seconds() >= patience;
}

bool App::failed() const {
    return !session_.error().empty() && !session_.busy();
}

void App::draw_centre(const Places& at) {
    const Rect& r = at.centre;
    if (reads() && lessons_.hides_result()) {
        draw_hidden_result(r);
        return;
    }
    if (presents() && lessons_.setting() == nullptr) {
        draw_title_page(r);
        return;
    }
    if (session_.busy() && !dims()) {
        ui_.wake_in(patience);
    }
    // Where the figures would be too small to read, the pane scrolls, and then they get all the
    // room they want.
    const auto heights = session_.outcome() ? figure_.heights(ui_, session_, r.width - ui_.px(10))
                                            : FigureView::Heights{};
    const bool scrolls = heights.least > r.height;
    const float height = scrolls ? heights.comfortable : r.height;
    // A pane of its own for each lab: one is not scrolled because another was.
    const Point corner =
        ui_.begin_pane("centre:" + session_.experiment().id, r, scrolls, theme_.background);
    if (scrolls) {
        scroll_centre();
    }
    const Rect area = {corner.x + 1, corner.y, r.width - (scrolls ? ui_.px(10) : 1), height};
    figure_.draw(ui_, session_, area, failed() ? 0.2F : dims() ? 0.45F : 1, scrolls);
    draw_made_prediction();
    if (failed()) {
        draw_error(r);
    } else if (!session_.outcome() && dims()) {
        ui_.text(r.centre(), "computing \u2026", theme_.body(), theme_.muted, HAlign::centre);
    }
    if (r.x > 0) {
        ui_.line({r.x, r.y}, {r.x, r.bottom()}, theme_.line);
    }
    if (dims()) {
        const auto done = static_cast<float>(std::clamp(session_.progress(), 0.02, 1.0));
        ui_.fill({r.x, r.y, r.width * done, ui_.px(2)}, theme_.accent);
    }
    ui_.end_pane(area.bottom());
}

void App::scroll_centre() {
    const float page = ImGui::GetWindowHeight() * 0.8F;
    if (ui_.take_key(GLFW_KEY_PAGE_DOWN)) {
        ImGui::SetScrollY(ImGui::GetScrollY() + page);
    } else if (ui_.take_key(GLFW_KEY_PAGE_UP)) {
        ImGui::SetScrollY(ImGui::GetScrollY() - page);
    }
}

void App::draw_error(Rect area) {
    const float wide = std::min(area.width, ui_.px(460)), pad = ui_.px(18);
    const Color ink = theme_.style(Role::limit).color;
    const float room = wide - 2 * pad;
    const Rect card = {std::round(area.centre().x - wide / 2), area.y + area.height * 0.3F, wide,
                       ui_.px(118)};
    ui_.fill(card, theme_.panel, ui_.px(6));
    ui_.outline(card, theme_.line, ui_.px(6));
    ui_.fill({card.x, card.y + ui_.px(6), ui_.px(3), card.height - ui_.px(12)}, ink);
    float y = card.y + pad;
    const Experiment& experiment = session_.experiment();
    y += ui_.paragraph({card.x + pad, y}, with_labels(session_.error(), experiment),
                       {Face::semibold, theme_.body().size}, theme_.text, room);
    y += ui_.px(6);
    ui_.paragraph({card.x + pad, y}, with_labels(session_.hint(), experiment), theme_.body(),
                  theme_.muted, room);
    ui_.record("error", card);
    if (session_.can_undo() &&
        ui_.button("undo-error", {card.x + pad, card.bottom() - ui_.px(38), ui_.px(70), ui_.px(26)},
                   "Undo")) {
        ui_.later([this] { session_.undo(); });
    }
}

std::string App::status_words() {
    if (!notice_.empty()) {
        notice_since_ = notice_since_ < 0 ? ui_.now() : notice_since_;
        const double left = notice_since_ + notice_seconds - ui_.now();
        if (left > 0) {
            ui_.wake_in(left);
            return notice_;
        }
        notice_.clear();
    }
    if (session_.busy()) {
        const bool previews = session_.dragging() && session_.outcome_is_preview();
        return previews ? fmt::format("preview, {:.0f} ms", 1000 * session_.outcome_seconds())
               : session_.progress() > 0
                   ? fmt::format("computing, {:.0f} %", 100 * session_.progress())
                   : std::string("computing");
    }
    if (!session_.error().empty()) {
        return "no result: " + with_labels(session_.error(), session_.experiment());
    }
    if (!session_.outcome()) {
        return {};
    }
    const std::string kind = session_.outcome_is_preview() ? "preview" : "exact";
    const std::string& sampling = session_.outcome()->sampling;
    return fmt::format("{}, {}{}{}", kind, how_computed(session_, devices_),
                       sampling.empty() ? "" : ", ", sampling);
}

void App::draw_status(Rect r) {
    ui_.begin_pane("status", r, false, theme_.panel);
    const Timeline* steps = TimelineBar::of(session_);
    if (steps == nullptr) {
        ui_.line({r.x, r.y}, {r.right(), r.y}, theme_.line);
    }
    if (r.x > 0) {
        ui_.line({r.x, r.y}, {r.x, r.bottom()}, theme_.line);
    }
    const float middle = r.centre().y;
    const Role state = session_.busy()             ? Role::baseline
                       : !session_.error().empty() ? Role::limit
                                                   : Role::reference;
    const std::string keys = "Ctrl+K commands   ? keys";
    const float keys_width = ui_.width(keys, theme_.body());
    const float left = r.x + ui_.px(30), gap = ui_.px(16);
    const bool keys_fit = r.right() - 2 * gap - keys_width - left > ui_.px(160);
    const float right = r.right() - gap - (keys_fit ? keys_width + gap : 0);
    ui_.draw().AddCircleFilled({r.x + ui_.px(18), middle}, ui_.px(4),
                               packed(theme_.style(state).color), 24);
    const std::string words = shortened(status_words(), theme_.body(), right - left, ui_.fonts());
    const float end = left + ui_.text({left, middle}, words, theme_.body(), theme_.muted);
    if (steps != nullptr && !steps->marks.empty() && !steps->marks_meaning.empty()) {
        // Under the track, where the words before it leave it there.
        const std::string marks = "marks: " + steps->marks_meaning;
        const float x = std::max(r.x + ui_.px(138), end + ui_.px(24));
        if (x + ui_.width(marks, theme_.body()) <= right) {
            ui_.text({x, middle}, marks, theme_.body(), theme_.faint);
        }
    }
    if (keys_fit) {
        ui_.text({r.right() - gap, middle}, keys, theme_.body(), theme_.faint, HAlign::right);
    }
    ui_.end_pane(r.y);
}

void App::draw_right(Rect r) {
    const float pad = ui_.px(20), width = r.width - 2 * pad, foot = ui_.px(56);
    const Rect body = {r.x, r.y, r.width, r.height - foot};
    PanelRequests requests;
    const Point corner =
        ui_.begin_pane("right:" + session_.experiment().id, body, true, theme_.panel);
    float y = params_.draw(ui_, session_, {corner.x + pad, corner.y + ui_.px(21)}, width, requests);
    const float strength = failed() ? 0.3F : dims() ? 0.5F : 1;
    if (!reads() || !lessons_.hides_result()) {
        y = draw_answers(ui_, session_, {corner.x + pad, y}, width, strength, shows_more_numbers_);
    }
    ui_.line({r.x, r.y}, {r.x, body.bottom()}, theme_.line);
    ui_.end_pane(y + ui_.px(8));

    ui_.begin_pane("right-foot", {r.x, body.bottom(), r.width, foot}, false, theme_.panel);
    ui_.line({r.x, body.bottom()}, {r.x, r.bottom()}, theme_.line);
    // Halves, unless one label needs more.
    const std::string copy = "Copy as command";
    const float gap = ui_.px(11), high = ui_.px(28);
    const float first =
        std::max(std::floor((width - gap) / 2), ui_.width(copy, ui_.medium()) + ui_.px(18));
    const float top = body.bottom() + ui_.px(12), left = r.x + pad;
    if (ui_.button("copy-command", {left, top, first, high}, copy)) {
        ui_.later([this] { copy_command(); });
    }
    const float second = left + first + gap;
    if (ui_.button("reset-panel", {second, top, left + width - second, high}, "Reset panel")) {
        ui_.later([this] { reset_panel(); });
    }
    ui_.end_pane(r.y);
    if (requests.any()) {
        ui_.later([this, requests] { serve(requests); });
    }
}

}  // namespace nibble
