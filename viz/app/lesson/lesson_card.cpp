#include "viz/app/lesson/lesson_card.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <imgui.h>
#include <utility>

#include "sim/core/text.hpp"
#include "viz/app/ui/rich_text_view.hpp"

namespace nibble {
namespace {

using Work = LessonReader::Work;

struct Card {
    Ui& ui;
    App& app;
    LessonReader& reader;
    float x, y, width;

    const Theme& theme() const { return ui.theme(); }
    void later(std::function<void()> change) const {
        ui.later(std::move(change));
        ui.wake_in(0);
    }
    void set_up(const Scenario& setting) const {
        later([&session = app.session(), setting] { session.open(setting); });
    }
    void space(float points) { y += ui.px(points); }
    void text(const RichText& words, Font font, Color color) {
        y += draw_rich_text(ui, {x, y}, words, font, color, width);
    }
    void line(const std::string& words, Font font, Color color) {
        y += ui.paragraph({x, y}, words, font, color, width);
    }
    /// A button as wide as its label, at `left`; returns its right end.
    float button(const std::string& name, float left, const std::string& label, ButtonLook look,
                 bool& pressed) {
        const Rect r = {left, y, ui.width(label, ui.medium()) + ui.px(24), ui.px(28)};
        pressed = ui.button(name, r, label, look);
        return r.right() + ui.px(8);
    }
};

std::string sentence(std::string words) {
    if (!words.empty()) {
        words[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(words[0])));
        words += words.back() == '.' ? "" : ".";
    }
    return words;
}

/// A framed word over what the reader is asked to do.
void draw_kind(Card& card, const char* kind, Color ink) {
    const Font font = card.theme().label();
    card.ui.text({card.x, card.y + card.ui.px(8)}, kind, font, ink);
    card.space(20);
}

void draw_sign(const Card& card, Point centre, bool round, bool chosen, Color ink) {
    const float r = card.ui.px(6);
    ImDrawList& draw = card.ui.draw();
    const ImVec2 at = {centre.x, centre.y};
    if (round) {
        draw.AddCircle(at, r, packed(ink), 24, card.ui.px(1.5F));
        if (chosen) {
            draw.AddCircleFilled(at, r * 0.5F, packed(ink), 16);
        }
        return;
    }
    card.ui.outline({at.x - r, at.y - r, 2 * r, 2 * r}, ink, card.ui.px(3));
    if (chosen) {
        card.ui.fill(Rect{at.x - r, at.y - r, 2 * r, 2 * r}.inset(card.ui.px(3)), ink,
                     card.ui.px(1));
    }
}

void draw_option(Card& card, const QuestionBlock& q, const Work& work, int index) {
    Ui& ui = card.ui;
    const Theme& t = card.theme();
    const Option& option = q.options[static_cast<std::size_t>(index)];
    const bool chosen = std::count(work.draft.chosen.begin(), work.draft.chosen.end(), index) > 0;
    const bool known = work.revealed && work.truth;
    const bool right = known && (chosen || card.reader.explains()) &&
                       work.truth->right.at(static_cast<std::size_t>(index));
    const float pad = ui.px(9), indent = ui.px(30), room = card.width - indent - pad;
    const float high = rich_text_height(ui, option.text, t.body(), room) + 2 * ui.px(6);
    const Rect box = {card.x, card.y, card.width, high};
    const Hit h = ui.hit(fmt::format("option:{}", index), box, !work.revealed);
    const Color good = t.style(Role::reference).color, bad = t.style(Role::limit).color;
    const Color edge = right ? good : known && chosen ? bad : chosen ? t.accent : t.line;
    if (h.hovered && !work.revealed) {
        ui.fill(box, t.raised, ui.px(6));
        ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
    }
    ui.outline(box, edge, ui.px(6));
    const float middle = box.y + ui.px(6) + std::round(t.body().size * 1.5F) / 2;
    if (known && (right || chosen)) {
        ui.text({box.x + ui.px(17), middle}, right ? "\u2713" : "\u00d7",
                {Face::math, t.math().size}, right ? good : bad, HAlign::centre);
    } else {
        draw_sign(card, {box.x + ui.px(16), middle}, q.kind == AnswerKind::single, chosen,
                  chosen ? t.accent : t.faint);
    }
    draw_rich_text(ui, {box.x + indent, box.y + ui.px(6)}, option.text, t.body(), t.text, room);
    if (h.pressed) {
        card.later([&reader = card.reader, index] { reader.choose(index); });
    }
    card.y = box.bottom() + ui.px(6);
    if (known && chosen && !option.because.empty()) {
        card.y +=
            draw_rich_text(ui, {card.x + indent, card.y}, option.because, t.small(), t.muted, room);
        card.space(8);
    }
}

void draw_typed(Card& card, const QuestionBlock& q, Work& work) {
    Ui& ui = card.ui;
    const Theme& t = card.theme();
    const float unit = q.unit.empty() ? 0 : ui.width(q.unit, t.body()) + ui.px(10);
    const bool is_number = q.kind == AnswerKind::number;
    const float wide = is_number ? std::min(ui.px(150), card.width - unit) : card.width - unit;
    const Rect r = {card.x, card.y, wide, ui.px(28)};
    if (work.revealed) {
        ui.outline(r, t.line, ui.px(5));
        ui.text({r.x + ui.px(8), r.centre().y}, work.draft.text, ui.medium(), t.text);
    } else {
        FieldStyle style{is_number ? t.mono() : t.body()};
        style.hint = is_number ? "a number" : "in a few words";
        style.is_wrong = !work.problem.empty();
        const FieldEvent event =
            ui.field("lesson:typed", r, work.draft.text, work.draft.text, style);
        if (event.editing || event.committed) {
            work.draft.text = event.text;
        }
    }
    ui.text({r.right() + ui.px(8), r.centre().y}, q.unit, t.body(), t.muted);
    card.y = r.bottom() + ui.px(8);
}

void draw_hints(Card& card, const Work& work) {
    const std::vector<RichText>& hints = card.reader.page().hints();
    for (std::size_t i = 0; i < std::min(work.hints, hints.size()); ++i) {
        const float top = card.y, indent = card.ui.px(12);
        card.y += draw_rich_text(card.ui, {card.x + indent, card.y}, hints[i], card.theme().body(),
                                 card.theme().muted, card.width - indent);
        card.ui.fill({card.x, top, card.ui.px(3), card.y - top},
                     card.theme().style(Role::baseline).color);
        card.space(8);
    }
}

/// Buttons under a question or a task: the main one, a hint, and another.
void draw_buttons(Card& card, const Work& work, const std::string& main, const std::string& other,
                  bool& main_pressed, bool& other_pressed) {
    float left = card.x;
    main_pressed = other_pressed = false;
    const std::size_t hints = card.reader.page().hints().size();
    const bool any = !main.empty() || !other.empty() || (!work.revealed && work.hints < hints);
    if (!main.empty()) {
        left = card.button("lesson:answer", left, main, ButtonLook::primary, main_pressed);
    }
    if (!work.revealed && work.hints < hints) {
        bool pressed = false;
        left =
            card.button("lesson:hint", left,
                        hints == 1 ? "Hint" : fmt::format("Hint {} of {}", work.hints + 1, hints),
                        ButtonLook::plain, pressed);
        if (pressed) {
            card.later([&reader = card.reader] { reader.hint(); });
        }
    }
    if (!other.empty()) {
        card.button("lesson:other", left, other, ButtonLook::plain, other_pressed);
    }
    card.y += any ? card.ui.px(38) : 0;
}

/// What came of the answer, and why.
void draw_verdict(Card& card, const Work& work, const RichText& why) {
    const Theme& t = card.theme();
    const Font strong = {Face::semibold, t.body().size};
    if (work.mark) {
        const MarkedBlock& m = *work.mark;
        const bool right = m.verdict == Verdict::right;
        if (m.verdict == Verdict::right || m.verdict == Verdict::wrong) {
            card.line(right ? "Right." : "Not yet.", strong,
                      t.style(right ? Role::reference : Role::limit).color);
        }
        const bool told = card.reader.explains() && !right;
        if (told && m.kind != "task" && !m.truth.empty()) {
            card.line("The result: " + m.truth, strong, t.text);
        }
        if (told && !m.remark.empty()) {
            const QuestionBlock* q = card.reader.page().question();
            const bool is_number = q != nullptr && q->kind == AnswerKind::number;
            card.line(sentence(is_number ? "your answer is " + m.remark : m.remark), t.body(),
                      t.text);
        }
        card.space(4);
    } else if (work.revealed && work.truth && card.reader.presents()) {
        const QuestionBlock* q = card.reader.page().question();
        std::string result;
        if (q != nullptr && q->kind == AnswerKind::number) {
            result = fmt::format("{} {}", format_number(work.truth->value), q->unit);
        } else if (q != nullptr && q->kind == AnswerKind::text) {
            result = q->accept.front();
        }
        if (!result.empty()) {
            card.line("The result: " + result, strong, t.text);
            card.space(4);
        }
    }
    if (card.reader.explains()) {
        card.text(why, t.body(), t.text);
        card.space(8);
    }
}

void draw_question(Card& card, const QuestionBlock& q, Work& work) {
    const Theme& t = card.theme();
    draw_kind(card, q.is_prediction ? "PREDICT" : "QUESTION", t.style(Role::category3).color);
    card.text(q.ask, t.body(), t.text);
    card.space(10);
    for (std::size_t i = 0; i < q.options.size(); ++i) {
        draw_option(card, q, work, static_cast<int>(i));
    }
    if (q.kind == AnswerKind::number || q.kind == AnswerKind::text) {
        draw_typed(card, q, work);
    }
    draw_hints(card, work);
    if (!work.problem.empty()) {
        card.line(sentence(work.problem), t.small(), t.style(Role::limit).color);
        card.space(6);
    }
    const bool drawn = !work.draft.points.empty() && !work.revealed;
    const bool wrong = work.mark && work.mark->verdict == Verdict::wrong;
    const bool may_retry = work.revealed && wrong && !card.reader.explains();
    const std::string main = may_retry         ? "Try again"
                             : work.revealed   ? ""
                             : q.is_prediction ? "Show the result"
                                               : "Check";
    const std::string other = drawn ? "Clear" : may_retry ? "Show the answer" : "";
    bool main_pressed = false, other_pressed = false;
    draw_buttons(card, work, main, other, main_pressed, other_pressed);
    LessonReader& reader = card.reader;
    if (main_pressed && may_retry) {
        card.later([&reader] { reader.try_again(); });
    } else if (main_pressed && reader.presents()) {
        card.later([&reader] { reader.reveal(); });
    } else if (main_pressed) {
        card.later([&reader] { reader.answer(); });
    } else if (other_pressed && drawn) {
        card.later([&reader] { reader.clear_drawing(); });
    } else if (other_pressed) {
        card.later([&reader] { reader.give_up(); });
    }
    if (work.revealed) {
        draw_verdict(card, work, q.why);
    }
}

void draw_task(Card& card, const TaskBlock& task, Work& work) {
    const Theme& t = card.theme();
    draw_kind(card, "TASK", t.style(Role::category3).color);
    card.text(task.ask, t.body(), t.text);
    card.space(10);
    const bool there = work.task && work.task->reached;
    const bool presented = work.revealed && card.reader.presents() && !there;
    const Color ink = there || work.revealed ? t.style(Role::reference).color
                      : work.task            ? t.style(Role::baseline).color
                                             : t.faint;
    const float middle = card.y + card.ui.px(9);
    card.ui.draw().AddCircleFilled({card.x + card.ui.px(6), middle}, card.ui.px(5), packed(ink),
                                   24);
    const std::string state = there                         ? "Reached"
                              : work.revealed && !presented ? "Reached before; the lab has moved on"
                              : !work.task                  ? "Looking \u2026"
                              : work.task->reason.empty()   ? "Not there yet"
                                                            : sentence(work.task->reason);
    card.ui.text({card.x + card.ui.px(20), middle}, state, card.ui.medium(), t.text);
    card.ui.record(there ? "task:reached" : "task:open", {card.x, middle, card.width, 1});
    card.space(28);
    draw_hints(card, work);
    bool main_pressed = false, other_pressed = false;
    draw_buttons(card, work, presented ? "One way to do it" : "", "Start again", main_pressed,
                 other_pressed);
    if (main_pressed || other_pressed) {
        card.set_up(main_pressed ? task.solution : task.setting);
    }
    if (work.revealed) {
        draw_verdict(card, work, task.why);
    }
}

void draw_figure_block(Card& card, const FigureBlock& figure) {
    const Theme& t = card.theme();
    card.text(figure.caption, t.small(), t.muted);
    card.space(10);
    if (card.app.session().scenario() != figure.setting) {
        bool pressed = false;
        card.button("lesson:set-up", card.x, "Set the lab up as it was", ButtonLook::plain,
                    pressed);
        card.space(38);
        if (pressed) {
            card.set_up(figure.setting);
        }
    }
}

void draw_opening(Card& card, const Lesson& lesson) {
    const Theme& t = card.theme();
    card.line(lesson.question, {Face::medium, t.body().size}, t.text);
    card.space(4);
    const std::string after =
        lesson.prerequisites.empty()
            ? std::string()
            : fmt::format(", after lesson {}", fmt::join(lesson.prerequisites, ", "));
    card.line(fmt::format("{} minutes{}", lesson.minutes, after), t.small(), t.muted);
    card.space(12);
}

}  // namespace

