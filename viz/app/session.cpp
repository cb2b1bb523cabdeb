#include "viz/app/session.hpp"

#include <algorithm>
#include <cmath>

#include "sim/core/stopwatch.hpp"

namespace nibble {
namespace {

constexpr std::size_t undo_limit = 200;

}  // namespace

Value clamped(const ParamInfo& param, double value) {
    const double inside = std::clamp(value, param.range.min, param.range.max);
    if (param.type == ParamType::integer) {
        return static_cast<std::int64_t>(std::llround(inside));
    }
    return inside;
}

Session::Session(const Experiments& all, Runner& runner, const std::optional<Scenario>& start)
    : all_(all), runner_(runner) {
    NIBBLE_ASSERT(!all.empty(), "there is at least one experiment");
    current_ = &lab(start ? start->experiment : all.front().id);
    if (start) {
        current_->now = *start;
    }
    submit(false);
}

Session::Lab& Session::lab(std::string_view id) {
    const Experiment& experiment = find_experiment(all_, id);
    Lab& found = labs_[experiment.id];
    if (found.experiment == nullptr) {
        found.experiment = &experiment;
        found.now.experiment = experiment.id;
        found.now.values = experiment.defaults();
    }
    return found;
}

std::vector<bool> Session::relevant() const {
    return experiment().relevant(current_->now.values);
}

void Session::select(std::string_view id) {
    Lab& next = lab(id);
    release();
    nudged_.reset();
    next.now.device = device();
    current_ = &next;
    submit(false);
}

void Session::open(const Scenario& scenario) {
    Lab& next = lab(scenario.experiment);
    const ParamValues values = next.experiment->checked(scenario.values);
    release();
    current_ = &next;
    const Scenario before = current_->now;
    current_->now = scenario;
    current_->now.values = values;
    remember(before);
    submit(false);
}

void Session::remember(const Scenario& before) {
    nudged_.reset();
    if (before == current_->now) {
        return;
    }
    current_->undo.push_back(before);
    if (current_->undo.size() > undo_limit) {
        current_->undo.erase(current_->undo.begin());
    }
    current_->redo.clear();
}

void Session::set(std::size_t param, const Value& value) {
    const Value good = experiment().params.at(param).checked(value);
    const Scenario before = current_->now;
    current_->now.values[param] = good;
    remember(before);
    submit(false);
}

void Session::set(const std::vector<std::pair<std::string, Value>>& values) {
    ParamValues next = current_->now.values;
    for (const auto& [name, value] : values) {
        const std::size_t i = experiment().index_of(name);
        const ParamInfo& param = experiment().params[i];
        // A position on an axis is a real number even where the parameter counts.
        const auto* real = std::get_if<double>(&value);
        const bool counts = param.type == ParamType::integer;
        next[i] = param.checked(real && counts ? clamped(param, *real) : value);
    }
    const Scenario before = current_->now;
    current_->now.values = next;
    remember(before);
    submit(false);
}

void Session::nudge(std::size_t param, const Value& value) {
    const bool continues = nudged_ == param && !current_->undo.empty();
    const Scenario before = continues ? current_->undo.back() : current_->now;
    current_->now.values[param] = experiment().params.at(param).checked(value);
    if (continues) {
        current_->undo.pop_back();
    }
    remember(before);
    if (before != current_->now) {
        nudged_ = param;
    }
    submit(false);
}

void Session::drag(std::size_t param, const Value& value) {
    const ParamInfo& info = experiment().params.at(param);
    Value next = value;
    if (const auto* d = std::get_if<double>(&value)) {
        next = clamped(info, *d);
    } else if (const auto* i = std::get_if<std::int64_t>(&value)) {
        next = clamped(info, static_cast<double>(*i));
    }
    if (!before_drag_) {
        before_drag_ = current_->now;
    }
    if (current_->now.values[param] != next) {
        current_->now.values[param] = info.checked(next);
        // A view parameter redraws the exact data at hand: no preview is cheaper.
        submit(info.role == ParamRole::data);
    }
}

void Session::release() {
    if (!before_drag_) {
        return;
    }
    const Scenario before = *before_drag_;
    before_drag_.reset();
    if (before != current_->now) {
        remember(before);
        submit(false);
    } else if (busy_ || current_->is_preview) {
        submit(false);
    }
}

void Session::set_seed(std::uint64_t seed) {
    const Scenario before = current_->now;
    current_->now.seed = seed;
    remember(before);
    submit(false);
}

kernels::Machine Session::machine() const {
    const bool can = usable_[static_cast<std::size_t>(device())] && experiment().uses_device;
    return can ? device() : kernels::Machine::cpu;
}

void Session::set_device(kernels::Machine device) {
    const Scenario before = current_->now;
    current_->now.device = device;
    remember(before);
    submit(false);
}

void Session::set_usable(kernels::Machine device, bool usable) {
    const kernels::Machine before = machine();
    usable_[static_cast<std::size_t>(device)] = usable;
    if (machine() != before) {
        submit(false);
    }
}

void Session::reset(std::size_t param) {
    release();
    set(param, experiment().params.at(param).default_value);
}

void Session::reset_panel() {
    const Scenario before = current_->now;
    current_->now.values = experiment().defaults();
    remember(before);
    submit(false);
}

void Session::undo() {
    release();
    if (current_->undo.empty()) {
        return;
    }
    nudged_.reset();
    current_->redo.push_back(current_->now);
    current_->now = current_->undo.back();
    current_->undo.pop_back();
    submit(false);
}

void Session::redo() {
    release();
    if (current_->redo.empty()) {
        return;
    }
    nudged_.reset();
    current_->undo.push_back(current_->now);
    current_->now = current_->redo.back();
    current_->redo.pop_back();
    submit(false);
}

bool Session::pin() {
    if (!current_->outcome) {
        return false;
    }
    current_->pinned = Pinned{current_->answered, current_->outcome};
    return true;
}

void Session::submit(bool preview) {
    NIBBLE_ASSERT(!is_still_, "a frame asks for changes by Ui::later");
    if (!busy_) {
        asked_at_ = std::chrono::steady_clock::now();
    }
    busy_ = true;
    progress_ = 0;
    ticket_ = runner_.submit(
        {current_->experiment, current_->now.values, current_->now.seed, preview, machine()});
}

bool Session::has_news() const {
    const Runner::State state = runner_.state();
    return state.landed && !state.landed->partial && state.landed->outcome != current_->outcome;
}

bool Session::poll() {
    const Runner::State state = runner_.state();
    const bool was_busy = busy_;
    const double was_progress = progress_;
    progress_ = state.progress;
    bool changed = false;
    if (state.landed && state.landed->request.experiment == current_->experiment) {
        const Runner::Landed& landed = *state.landed;
        if (landed.refused && landed.ticket == ticket_) {
            refusal_ = {landed.request.device, *landed.refused, *landed.error};
            set_usable(landed.request.device, false);
            return true;
        }
        busy_ = landed.ticket != ticket_ || landed.partial;
        if (landed.outcome && landed.outcome != current_->outcome) {
            current_->outcome = landed.outcome;
            current_->answered = current_->now;
            current_->answered.values = landed.request.values;
            current_->answered.seed = landed.request.seed;
            current_->answered.device = landed.request.device;
            current_->is_preview = landed.request.preview;
            current_->seconds = landed.seconds;
            changed = true;
            asked_at_ = std::chrono::steady_clock::now();
        }
        const std::string error = landed.error.value_or(""), hint = landed.hint.value_or("");
        changed = changed || error != current_->error || hint != current_->hint;
        current_->error = error;
        current_->hint = hint;
    }
    return changed || busy_ != was_busy || (busy_ && progress_ != was_progress);
}

double Session::waited_seconds() const {
    return busy_ ? seconds_since(asked_at_) : 0;
}

}  // namespace nibble
