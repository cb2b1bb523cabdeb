#include "viz/app/lesson/lesson_pages.hpp"

#include <utility>

namespace nibble {
namespace {

/// Applies `change` to every text of a block that a reader may see.
template <class Change>
void each_text(LessonBlock& block, const Change& change) {
    if (auto* figure = std::get_if<FigureBlock>(&block)) {
        change(figure->caption);
    } else if (auto* task = std::get_if<TaskBlock>(&block)) {
        change(task->ask);
        change(task->why);
        for (RichText& hint : task->hints) {
            change(hint);
        }
    } else if (auto* question = std::get_if<QuestionBlock>(&block)) {
        change(question->ask);
        change(question->why);
        for (RichText& hint : question->hints) {
            change(hint);
        }
        for (Option& option : question->options) {
            change(option.text);
            change(option.because);
        }
    }
}

template <class Change>
void each_text(LessonPage& page, const Change& change) {
    for (Prose& piece : page.prose) {
        change(piece.text);
        for (RichText& cell : piece.cells) {
            change(cell);
        }
    }
    if (page.block) {
        each_text(*page.block, change);
    }
}

void blank(RichText& text) {
    for (Inline& piece : text) {
        if (piece.computed) {
            piece.text = "\u2026";
        }
    }
}

bool begins_page(const Prose& piece) {
    return piece.kind == Prose::Kind::heading && piece.level <= 2;
}

}  // namespace

const std::string& LessonPage::id() const {
    static const std::string none;
    return block ? answer_id(*block) : none;
}

const Scenario* LessonPage::setting() const {
    if (const FigureBlock* f = figure()) {
        return &f->setting;
    }
    if (const TaskBlock* t = task()) {
        return &t->setting;
    }
    const QuestionBlock* q = question();
    return q != nullptr && q->setting ? &*q->setting : nullptr;
}

const std::vector<std::string>& LessonPage::controls() const {
    static const std::vector<std::string> none;
    const FigureBlock* f = figure();
    const TaskBlock* t = task();
    return f != nullptr ? f->controls : t != nullptr ? t->controls : none;
}

const std::vector<RichText>& LessonPage::hints() const {
    static const std::vector<RichText> none;
    const QuestionBlock* q = question();
    const TaskBlock* t = task();
    return q != nullptr ? q->hints : t != nullptr ? t->hints : none;
}

std::vector<LessonPage> pages_of(const Lesson& lesson) {
    std::vector<LessonPage> pages;
    LessonPage now;
    const auto turn = [&] {
        if (!now.prose.empty() || now.block) {
            each_text(now, blank);
            pages.push_back(std::exchange(now, {}));
        }
    };
    for (const LessonBlock& block : lesson.blocks) {
        if (std::holds_alternative<TeacherBlock>(block)) {
            continue;
        }
        if (const auto* piece = std::get_if<Prose>(&block)) {
            if (begins_page(*piece)) {
                turn();
            }
            now.prose.push_back(*piece);
        } else {
            now.block = block;
            turn();
        }
    }
    turn();
    return pages;
}

LessonPage filled(LessonPage page, LessonBench& bench) {
    each_text(page, [&](RichText& text) { text = bench.filled(std::move(text)); });
    page.is_filled = true;
    return page;
}

}  // namespace nibble