float draw_lesson_page(Ui& ui, App& app, Point at, float width) {
    LessonReader& reader = app.lessons();
    Card card{ui, app, reader, at.x, at.y, width};
    const LessonPage& page = reader.page();
    if (reader.at() == 0) {
        draw_opening(card, *reader.lesson());
    }
    for (const Prose& piece : page.prose) {
        card.y += draw_prose(ui, {card.x, card.y}, piece, width);
    }
    if (!page.prose.empty() && page.block) {
        card.space(6);
    }
    if (const FigureBlock* figure = page.figure()) {
        draw_figure_block(card, *figure);
    } else if (const TaskBlock* task = page.task()) {
        draw_task(card, *task, *reader.work());
    } else if (const QuestionBlock* question = page.question()) {
        draw_question(card, *question, *reader.work());
    }
    if (!reader.problem().empty()) {
        card.line(reader.problem(), ui.theme().small(), ui.theme().style(Role::limit).color);
        card.space(8);
    }
    const bool is_last = reader.at() + 1 == reader.pages().size();
    if (is_last && !reader.presents()) {
        bool pressed = false;
        card.space(6);
        card.button("lesson:report", card.x, "Write the report", ButtonLook::primary, pressed);
        card.space(40);
        if (pressed) {
            card.later([&app] { app.show_report(); });
        }
    }
    return card.y;
}

}  // namespace nibble
