// Small experiments for tests of the machinery around experiments.
#pragma once

#include <chrono>
#include <thread>

#include "sim/core/scenario.hpp"

namespace nibble::toy {

enum class Mode { fast, slow };

struct Params {
    int count = 3;
    double gain = 0.5;
    bool flip = false;
    Mode mode = Mode::fast;
    std::string note = "hello";
    std::string path = {};
    int shown = 0;
};

struct Data {
    double sum = 0;
    int count = 0;
};

inline Schema<Params> schema() {
    return {
        integer("count", &Params::count, {1, 1000, Scale::log2}).unit("draws").help("How many."),
        real("gain", &Params::gain, {-2, 2}).help("Times what."),
        boolean("flip", &Params::flip).help("Change the sign.").advanced(),
        choice("mode", &Params::mode, {{"fast", "Fast"}, {"slow", "Slow"}}).help("Speed."),
        text("note", &Params::note).help("Anything."),
        file("path", &Params::path, {".npy", ".gguf"}).help("A file."),
        integer("shown", &Params::shown, {0, 10})
            .view()
            .when([](const Params& p) { return p.flip; })
            .help("What is drawn."),
    };
}

/// Sums draws; `slow` keeps at it until it is stopped, publishing as it goes.
inline Data run(const Params& p, const RunContext& context) {
    Data d;
    do {
        for (int i = 0; i < p.count; ++i) {
            d.sum += p.gain * context.rng("toy").normal(static_cast<std::uint64_t>(i));
        }
        d.count += p.count;
        context.progress(0.5);
        context.publish(d);
        context.check();
        if (p.mode == Mode::slow) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    } while (p.mode == Mode::slow);
    return d;
}

inline Outcome show(const Params& p, const Data& d) {
    Outcome o;
    o.finding = "shown " + std::to_string(p.shown);
    o.metrics = {{"sum", "Sum", p.flip ? -d.sum : d.sum}};
    return o;
}

inline Experiment experiment() {
    return define<Params, Data>("toy", "Toys", "Toy", "What do draws sum to?", schema(), run, show);
}

}  // namespace nibble::toy
