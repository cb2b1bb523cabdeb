#include "sim/experiments/all.hpp"

namespace nibble {

Experiment number_formats();
Experiment quantizer();
Experiment kernel_ladder();
Experiment calibration_lab_experiment();
Experiment gptq_lab_experiment();
Experiment awq_smoothquant();
Experiment layer_methods();
Experiment check_the_claim();
Experiment tiny_model_lab();
Experiment training();
Experiment perplexity_lab_experiment();
Experiment roofline();
Experiment decode_latency();
Experiment memory_fit();
Experiment request_latency();
Experiment cost();
Experiment planner();
Experiment datasheet_traps();
Experiment published_figures();
Experiment kv_size();
Experiment fragmentation();
Experiment block_table();
Experiment radix_cache();
Experiment paged_attention();
Experiment reproduce_the_figure();
Experiment batching();
Experiment schedulers();
Experiment load_lab_experiment();
Experiment deployment();
Experiment acceptance_chain();
Experiment distributions();
Experiment speculate_live_lab();
Experiment when_it_pays();

const Experiments& all_experiments() {
    static const Experiments all = {
        number_formats(),
        quantizer(),
        kernel_ladder(),
        calibration_lab_experiment(),
        gptq_lab_experiment(),
        awq_smoothquant(),
        layer_methods(),
        check_the_claim(),
        tiny_model_lab(),
        training(),
        perplexity_lab_experiment(),
        roofline(),
        decode_latency(),
        memory_fit(),
        request_latency(),
        cost(),
        planner(),
        datasheet_traps(),
        published_figures(),
        kv_size(),
        fragmentation(),
        block_table(),
        radix_cache(),
        paged_attention(),
        reproduce_the_figure(),
        batching(),
        schedulers(),
        load_lab_experiment(),
        deployment(),
        acceptance_chain(),
        distributions(),
        speculate_live_lab(),
        when_it_pays(),
    };
    return all;
}

}  // namespace nibble
