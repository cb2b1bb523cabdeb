// An experiment: typed parameters, a pure run, a show that turns its data into figures.
//
// define<P, D>() turns the typed triple into an Experiment that the window, the command line, the
// exporter, the lessons and the tests all use, and none of them knows P or D.
//
//   run(params, context) -> D      the work; on a worker thread; may take long, stops when asked
//   show(params, D) -> Outcome     cheap; called again whenever a view parameter moves
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/device.hpp"
#include "sim/core/cache.hpp"
#include "sim/core/error.hpp"
#include "sim/core/outcome.hpp"
#include "sim/core/param.hpp"
#include "sim/core/rng.hpp"

namespace nibble {

/// What run() gets besides its parameters.
struct RunContext {
    std::uint64_t seed = 1;
    /// Where to compute. Always the processor for experiments that do not say `uses_device`; the
    /// emulator runs kernels slowly, so what is tried on it must be small.
    kernels::Machine device = kernels::Machine::cpu;
    /// While the reader drags: answer within 33 ms, on a sample if need be, and say so in
    /// Outcome::sampling. On release the exact run follows.
    bool preview = false;
    std::stop_token stop = {};
    std::function<void(double)> progress = [](double) {};  // share done, 0 .. 1
    /// Shared between runs: source tensors, trained models. Null means keep nothing.
    Cache* shared = nullptr;
    /// Set by define(): hands a partial D to show() while run() goes on.
    std::function<void(std::shared_ptr<const void>)> publish_data = {};

    Rng rng(std::string_view use) const { return Rng(seed).stream(use); }

    /// Throws Error::cancelled when a newer request made this run pointless. Call it every few
    /// milliseconds of work.
    void check() const {
        if (stop.stop_requested()) {
            throw Error(Error::Code::cancelled, "stopped for newer parameters");
        }
    }
    /// Shows what is there so far; `data` is copied.
    template <class D>
    void publish(const D& data) const {
        if (publish_data) {
            publish_data(std::make_shared<const D>(data));
        }
    }
    /// A value that other runs with the same `key` share. `bytes_of` as in Cache::get.
    template <class T>
    std::shared_ptr<const T> memo(const std::string& key, const std::function<T()>& make,
                                  const std::function<std::size_t(const T&)>& bytes_of) const {
        return shared ? shared->get<T>(key, make, bytes_of) : std::make_shared<const T>(make());
    }
};

/// The result of run() with its type erased.
using RunData = std::shared_ptr<const void>;

struct Experiment {
    std::string id;        // "quantizer": file name, command-line word, lesson link
    std::string group;     // "Numbers": the heading it stands under
    std::string title;     // "Quantizer"
    std::string question;  // what the reader will be able to answer
    std::vector<ParamInfo> params;

    /// Both take checked values in schema order.
    std::function<RunData(const ParamValues&, const RunContext&)> run;
    std::function<Outcome(const ParamValues&, const RunData&)> show;
    /// For each parameter, whether it has an effect under these values.
    std::function<std::vector<bool>(const ParamValues&)> relevant;
    /// Whether run() computes on RunContext::device.
    bool uses_device = false;

    ParamValues defaults() const;
    /// Position in params; throws Error::bad_param naming the nearest one.
    std::size_t index_of(std::string_view param) const;
    /// Throws what ParamInfo::checked throws.
    ParamValues checked(const ParamValues& values) const;
    /// What a result depends on: id, seed, device, preview and the data parameters, as text.
    std::string data_key(const ParamValues& values, const RunContext& context) const;
};

/// `P` needs defaults for all fields; `D` is whatever run computes.
template <class P, class D>
Experiment define(std::string id, std::string group, std::string title, std::string question,
                  Schema<P> schema, D (*run)(const P&, const RunContext&),
                  Outcome (*show)(const P&, const D&)) {
    Experiment e{
        std::move(id), std::move(group), std::move(title), std::move(question), {}, {}, {}, {}};
    e.params.assign(schema.begin(), schema.end());
    const auto typed = [schema](const ParamValues& values) {
        NIBBLE_ASSERT(values.size() == schema.size(), "one value per parameter");
        P params;
        for (std::size_t i = 0; i < schema.size(); ++i) {
            schema[i].set(params, values[i]);
        }
        return params;
    };
    e.run = [=](const ParamValues& values, const RunContext& context) -> RunData {
        return std::make_shared<const D>(run(typed(values), context));
    };
    e.show = [=](const ParamValues& values, const RunData& data) {
        return show(typed(values), *static_cast<const D*>(data.get()));
    };
    e.relevant = [=](const ParamValues& values) {
        const P params = typed(values);
        std::vector<bool> yes;
        for (const Param<P>& p : schema) {
            yes.push_back(p.is_relevant(params));
        }
        return yes;
    };
    return e;
}

/// Size and time of the last change, so that a cache notices when a file is replaced.
std::string file_stamp(const std::string& path);

/// Checks the values, runs (or finds the data in `results`), shows. Throws what run throws, and
/// DeviceRefused when the device does.
Outcome evaluate(const Experiment& experiment, const ParamValues& values,
                 const RunContext& context = {}, Cache* results = nullptr);

}  // namespace nibble
