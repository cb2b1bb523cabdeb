#include "sim/experiments/all.hpp"

namespace nibble {

Experiment number_formats();
Experiment quantizer();
Experiment kernel_ladder();
Experiment gptq_lab_experiment();
Experiment awq_smoothquant();
Experiment layer_methods();
Experiment tiny_model_lab();
Experiment training();
Experiment speculate_live_lab();
Experiment roofline();
Experiment decode_latency();
Experiment memory_fit();
Experiment request_latency();
Experiment cost();
Experiment planner();
Experiment datasheet_traps();
Experiment published_figures();

const Experiments& all_experiments() {
    static const Experiments all = {
        number_formats(),     quantizer(),     kernel_ladder(),  gptq_lab_experiment(),
        awq_smoothquant(),    layer_methods(), tiny_model_lab(), training(),
        speculate_live_lab(), roofline(),      decode_latency(), memory_fit(),
        request_latency(),    cost(),          planner(),        datasheet_traps(),
        published_figures(),
    };
    return all;
}

}  // namespace nibble
