#include "sim/experiments/all.hpp"

namespace nibble {

Experiment number_formats();
Experiment quantizer();
Experiment tiny_model_lab();
Experiment training();

const Experiments& all_experiments() {
    static const Experiments all = {
        number_formats(),
        quantizer(),
        tiny_model_lab(),
        training(),
    };
    return all;
}

}  // namespace nibble
