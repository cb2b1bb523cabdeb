// Placeholder declaration; the lab follows.
#include "sim/core/experiment.hpp"

namespace nibble {
namespace {

struct Params {
    double value = 0.3;
};
struct Data {
    double value = 0;
};

Data run(const Params& p, const RunContext&) {
    return {p.value};
}

Outcome show(const Params&, const Data& d) {
    Outcome o;
    o.finding = "A value";
    o.rows = {{1, {{.id = "axis", .title = "value", .alt_text = "", .x = {"x"}, .y = {"y"},
                    .marks = {Points{"v", Role::subject, {d.value}, {0}}}}}}};
    o.metrics = {{"value", "Value", d.value}};
    return o;
}

}  // namespace

Experiment quantizer() {
    return define<Params, Data>("quantizer", "Numbers", "Quantizer",
                                "Which numbers can a format hold?",
                                {real("value", &Params::value, {-1e6, 1e6}).help("The number.")},
                                run, show);
}

}  // namespace nibble
