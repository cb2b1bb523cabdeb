// Reading a lesson, without a pixel: which page, what was answered, what has been computed for it.
//
// Everything that runs an experiment does so on a thread of its own and lands by poll(). A
// student's answers are kept in the user's configuration as they are given. Whoever presents keeps
// nothing, and sees results only when they ask for them.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "viz/app/background.hpp"
#include "viz/app/lesson/lesson_pages.hpp"
#include "viz/lesson/answers.hpp"
#include "viz/lesson/catalogue.hpp"
#include "viz/lesson/marks.hpp"

namespace nibble {

class LessonReader {
public:
    /// `all` outlives the reader; `wake` is called from its thread when something has landed.
    LessonReader(const Experiments& all, std::function<void()> wake,
                 std::filesystem::path folder = lessons_folder());

    /// A row of the list of lessons.
    struct Entry {
        std::optional<Lesson> lesson;
        std::string file, error;  // why there is no lesson in the file
        std::size_t done = 0, out_of = 0;
    };
    /// Read when first asked for.
    const std::vector<Entry>& entries();

    /// Goes to a page of a lesson. Throws what find_lesson() throws.
    void open(const std::string& name, bool presents = false, std::size_t page = 0);
    void close();
    const Lesson* lesson() const { return lesson_ ? &*lesson_ : nullptr; }
    bool presents() const { return presents_; }

    const std::vector<LessonPage>& pages() const { return pages_; }
    std::size_t at() const { return at_; }
    const LessonPage& page() const { return pages_.at(at_); }
    /// On, or back; false at the ends.
    bool turn(int by);
    /// Once after a page has come: the lab is to be set up for it.
    bool take_turned() { return std::exchange(turned_, false); }
    /// The lab's setting here: the page's, or that of the last one that has any; null before.
    const Scenario* setting() const;

    /// How far the reader is with the task or question of a page.
    struct Work {
        Answer draft;
        bool revealed = false;  // the answer counts
        bool gives_up = false;  // after a wrong one: wants to know
        std::size_t hints = 0;  // shown
        std::string problem;    // why the draft cannot be an answer
        std::optional<Truth> truth;
        std::optional<MarkedBlock> mark;
        std::optional<TaskState> task;
        std::optional<Scenario> watched;         // where the task was last looked at
        std::shared_ptr<const Outcome> outcome;  // that a prediction is drawn on
    };
    /// Of this page; null where it asks nothing.
    Work* work();
    const Work* work() const { return const_cast<LessonReader*>(this)->work(); }
    /// Whether the right answer and its reasons are shown: once it has been given, or asked for.
    bool explains() const;
    void give_up();
    /// Whether the page's results must not be seen yet: a prediction that has not been made.
    bool hides_result() const;

    /// Chooses an option, or takes the choice back.
    void choose(int option);
    /// Takes what was drawn on a chart away.
    void clear_drawing();
    /// The draft becomes the answer. Without a usable one it says why, in Work::problem.
    void answer();
    /// Takes the answer back into the draft, to try again. Not of a prediction.
    void try_again();
    void hint();
    /// Shows results and reasons without an answer: the presenter's key.
    void reveal();
    /// Tells where the lab stands, so that a task notices that it is done.
    void watch(const Scenario& now);

    /// Takes over what has landed; true when something on the screen changes by it.
    bool poll() { return background_.land(); }
    bool busy() const { return background_.busy(); }
    /// What could not be computed or kept, in words; empty when all is well.
    const std::string& problem() const { return problem_; }
    const LessonAnswers& answers() const { return answers_; }
    LessonBench& bench() { return bench_; }
    const Experiments& experiments() const { return all_; }

private:
    void arrive();
    void fill(std::size_t page);
    void look_up_truth();
    void mark_answer();
    void keep();
    void add(std::function<Background::Landing()> job);

    const Experiments& all_;
    std::filesystem::path folder_;
    std::optional<std::vector<Entry>> entries_;
    std::optional<Lesson> lesson_;
    std::vector<LessonPage> pages_;
    std::map<std::string, Work> works_;
    LessonAnswers answers_;
    std::size_t at_ = 0;
    std::atomic<std::size_t> wanted_{0};  // the page whose texts matter, as the thread sees it
    bool presents_ = false, turned_ = false;
    std::string problem_;
    LessonBench bench_;
    Background background_;  // last: its thread uses the bench
};

}  // namespace nibble
