#include "sim/experiments/all.hpp"

namespace nibble {

Experiment number_formats();
Experiment quantizer();
Experiment roofline();
Experiment decode_latency();
Experiment memory_fit();

const Experiments& all_experiments() {
    static const Experiments all = {
        number_formats(),
        quantizer(),
        roofline(),
        decode_latency(),
        memory_fit(),
    };
    return all;
}

}  // namespace nibble
