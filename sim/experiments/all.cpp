#include "sim/experiments/all.hpp"

namespace nibble {

Experiment number_formats();
Experiment quantizer();
Experiment kernel_ladder();

const Experiments& all_experiments() {
    static const Experiments all = {
        number_formats(),
        quantizer(),
        kernel_ladder(),
    };
    return all;
}

}  // namespace nibble
