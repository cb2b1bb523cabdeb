#include "viz/app/lesson/lesson_reader.hpp"

#include <algorithm>
#include <utility>

namespace nibble {
namespace {

std::size_t answerable(const Lesson& lesson) {
    return static_cast<std::size_t>(
        std::count_if(lesson.blocks.begin(), lesson.blocks.end(),
                      [](const LessonBlock& b) { return !answer_id(b).empty(); }));
}

bool is_empty(const Answer& a) {
    return a.text.empty() && a.chosen.empty() && a.points.empty() && !a.scenario;
}

/// What is missing from a draft; empty when it can be an answer.
std::string lack_of(const QuestionBlock& q, const Answer& draft) {
    switch (q.kind) {
        case AnswerKind::single:
        case AnswerKind::multiple:
            return draft.chosen.empty() ? "choose an answer first" : "";
        case AnswerKind::number:
            try {
                read_quantity(draft.text, q.unit);
            } catch (const Error& e) { return e.line(); }
            return "";
        case AnswerKind::text:
            return draft.text.empty() ? "write an answer first" : "";
        case AnswerKind::line:
            return draft.points.size() < 2 ? "draw the line on the chart first" : "";
        case AnswerKind::point:
            return draft.points.empty() ? "place the point on the chart first" : "";
    }
    return "";
}

}  // namespace

LessonReader::LessonReader(const Experiments& all, std::function<void()> wake,
                           std::filesystem::path folder)
    : all_(all), folder_(std::move(folder)), bench_(all), background_(std::move(wake)) {}

const std::vector<LessonReader::Entry>& LessonReader::entries() {
    if (entries_) {
        return *entries_;
    }
    entries_.emplace();
    for (const auto& path : lesson_files(folder_)) {
        Entry entry;
        entry.file = path.filename().string();
        try {
            entry.lesson = load_lesson(path, all_);
            entry.out_of = answerable(*entry.lesson);
            entry.done = load_answers(*entry.lesson, all_).answers.size();
        } catch (const Error& e) { entry.error = e.line(); }
        entries_->push_back(std::move(entry));
    }
    return *entries_;
}

void LessonReader::open(const std::string& name, bool presents, std::size_t page) {
    Lesson found = find_lesson(name, all_, folder_);
    close();
    lesson_ = std::move(found);
    presents_ = presents;
    pages_ = pages_of(*lesson_);
    answers_ = no_answers(*lesson_);
    if (!presents) {
        try {
            answers_ = load_answers(*lesson_, all_);
            answers_.lesson_digest = lesson_->digest;
        } catch (const Error& e) { problem_ = e.line(); }
    }
    for (const auto& [id, answer] : answers_.answers) {
        works_[id].draft = answer;
        works_[id].revealed = true;
    }
    if (pages_.empty()) {
        close();
        return;
    }
    at_ = std::min(page, pages_.size() - 1);
    arrive();
}

void LessonReader::close() {
    background_.clear();
    lesson_.reset();
    pages_.clear();
    works_.clear();
    problem_.clear();
    at_ = 0;
    presents_ = turned_ = false;
}

bool LessonReader::turn(int by) {
    const auto to = static_cast<std::ptrdiff_t>(at_) + by;
    if (!lesson_ || to < 0 || to >= static_cast<std::ptrdiff_t>(pages_.size())) {
        return false;
    }
    at_ = static_cast<std::size_t>(to);
    arrive();
    return true;
}

const Scenario* LessonReader::setting() const {
    for (std::size_t i = lesson_ ? at_ + 1 : 0; i-- > 0;) {
        if (const Scenario* setting = pages_[i].setting()) {
            return setting;
        }
    }
    return nullptr;
}

LessonReader::Work* LessonReader::work() {
    return lesson_ && !page().id().empty() ? &works_[page().id()] : nullptr;
}

bool LessonReader::hides_result() const {
    const QuestionBlock* q = lesson_ ? page().question() : nullptr;
    return q != nullptr && q->is_prediction && !work()->revealed;
}

bool LessonReader::explains() const {
    const Work* const w = work();
    if (w == nullptr || !w->revealed) {
        return false;
    }
    const QuestionBlock* const q = page().question();
    const bool only_asks_once = q == nullptr || q->is_prediction;
    return presents_ || only_asks_once || w->gives_up ||
           (w->mark && w->mark->verdict == Verdict::right);
}

void LessonReader::give_up() {
    if (Work* const w = work()) {
        w->gives_up = w->revealed;
    }
}

void LessonReader::arrive() {
    turned_ = true;
    wanted_ = at_;
    fill(at_);
    look_up_truth();
    if (const Work* w = work(); w != nullptr && w->revealed && !w->mark) {
        mark_answer();
    }
    if (at_ + 1 < pages_.size()) {
        fill(at_ + 1);
    }
}

void LessonReader::add(std::function<Background::Landing()> job) {
    background_.add([this, job = std::move(job)]() -> Background::Landing {
        try {
            return job();
        } catch (const Error& e) {
            return [this, words = e.line()] { problem_ = words; };
        }
    });
}

void LessonReader::fill(std::size_t index) {
    if (pages_[index].is_filled) {
        return;
    }
    add([this, index, page = pages_[index]]() -> Background::Landing {
        const std::size_t wanted = wanted_;
        if (index != wanted && index != wanted + 1) {
            return {};  // the reader has gone on; it is asked for again when they are back
        }
        LessonPage done = filled(page, bench_);
        return [this, index, done = std::move(done)] { pages_.at(index) = done; };
    });
}

void LessonReader::look_up_truth() {
    const QuestionBlock* q = page().question();
    if (q == nullptr || work()->truth) {
        return;
    }
    add([this, q = *q]() -> Background::Landing {
        Truth truth = bench_.truth(q);
        std::shared_ptr<const Outcome> outcome;
        if (!q.figure.empty() && q.setting) {
            outcome = bench_.outcome(*q.setting);
        }
        return [this, id = q.id, truth = std::move(truth), outcome] {
            works_[id].truth = truth;
            works_[id].outcome = outcome;
        };
    });
}

void LessonReader::mark_answer() {
    const auto given = answers_.answers.find(page().id());
    if (given == answers_.answers.end()) {
        return;
    }
    add([this, block = *page().block, answer = given->second]() -> Background::Landing {
        MarkedBlock marked = std::holds_alternative<TaskBlock>(block)
                                 ? mark(std::get<TaskBlock>(block), answer, bench_)
                                 : mark(std::get<QuestionBlock>(block), answer, bench_);
        return [this, marked = std::move(marked)] { works_[marked.id].mark = marked; };
    });
}

void LessonReader::keep() {
    if (presents_) {
        return;
    }
    try {
        save_answers(answers_, *lesson_, all_);
    } catch (const Error& e) { problem_ = "answers cannot be kept: " + e.line(); }
    if (entries_) {
        for (Entry& entry : *entries_) {
            if (entry.lesson && entry.lesson->id == lesson_->id) {
                entry.done = answers_.answers.size();
            }
        }
    }
}

void LessonReader::choose(int option) {
    Work* const w = work();
    const QuestionBlock* const q = lesson_ ? page().question() : nullptr;
    if (q == nullptr || w->revealed) {
        return;
    }
    std::vector<int>& chosen = w->draft.chosen;
    const auto found = std::find(chosen.begin(), chosen.end(), option);
    if (q->kind == AnswerKind::single) {
        chosen = {option};
    } else if (found != chosen.end()) {
        chosen.erase(found);
    } else {
        chosen.insert(std::upper_bound(chosen.begin(), chosen.end(), option), option);
    }
    w->problem.clear();
}

void LessonReader::clear_drawing() {
    if (Work* const w = work(); w != nullptr && !w->revealed) {
        w->draft.points.clear();
    }
}

void LessonReader::answer() {
    Work* const w = work();
    const QuestionBlock* const q = lesson_ ? page().question() : nullptr;
    if (q == nullptr || w->revealed) {
        return;
    }
    w->problem = lack_of(*q, w->draft);
    if (!w->problem.empty()) {
        return;
    }
    answers_.answers[q->id] = w->draft;
    w->revealed = true;
    mark_answer();
    keep();
}

void LessonReader::try_again() {
    Work* const w = work();
    const QuestionBlock* const q = lesson_ ? page().question() : nullptr;
    if (q == nullptr || q->is_prediction || !w->revealed) {
        return;
    }
    answers_.answers.erase(q->id);
    w->revealed = false;
    w->mark.reset();
    keep();
}

void LessonReader::hint() {
    if (Work* const w = work()) {
        w->hints = std::min(w->hints + 1, page().hints().size());
    }
}

void LessonReader::reveal() {
    Work* const w = work();
    if (w == nullptr || w->revealed) {
        return;
    }
    w->revealed = true;
    if (!is_empty(w->draft)) {  // what the room said, beside what is
        answers_.answers[page().id()] = w->draft;
        mark_answer();
    }
}

void LessonReader::watch(const Scenario& now) {
    const TaskBlock* const task = lesson_ ? page().task() : nullptr;
    Work* const w = work();
    if (task == nullptr || now.experiment != task->setting.experiment || w->watched == now) {
        return;
    }
    w->watched = now;
    add([this, task = *task, now]() -> Background::Landing {
        const TaskState state = bench_.state(task, now);
        return [this, id = task.id, state, now] {
            Work& task_work = works_[id];
            task_work.task = state;
            if (state.reached && !task_work.revealed) {
                task_work.revealed = true;
                task_work.draft.scenario = now;
                answers_.answers[id].scenario = now;
                keep();
            }
        };
    });
}

}  // namespace nibble
