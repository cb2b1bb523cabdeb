// Every operator of a transformer step under the roof of a machine: what waits for memory, what for
// arithmetic, and how the batch moves the one towards the other.
#include "sim/core/experiment.hpp"
#include "sim/experiments/machines/roofline/data.hpp"

namespace nibble::roofline_lab {
namespace {

using roofline_lab::Data;

enum class ThisMachine { hidden, now, file };

struct Params : Setting {
    std::string compare = "none";
    ThisMachine this_machine = ThisMachine::hidden;
    std::string machine_file;
    bool calibrated = false, measurements = true;
    Op selected = Op::up_proj;

    /// Enough requests to part the weights from attention on the first picture.
    Params() { batch = 16; }
};

Data run(const Params& p, const RunContext& context) {
    context.check();
    Data data = roofline_lab::compute(p, p.compare, p.compare != "none");
    if (p.this_machine == ThisMachine::now) {
        data.here = measured_roof(context);
    } else if (p.this_machine == ThisMachine::file) {
        if (p.machine_file.empty()) {
            throw Error(Error::Code::bad_param, "no recording of a machine is named",
                        "--machine_file takes what `nibble measure --out FILE.json` wrote");
        }
        data.here = recorded_roof(p.machine_file);
    }
    return data;
}

Outcome show(const Params& p, const Data& data) {
    Outcome outcome;
    const Op selected = data.find(p.selected) ? p.selected : data.slider().op.op;
    roofline_lab::describe(data, selected, outcome);
    outcome.rows = roofline_lab::figures(data, p.calibrated, p.measurements);
    return outcome;
}

std::vector<Choice> devices_or_none() {
    std::vector<Choice> choices = device_choices();
    choices.insert(choices.begin(), {"none", "none"});
    return choices;
}

std::vector<Choice> operator_choices() {
    std::vector<Choice> choices;
    for (int i = 0; i <= static_cast<int>(Op::lm_head); ++i) {
        const std::string word(name(static_cast<Op>(i)));
        choices.push_back({word, word});
    }
    return choices;
}

Schema<Params> schema() {
    using namespace setting_params;
    return {
        device<Params>(),
        phase<Params>(),
        batch<Params>(),
        weight_bits<Params>(),
        model<Params>().advanced(),
        context<Params>().advanced(),
        chunk<Params>().advanced(),
        activation_bits<Params>().advanced(),
        kv_bits<Params>().advanced(),
        group_size<Params>().advanced(),
        kv_group_size<Params>().advanced(),
        tensor_parallel<Params>().advanced(),
        accumulate<Params>().advanced(),
        named("compare", &Params::compare, devices_or_none())
            .label("Compare with")
            .help("Draws the roof of another device behind this one.")
            .advanced(),
        choice("this_machine", &Params::this_machine,
               {{"hidden", "not shown"}, {"now", "measured now"}, {"file", "from a file"}})
            .label("The roof of this machine")
            .help("Draws the roof of a processor, measured: of this one, which takes a second, or "
                  "of one that `nibble measure` wrote down.")
            .advanced(),
        file("machine_file", &Params::machine_file, {".json"})
            .label("Recording")
            .help("What `nibble measure --out FILE.json` wrote.")
            .when([](const Params& p) { return p.this_machine == ThisMachine::file; })
            .advanced(),
        boolean("calibrated", &Params::calibrated)
            .label("Times that kernels reach")
            .help("Places the operators by times fitted to recorded kernels instead of on the "
                  "ideal roof, and shows the fit's residuals.")
            .view()
            .advanced(),
        boolean("measurements", &Params::measurements)
            .label("Recorded kernels")
            .help("Overlays recorded matrix products and attention of the same bits.")
            .view()
            .advanced(),
        choice("selected", &Params::selected, operator_choices())
            .label("Ledger of")
            .help("The operator whose FLOP and bytes the equations write out.")
            .view()
            .advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "roofline", "Machines", "Roofline",
        "Does a step of a model wait for the machine's memory or for its arithmetic?", schema(),
        run, show);
}

}  // namespace nibble::roofline_lab
