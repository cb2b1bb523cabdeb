// What the machine labs have in common: which model, on which device, how many tokens of how many
// requests, in how many bits. Each parameter is declared here once and taken by name.
#pragma once

#include <concepts>
#include <string>

#include "sim/roofline/catalogue.hpp"
#include "sim/roofline/roofline.hpp"

namespace nibble {

struct Setting {
    std::string model = "llama-2-7b", device = "a100-80gb-sxm";
    Phase phase = Phase::decode;
    int batch = 1, context = 4096, chunk = 512;
    int weight_bits = 16, activation_bits = 16, kv_bits = 16;
    int group_size = 0, kv_group_size = 0;
    int tensor_parallel = 1;
    Accumulate accumulate = Accumulate::fp32;

    Precision precision() const {
        return {double(weight_bits), double(activation_bits), double(kv_bits), group_size,
                kv_group_size};
    }
    Workload workload() const {
        return {phase, batch, context, chunk, tensor_parallel, precision()};
    }
};

/// "W4A16", and "KV8" after it where the cache has other bits than the activations.
std::string name(const Precision& precision);
/// "7.51 ms". Inputs of an equation take a digit more than its result, so that they reproduce it.
std::string format_seconds(Seconds time, int digits = 3);
/// Decimal, as sheets count: "13.5 GB".
std::string format_gb(Bytes bytes);

/// Bytes and FLOP of a table: whole numbers as whole numbers.
Table::Cell exact_cell(double value);

namespace setting_params {

template <std::derived_from<Setting> P>
Param<P> model() {
    return model_param<P>("model", &Setting::model)
        .help(
            "More layers and wider ones: more bytes to read for every token. Also takes a "
            "config.json.");
}

template <std::derived_from<Setting> P>
Param<P> device() {
    return device_param<P>("device", &Setting::device)
        .help("Whose bandwidth and peak make the roof; figures are from its maker's sheet.");
}

template <std::derived_from<Setting> P>
Param<P> phase() {
    return choice<P>("phase", static_cast<Phase P::*>(&Setting::phase),
                     {{"prefill", "prefill"}, {"chunk", "chunk"}, {"decode", "decode"}})
        .help("The whole prompt at once, a piece of it, or one more token for each request.");
}

template <std::derived_from<Setting> P>
Param<P> batch() {
    return integer<P>("batch", static_cast<int P::*>(&Setting::batch), {1, 4096, Scale::log2})
        .label("Requests at once")
        .help("Requests that share one reading of the weights; each brings its own cache.");
}

template <std::derived_from<Setting> P>
Param<P> context() {
    return integer<P>("context", static_cast<int P::*>(&Setting::context),
                      {1, 1048576, Scale::log2, {{16, 131072}}})
        .unit("tokens")
        .help(
            "Tokens of each request, the new ones included: the cache that attention reads "
            "grows with them.");
}

template <std::derived_from<Setting> P>
Param<P> chunk() {
    return integer<P>("chunk", static_cast<int P::*>(&Setting::chunk), {1, 65536, Scale::log2})
        .label("Tokens in a chunk")
        .unit("tokens")
        .help(
            "How much of the prompt one step computes: larger chunks move to the right, and "
            "read the cache less often.")
        .when([](const P& p) { return p.phase == Phase::chunk; });
}

template <std::derived_from<Setting> P>
Param<P> weight_bits() {
    return integer<P>("weight_bits", static_cast<int P::*>(&Setting::weight_bits), {2, 16})
        .unit("bit")
        .help(
            "Fewer bits are fewer bytes to read; the arithmetic stays in 16 bits unless the "
            "activations have 8 too.");
}

template <std::derived_from<Setting> P>
Param<P> activation_bits() {
    return integer<P>("activation_bits", static_cast<int P::*>(&Setting::activation_bits), {4, 16})
        .unit("bit")
        .help("At 8 or fewer, with weights as narrow, the 8-bit matrix units raise the roof.");
}

template <std::derived_from<Setting> P>
Param<P> kv_bits() {
    return integer<P>("kv_bits", static_cast<int P::*>(&Setting::kv_bits), {2, 16})
        .label("Cache bits")
        .unit("bit")
        .help("Of keys and values in the cache: half the bits, half of what attention reads.");
}

template <std::derived_from<Setting> P>
Param<P> group_size() {
    return integer<P>("group_size", static_cast<int P::*>(&Setting::group_size), {0, 4096})
        .unit("w")
        .help("Weights that share a 16-bit scale, which is read with them; 0 leaves scales out.");
}

template <std::derived_from<Setting> P>
Param<P> kv_group_size() {
    return integer<P>("kv_group_size", static_cast<int P::*>(&Setting::kv_group_size), {0, 1024})
        .label("Cache group size")
        .help(
            "Cached numbers that share a scale and a zero point of 16 bits each; 0 leaves them "
            "out.");
}

template <std::derived_from<Setting> P>
Param<P> tensor_parallel() {
    return integer<P>("tensor_parallel", static_cast<int P::*>(&Setting::tensor_parallel),
                      {1, 64, Scale::log2})
        .label("Devices")
        .help(
            "Devices that divide every layer among them: less work each, two all-reduces a "
            "layer.");
}

template <std::derived_from<Setting> P>
Param<P> accumulate() {
    return choice<P>("accumulate", static_cast<Accumulate P::*>(&Setting::accumulate),
                     {{"fp32", "FP32"}, {"fp16", "FP16"}})
        .label("Sums of 16-bit products in")
        .help("Consumer boards multiply twice as fast when they add up in FP16.");
}

}  // namespace setting_params
}  // namespace nibble
