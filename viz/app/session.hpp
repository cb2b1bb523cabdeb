// What the window shows and how it changes, without a pixel: the current lab and its parameters,
// undo, the pinned A, the outcome that came last.
//
// Every change goes through here and ends in a Runner request: a preview while something is being
// dragged, the exact result otherwise. Tests drive it without a display.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/core/runner.hpp"
#include "sim/core/scenario.hpp"

namespace nibble {

/// A finished run that later ones are compared with.
struct Pinned {
    Scenario scenario;
    std::shared_ptr<const Outcome> outcome;
};

class Session {
public:
    /// Starts on `start`, or on the first experiment with its defaults, and asks for its outcome.
    /// `all` and `runner` outlive the session.
    Session(const Experiments& all, Runner& runner, const std::optional<Scenario>& start = {});

    const Experiments& experiments() const { return all_; }
    const Experiment& experiment() const { return *current_->experiment; }
    const Scenario& scenario() const { return current_->now; }
    const Value& value(std::size_t param) const { return current_->now.values.at(param); }
    /// For each parameter, whether it has an effect under the present values.
    std::vector<bool> relevant() const;

    /// Goes to a lab, where its parameters still are as they were left. Throws Error::bad_param.
    void select(std::string_view id);
    /// Goes to the scenario's lab and takes its values: one undo step there.
    void open(const Scenario& scenario);

    /// Sets one parameter: one undo step, and the exact result. Throws what ParamInfo::checked
    /// does.
    void set(std::size_t param, const Value& value);
    /// Sets several at once, by name: what clicking an item of a figure does.
    void set(const std::vector<std::pair<std::string, Value>>& values);
    /// As set(), but steps of the same parameter in a row are one undo step: arrow keys.
    void nudge(std::size_t param, const Value& value);
    /// The next nudge() is an undo step of its own, whatever parameter it moves.
    void end_nudges() { nudged_.reset(); }
    /// Moves a parameter while it is held: previews. release() makes the whole drag one undo step
    /// and asks for the exact result. The value is brought into the parameter's range.
    void drag(std::size_t param, const Value& value);
    void release();
    bool dragging() const { return before_drag_.has_value(); }
    void set_seed(std::uint64_t seed);

    /// The device that was asked for.
    kernels::Machine device() const { return current_->now.device; }
    /// The one that computes: the processor where the other is not usable, or the lab needs none.
    kernels::Machine machine() const;
    /// Asks for a device, here and in the labs that are gone to from here. An undo step.
    void set_device(kernels::Machine device);
    /// Says whether a device can be used; computes again where that changes which one does. Until
    /// told otherwise the GPU cannot.
    void set_usable(kernels::Machine device, bool usable);
    /// What a device answered in the middle of its work, once; the processor has taken over.
    struct Refusal {
        kernels::Machine device;
        kernels::DeviceState state;
        std::string reason;
    };
    std::optional<Refusal> take_refusal() { return std::exchange(refusal_, std::nullopt); }
    void reset(std::size_t param);
    void reset_panel();

    void undo();
    void redo();
    bool can_undo() const { return !current_->undo.empty(); }
    bool can_redo() const { return !current_->redo.empty(); }

    /// Pins what is on the screen; false when nothing has landed yet.
    bool pin();
    void unpin() { current_->pinned.reset(); }
    /// The pinned run of this lab, or null.
    const Pinned* pinned() const { return current_->pinned ? &*current_->pinned : nullptr; }

    /// While one lives, changes are a bug: a frame that is being drawn shows one state.
    class Still {
    public:
        explicit Still(Session& session) : session_(session) { session_.is_still_ = true; }
        ~Still() { session_.is_still_ = false; }
        Still(const Still&) = delete;
        Still& operator=(const Still&) = delete;

    private:
        Session& session_;
    };

    /// Whether a finished outcome waits to be taken over.
    bool has_news() const;
    /// Takes over what the runner has. True when something on the screen changes by it.
    bool poll();
    /// The last outcome of this lab (null before the first), whatever the parameters are by now.
    const std::shared_ptr<const Outcome>& outcome() const { return current_->outcome; }
    /// The parameters that outcome() answers.
    const Scenario& outcome_scenario() const { return current_->answered; }
    bool outcome_is_preview() const { return current_->is_preview; }
    double outcome_seconds() const { return current_->seconds; }
    /// Why the present parameters gave nothing; empty when they did.
    const std::string& error() const { return current_->error; }
    const std::string& hint() const { return current_->hint; }
    /// Whether outcome() is not (yet) the exact answer to the present parameters.
    bool busy() const { return busy_; }
    double progress() const { return progress_; }
    /// How long nothing has landed while something is awaited; 0 when idle.
    double waited_seconds() const;

private:
    struct Lab {
        const Experiment* experiment = nullptr;
        Scenario now;
        std::vector<Scenario> undo, redo;
        std::optional<Pinned> pinned;
        std::shared_ptr<const Outcome> outcome;
        Scenario answered;
        bool is_preview = false;
        double seconds = 0;
        std::string error, hint;
    };
    Lab& lab(std::string_view id);
    void remember(const Scenario& before);
    void submit(bool preview);

    const Experiments& all_;
    Runner& runner_;
    std::map<std::string, Lab, std::less<>> labs_;
    Lab* current_ = nullptr;
    std::optional<Scenario> before_drag_;
    std::optional<std::size_t> nudged_;  // the parameter that the last undo step was a nudge of
    std::array<bool, kernels::all_machines.size()> usable_ = {true, false, true};
    std::optional<Refusal> refusal_;
    std::uint64_t ticket_ = 0;
    bool busy_ = false, is_still_ = false;
    double progress_ = 0;
    std::chrono::steady_clock::time_point asked_at_;
};

/// `value` brought into the range of a number parameter and rounded when it is whole.
Value clamped(const ParamInfo& param, double value);

}  // namespace nibble
