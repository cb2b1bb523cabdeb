#include "sim/experiments/all.hpp"

// Every lab in teaching order: the one line that a new lab adds outside its own file or folder.
#define NIBBLE_LABS(LAB) \
    LAB(number_formats) \
    LAB(quantizer) \
    LAB(kernel_ladder) \
    LAB(calibration) \
    LAB(gptq) \
    LAB(awq_smoothquant) \
    LAB(layer_methods) \
    LAB(check_the_claim) \
    LAB(tiny_model) \
    LAB(training) \
    LAB(perplexity) \
    LAB(roofline) \
    LAB(decode_latency) \
    LAB(memory_fit) \
    LAB(request_latency) \
    LAB(cost) \
    LAB(planner) \
    LAB(datasheet_traps) \
    LAB(published_figures) \
    LAB(kv_size) \
    LAB(fragmentation) \
    LAB(block_table) \
    LAB(radix_cache) \
    LAB(paged_attention) \
    LAB(reproduce_the_figure) \
    LAB(batching) \
    LAB(schedulers) \
    LAB(load) \
    LAB(deployment) \
    LAB(acceptance_chain) \
    LAB(distributions) \
    LAB(speculate_live) \
    LAB(when_it_pays)

namespace nibble {

#define NIBBLE_DECLARE(name)  \
    namespace name##_lab {    \
        Experiment lab();     \
    }
NIBBLE_LABS(NIBBLE_DECLARE)
#undef NIBBLE_DECLARE

const Experiments& all_experiments() {
#define NIBBLE_ENTRY(name) name##_lab::lab(),
    static const Experiments all = {NIBBLE_LABS(NIBBLE_ENTRY)};
#undef NIBBLE_ENTRY
    return all;
}

}  // namespace nibble
