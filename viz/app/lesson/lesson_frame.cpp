// The window while a lesson is read: where things are, what each page sets up, keys, presenting.
#include <GLFW/glfw3.h>
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <imgui.h>
#include <utility>

#include "viz/app/app_frame.hpp"
#include "viz/app/lesson/lesson_card.hpp"
#include "viz/app/overlays/overlays.hpp"
#include "viz/figure/files.hpp"
#include "viz/lesson/report.hpp"

namespace nibble {

void App::show_lessons(bool lessons) {
    shows_lessons_ = lessons;
    update_theme();
    ui_.wake_in(0);
}

void App::open_lesson(const std::string& name, bool presents, std::size_t page) {
    try {
        lessons_.open(name, presents, page);
        shows_lessons_ = true;
        notice_.clear();
    } catch (const Error& e) { tell(e.line()); }
    update_theme();
    settings_changed_ = true;
    ui_.wake_in(0);
}

void App::leave_lesson() {
    if (!lessons_.presents()) {
        settings_.lesson.clear();
    }
    lessons_.close();
    update_theme();
    settings_changed_ = true;
    ui_.wake_in(0);
}

void App::show_report() {
    FileQuestion question;
    question.wanted = FileQuestion::Wanted::new_file;
    question.title = "Write the report: one file to hand in";
    question.button = "Write";
    question.suffixes = {".html"};
    const char* home = std::getenv("HOME");
    const std::filesystem::path folder = !settings_.exports.folder.empty()
                                             ? std::filesystem::path(settings_.exports.folder)
                                         : home != nullptr && *home != 0 ? home
                                                                         : ".";
    const Lesson lesson = *lessons_.lesson();
    question.start = folder / (lesson.path.stem().string() + ".html");
    question.chosen = [this, lesson](const std::filesystem::path& path) {
        std::filesystem::path whole = path;
        if (!whole.has_extension()) {
            whole += ".html";
        }
        try {
            write_whole_file(whole, report_html(lesson, lessons_.answers(), lessons_.bench()));
            tell("wrote " + whole.string());
        } catch (const Error& e) { tell(e.line()); }
    };
    show(make_file_dialog(std::move(question)));
}

App::Places App::lesson_places() const {
    const Size all = ui_.screen();
    const bool presenting = presents();
    const float bar = presenting ? 0 : ui_.px(48), status = presenting ? 0 : ui_.px(32);
    const float card = presenting ? std::round(all.width * 0.42F)
                                  : std::min(ui_.px(340), std::round(all.width * 0.45F));
    const float wanted = ui_.px(320);
    Places p;
    p.right_fits = !presenting && all.width - card - wanted >= ui_.px(460);
    const float right = p.right_fits ? wanted : 0;
    const bool hidden = lessons_.hides_result();
    const float steps =
        TimelineBar::of(session_) != nullptr && !hidden ? ui_.px(TimelineBar::height) : 0;
    p.top = {0, 0, all.width, bar};
    p.nav = {0, bar, card, all.height - bar};
    p.right = {all.width - right, bar, right, all.height - bar};
    p.centre = {card, bar, all.width - right - card, all.height - bar - status - steps};
    p.timeline = {card, p.centre.bottom(), p.centre.width, steps};
    p.status = {card, all.height - status, p.centre.width, status};
    return p;
}

void App::follow_lesson() {
    lessons_.poll();
    if (!reads()) {
        figure_.show_only({});
        params_.offer({});
        return;
    }
    const LessonPage& page = lessons_.page();
    const Scenario* setting = page.setting();
    if (lessons_.take_turned()) {
        if (!lessons_.presents()) {
            settings_.lesson = lessons_.lesson()->id;
            settings_.lesson_page = lessons_.at();
            settings_changed_ = true;
        }
        // A page without a setting leaves the lab as it is, unless another one is on the screen.
        const Scenario* const stands = lessons_.setting();
        const bool elsewhere = stands != nullptr && stands->experiment != session_.experiment().id;
        if (stands != nullptr && (setting != nullptr || lessons_.presents() || elsewhere)) {
            session_.open(*stands);
            params_.forget_errors();
        }
    }
    std::vector<std::string> figures;
    if (const FigureBlock* figure = page.figure()) {
        figures = figure->figures;
    } else if (const QuestionBlock* q = page.question(); q && !q->figure.empty()) {
        figures = {q->figure};
    }
    const bool at_home = setting != nullptr && session_.experiment().id == setting->experiment;
    figure_.show_only(at_home ? figures : std::vector<std::string>{});
    params_.offer({at_home ? setting->experiment : session_.experiment().id,
                   at_home ? page.controls() : std::vector<std::string>{}, lessons_.presents()});
    const bool rests = !session_.busy() && !session_.dragging() && session_.error().empty();
    if (rests && !session_.outcome_is_preview()) {
        lessons_.watch(session_.scenario());
    }
}

void App::lesson_keys() {
    if (!reads() || has_overlay() || ui_.is_typing()) {
        return;
    }
    const auto turn = [this](int by) {
        ui_.later([this, by] {
            lessons_.turn(by);
            ui_.focus("", false);
            ui_.wake_in(0);
        });
    };
    if (ui_.take_key(GLFW_KEY_RIGHT, GLFW_MOD_ALT)) {
        turn(1);
    } else if (ui_.take_key(GLFW_KEY_LEFT, GLFW_MOD_ALT)) {
        turn(-1);
    }
    if (!presents()) {
        return;
    }
    // Before any control sees them: a presenter's remote must never move a slider.
    for (const int key : {GLFW_KEY_SPACE, GLFW_KEY_PAGE_DOWN}) {
        if (ui_.take_key(key)) {
            if (unread_ > 1) {  // the rest of a long page first
                scroll_lesson_ = true;
                ui_.wake_in(0);
            } else {
                turn(1);
            }
        }
    }
    for (const int key : {GLFW_KEY_RIGHT, GLFW_KEY_DOWN}) {
        if (ui_.take_key(key)) {
            turn(1);
        }
    }
    for (const int key : {GLFW_KEY_LEFT, GLFW_KEY_UP, GLFW_KEY_PAGE_UP}) {
        if (ui_.take_key(key)) {
            turn(-1);
        }
    }
    if (ui_.take_key(GLFW_KEY_R)) {
        ui_.later([this] { lessons_.reveal(); });
        ui_.wake_in(0);
    }
    if (ui_.take_key(GLFW_KEY_ESCAPE)) {
        ui_.later([this] { leave_lesson(); });
    }
}

void App::draw_lesson(Rect area, bool with_controls) {
    const float head = ui_.px(presents() ? 50 : 74), foot = ui_.px(52);
    const float tabs = presents() ? 0 : ui_.px(44);
    ui_.begin_pane("lesson-head", {area.x, area.y, area.width, tabs + head}, false, theme_.panel);
    if (tabs > 0) {
        draw_tabs(ui_, *this, area);
    }
    draw_lesson_head(ui_, *this, {area.x, area.y + tabs, area.width, head});
    ui_.end_pane(area.y);
    const Rect body = {area.x, area.y + tabs + head, area.width, area.height - tabs - head - foot};
    const float pad = ui_.px(16), width = area.width - 2 * pad - ui_.px(4);
    const std::string name = fmt::format("lesson:{}:{}", lessons_.lesson()->id, lessons_.at());
    const Point corner = ui_.begin_pane(name, body, true, theme_.panel);
    if (std::exchange(scroll_lesson_, false)) {
        ImGui::SetScrollY(ImGui::GetScrollY() + body.height * 0.8F);
    }
    unread_ = ImGui::GetScrollMaxY() - ImGui::GetScrollY();
    PanelRequests requests;
    float y = draw_lesson_page(ui_, *this, {corner.x + pad, corner.y + ui_.px(10)}, width);
    if (with_controls && !lessons_.hides_result() && lessons_.setting() != nullptr) {
        ui_.line({corner.x + pad, y}, {corner.x + pad + width, y}, theme_.line);
        y = params_.draw(ui_, session_, {corner.x + pad, y + ui_.px(14)}, width, requests);
    }
    ui_.end_pane(y + ui_.px(10));
    const Rect bottom = {area.x, body.bottom(), area.width, foot};
    ui_.begin_pane("lesson-foot", bottom, false, theme_.panel);
    draw_lesson_foot(ui_, *this, bottom);
    ui_.end_pane(bottom.y);
    if (requests.any()) {
        ui_.later([this, requests] { serve(requests); });
    }
}

void App::draw_hidden_result(Rect area) {
    ui_.begin_pane("prediction", area, false, theme_.background);
    if (const QuestionBlock* q = lessons_.page().question()) {
        prediction_.draw(ui_, *q, *lessons_.work(), area.inset(ui_.px(6)));
    }
    ui_.line({area.x, area.y}, {area.x, area.bottom()}, theme_.line);
    ui_.end_pane(area.y);
}

void App::draw_title_page(Rect area) {
    ui_.begin_pane("title-page", area, false, theme_.background);
    const Lesson& lesson = *lessons_.lesson();
    const float wide = area.width * 0.8F, x = area.x + area.width * 0.1F;
    float y = area.y + area.height * 0.32F;
    y += ui_.paragraph({x, y}, lesson.title, theme_.title(), theme_.text, wide) + ui_.px(10);
    ui_.paragraph({x, y}, lesson.question, theme_.body(), theme_.muted, wide);
    ui_.line({area.x, area.y}, {area.x, area.bottom()}, theme_.line);
    ui_.end_pane(area.y);
}

void App::draw_made_prediction() {
    const QuestionBlock* q = reads() ? lessons_.page().question() : nullptr;
    if (q == nullptr || !q->setting || q->setting->experiment != session_.experiment().id) {
        return;
    }
    for (const PlotArea& plot : figure_.scene().plots) {
        if (plot.figure_id == q->figure) {
            draw_prediction(ui_, lessons_.work()->draft.points, plot, figure_.origin());
        }
    }
}

}  // namespace nibble
