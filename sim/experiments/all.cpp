#include "sim/experiments/all.hpp"

namespace nibble {

Experiment number_formats();
Experiment quantizer();

const Experiments& all_experiments() {
    static const Experiments all = {
        number_formats(),
        quantizer(),
    };
    return all;
}

}  // namespace nibble
