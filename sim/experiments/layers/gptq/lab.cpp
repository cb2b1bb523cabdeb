// A layer rounded by GPTQ, column by column.
#include "sim/experiments/layers/gptq/figures.hpp"

namespace nibble::gptq_lab {
namespace {

using gptq_lab::Data;
using gptq_lab::From;
using gptq_lab::Shown;

struct Params {
    int bits = 3;
    int group_size = 64;
    bool act_order = false;
    int documents = 8;

    From model = From::target;
    std::string file;
    int layer = 1;
    Linear kind = Linear::q;
    double decay = 1;
    double outlier = 8;
    double damping = 0.01;
    bool symmetric = false;
    bool static_groups = false;
    int block_size = 128;
    bool reference_groups = false;

    int step = 96;
    int row = 0;
    Shown shown = Shown::change;
    gptq_lab::Third third = gptq_lab::Third::fitting;
};

Data run(const Params& p, const RunContext& context) {
    const auto layer = gptq_lab::load_layer(
        {p.model, p.file, p.layer, p.kind, p.documents, p.decay, p.outlier}, context);
    context.check();
    context.progress(0.5);
    IntegerFormat format;
    format.bits = p.bits;
    format.group_size = p.group_size;
    format.symmetric = p.symmetric;
    return gptq_lab::quantize(
        layer, {format, p.damping, p.block_size, p.act_order, p.static_groups, p.reference_groups},
        context);
}

Outcome show(const Params& p, const Data& data) {
    const auto look = gptq_lab::look_at(data, p.step, p.row, p.shown, p.third);
    Outcome outcome;
    gptq_lab::describe(data, look, outcome);
    outcome.rows = gptq_lab::figures(data, look);
    return outcome;
}

bool is_synthetic(const Params& p) {
    return p.model == From::synthetic;
}

bool of_model(const Params& p) {
    return !is_synthetic(p);
}

void add_source(Schema<Params>& schema) {
    schema.push_back(choice("model", &Params::model,
                            {{"target", "target"},
                             {"draft", "draft"},
                             {"file", "a model of yours"},
                             {"synthetic", "synthetic"}})
                         .label("Layer from")
                         .help("Where the layer and the tokens that it reads come from.")
                         .advanced());
    schema.push_back(file("file", &Params::file, {".gguf", ".safetensors", ".json"})
                         .label("Model file")
                         .help("A .gguf file, or a folder with config.json and *.safetensors, of "
                               "a Llama-type model.")
                         .when([](const Params& p) { return p.model == From::file; }));
    schema.push_back(integer("layer", &Params::layer, {0, 127, Scale::linear, {{0, 31}}})
                         .help("Which block of the model; later ones read more correlated inputs. "
                               "Beyond the last, the last.")
                         .when(of_model)
                         .advanced());
    schema.push_back(choice("kind", &Params::kind,
                            {{"q", "q"},
                             {"k", "k"},
                             {"v", "v"},
                             {"o", "o"},
                             {"gate", "gate"},
                             {"up", "up"},
                             {"down", "down"}})
                         .label("Matrix")
                         .help("Which linear layer of the block is rounded.")
                         .when(of_model)
                         .advanced());
    schema.push_back(real("decay", &Params::decay, {0, 3})
                         .label("Decay of the spectrum")
                         .help("The k-th eigenvalue is k to the minus this: at 0 no input tells "
                               "of another, and there is nothing to make up with.")
                         .when(is_synthetic)
                         .advanced());
    schema.push_back(real("outlier", &Params::outlier, {1, 100, Scale::log10})
                         .unit("x")
                         .label("Outlier channels")
                         .help("Every 24th input channel is multiplied by this.")
                         .when(is_synthetic)
                         .advanced());
}

void add_method(Schema<Params>& schema) {
    schema.push_back(real("damping", &Params::damping, {1e-4, 1, Scale::log10})
                         .help("Share of the mean diagonal that is added to the Hessian: more "
                               "corrects less, and fits the calibration tokens less closely.")
                         .advanced());
    schema.push_back(boolean("symmetric", &Params::symmetric)
                         .help("Ranges with 0 in the middle: no zero points to store, a level or "
                               "more unused.")
                         .advanced());
    schema.push_back(boolean("static_groups", &Params::static_groups)
                         .help("Scales are fixed before anything is changed; groups stay "
                               "neighbours under act-order.")
                         .advanced());
    schema.push_back(integer("block_size", &Params::block_size, {1, 1024, Scale::log2})
                         .unit("column")
                         .help("Columns finished before the rest is corrected: it changes the "
                               "speed, and results in the last digits only.")
                         .advanced());
    schema.push_back(boolean("reference_groups", &Params::reference_groups)
                         .help("Ranges of groups within a block are read from weights that are "
                               "not up to date, as the reference implementation does.")
                         .advanced());
}

void add_views(Schema<Params>& schema) {
    schema.push_back(integer("step", &Params::step, {0, 1024, Scale::linear, {{0, 256}}})
                         .label("Columns rounded")
                         .unit("column")
                         .help("Scrub through the layer: columns to the left are rounded, those "
                               "to the right make up for it.")
                         .view());
    schema.push_back(integer("row", &Params::row, {0, 255})
                         .help("The row whose numbers stand in the equations.")
                         .view()
                         .advanced());
    schema.push_back(
        choice("shown", &Params::shown, {{"change", "their change"}, {"weights", "the weights"}})
            .label("Map of")
            .help("What the map of the layer shows.")
            .view()
            .advanced());
    schema.push_back(choice("third", &Params::third,
                            {{"fitting", "what fits"},
                             {"hessian", "Hessian"},
                             {"spectrum", "its spectrum"},
                             {"order", "the order of columns"}})
                         .label("Chart of")
                         .help("What stands beside the errors: the Hessian, its eigenvalues beside "
                               "the damping, or the column taken at each step.")
                         .view());
}

Schema<Params> schema() {
    Schema<Params> all = {
        integer("bits", &Params::bits, {2, 8})
            .label("Bits per code")
            .unit("bit")
            .help("Fewer bits, larger rounding errors, and more to make up for."),
        integer("group_size", &Params::group_size, {0, 1024, Scale::linear, {{0, 256}}})
            .unit("weight")
            .help("Neighbours in a row that share a scale, 0 for the whole row: smaller groups "
                  "round finer and store more scales."),
        boolean("act_order", &Params::act_order)
            .label("Act-order")
            .help("Columns with the largest inputs first, while many columns are left to make up "
                  "for them."),
        integer("documents", &Params::documents, {1, 64, Scale::log2})
            .label("Calibration documents")
            .help("With few of them GPTQ fits what it saw, and unseen tokens gain less."),
    };
    add_source(all);
    add_method(all);
    add_views(all);
    return all;
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "gptq", "Layers", "GPTQ",
        "How can a layer lose less when its weights are rounded farther from where they were?",
        schema(), run, show);
}

}  // namespace nibble::gptq_lab
