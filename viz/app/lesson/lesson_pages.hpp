// A lesson cut into pages: some prose, and at most one thing to look at or to work on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "viz/lesson/bench.hpp"

namespace nibble {

struct LessonPage {
    std::vector<Prose> prose;
    std::optional<LessonBlock> block;  // a figure, a task or a question
    bool is_filled = false;            // whether what it computes has been

    const FigureBlock* figure() const {
        return block ? std::get_if<FigureBlock>(&*block) : nullptr;
    }
    const TaskBlock* task() const { return block ? std::get_if<TaskBlock>(&*block) : nullptr; }
    const QuestionBlock* question() const {
        return block ? std::get_if<QuestionBlock>(&*block) : nullptr;
    }
    /// Of a task or a question; else empty.
    const std::string& id() const;
    /// Where the lab is to stand; null where the page says nothing about it.
    const Scenario* setting() const;
    /// The parameters to offer; empty: those that the lab shows.
    const std::vector<std::string>& controls() const;
    const std::vector<RichText>& hints() const;
};

/// A page ends with its block, and before a heading of the first or second level. Notes for
/// teachers are left out. What is to be computed is "…" until filled().
std::vector<LessonPage> pages_of(const Lesson& lesson);

/// The page with everything computed. Throws what running its experiments throws.
LessonPage filled(LessonPage page, LessonBench& bench);

}  // namespace nibble
