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
Experiment roofline();
Experiment decode_latency();
Experiment memory_fit();
Experiment request_latency();
Experiment cost();
Experiment planner();
Experiment datasheet_traps();
Experiment published_figures();
Experiment fragmentation();
Experiment block_table();
Experiment kv_size();

const Experiments& all_experiments() {
    static const Experiments all = {
        number_formats(),
        quantizer(),
        kernel_ladder(),
        gptq_lab_experiment(),
        awq_smoothquant(),
        layer_methods(),
        tiny_model_lab(),
        training(),
        roofline(),
        decode_latency(),
        memory_fit(),
        request_latency(),
        cost(),
        planner(),
        datasheet_traps(),
        published_figures(),
        fragmentation(),
        block_table(),
        kv_size(),
    };
    return all;
}

}  // namespace nibble
