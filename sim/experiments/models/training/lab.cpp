// A small language model trains from nothing while you watch: loss on text it learns from and on
// text it has never seen, above the floor that nobody can go below.
#include "sim/experiments/models/training/data.hpp"

namespace nibble::training_lab {
namespace {

using training_lab::Data;
using training_lab::Text;

struct Params {
    double rate = 0.01;
    int steps = 200;
    int hidden = 64;
    Text text = Text::stories;

    int layers = 2, batch = 4, warm_up = 10;
    std::string losses;
};

Data run(const Params& p, const RunContext& context) {
    if (!p.losses.empty()) {
        return training_lab::train_before(p.losses, context);
    }
    return training_lab::train_here(
        {p.text, p.hidden, p.layers, p.steps, p.batch, p.warm_up, p.rate}, context);
}

Outcome show(const Params&, const Data& data) {
    Outcome outcome;
    training_lab::describe(data, outcome);
    outcome.rows = training_lab::figures(data);
    return outcome;
}

Schema<Params> schema() {
    const auto here = [](const Params& p) { return p.losses.empty(); };
    return {
        real("rate", &Params::rate, {1e-4, 0.5, Scale::log10})
            .label("Learning rate")
            .help("Larger steps learn faster, until the loss turns back.")
            .when(here),
        integer("steps", &Params::steps, {10, 2000, Scale::log10})
            .help("More steps bring the loss nearer to the floor, and take longer.")
            .when(here),
        integer("hidden", &Params::hidden, {16, 128, Scale::log2})
            .label("Width")
            .help("A wider model has more weights to learn with; each step takes longer.")
            .when(here),
        choice("text", &Params::text,
               {{"stories", "stories"},
                {"arithmetic", "sums"},
                {"code", "code"},
                {"records", "records"},
                {"all", "all four"}})
            .help("What the model learns; each kind of text has a floor of its own.")
            .when(here),
        integer("layers", &Params::layers, {1, 4})
            .help("More layers can look something up and use it; each step takes longer.")
            .when(here)
            .advanced(),
        integer("batch", &Params::batch, {1, 32, Scale::log2})
            .label("Documents a step")
            .help("More documents make each step less noisy, and longer.")
            .when(here)
            .advanced(),
        integer("warm_up", &Params::warm_up, {0, 200})
            .label("Warm-up")
            .unit("steps")
            .help("Steps over which the rate rises: without them a large rate does its damage "
                  "early.")
            .when(here)
            .advanced(),
        file("losses", &Params::losses, {".csv", ".safetensors"})
            .label("Losses of an earlier run")
            .help("A folder that nibble train wrote, its losses.csv or its checkpoint: shows that "
                  "run instead.")
            .advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "training", "Models", "Training",
        "How does a model learn, what does the learning rate decide, and where does it end?",
        schema(), run, show);
}

}  // namespace nibble::training_lab
