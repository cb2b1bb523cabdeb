// Where a lesson's experiments are run: settings to outcomes, formulas to numbers, both remembered.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "viz/lesson/lesson.hpp"

namespace nibble {

/// What a question asks for, computed.
struct Truth {
    double value = 0, tolerance = 0;              // of a number
    std::vector<bool> right;                      // of options
    std::vector<std::pair<double, double>> line;  // of a line; of a point that one
};

/// Whether a task is done, and if not, why not.
struct TaskState {
    bool reached = false;
    std::string reason =
        {};  // "outlier may not move in this task"; empty when only the condition fails
};

/// Thread-safe. Everything throws what running the experiment throws, and Error::bad_file with file
/// and line for a formula that names what is not there.
class LessonBench {
public:
    explicit LessonBench(const Experiments& all);

    const Experiments& experiments() const { return all_; }

    /// The outcome at a setting, run on the processor.
    std::shared_ptr<const Outcome> outcome(const Scenario& setting, std::stop_token stop = {});

    double number(const Formula& formula, const Scenario& setting);
    bool holds(const Formula& formula, const Scenario& setting) {
        return number(formula, setting) != 0;
    }

    /// "19.6 dB", the number alone, or a finding.
    std::string words(const ComputedText& computed);
    /// The text with what it computes filled in; those pieces keep their kind and `computed`.
    RichText filled(RichText text);
    Prose filled(Prose prose);

    Truth truth(const QuestionBlock& question);
    /// Where the reader stands: `scenario` is of the task's experiment.
    TaskState state(const TaskBlock& task, const Scenario& scenario);

private:
    const Experiments& all_;
    Cache outcomes_, results_, shared_;
};

/// The series of a figure with this label, as points; throws Error::bad_file at `place` when there
/// is none.
std::vector<std::pair<double, double>> series_of(const Outcome& outcome, const std::string& figure,
                                                 const std::string& label, const Place& place);

/// The figure with this id; throws Error::bad_file at `place`, naming the nearest.
const Figure& figure_of(const Outcome& outcome, const std::string& id, const Place& place);

/// A metric's number with its unit as people write them: {"4.25", "bit"}, {"32", "GiB"}.
std::pair<std::string, std::string> metric_words(const Metric& metric);

}  // namespace nibble
