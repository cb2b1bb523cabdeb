#include "sim/experiments/all.hpp"

namespace nibble {

Experiment number_formats();
Experiment quantizer();
Experiment kernel_ladder();
Experiment tiny_model_lab();
Experiment training();
Experiment roofline();
Experiment decode_latency();
Experiment memory_fit();

const Experiments& all_experiments() {
    static const Experiments all = {
        number_formats(),
        quantizer(),
        kernel_ladder(),
        tiny_model_lab(),
        training(),
        roofline(),
        decode_latency(),
        memory_fit(),
    };
    return all;
}

}  // namespace nibble
