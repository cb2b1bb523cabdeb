// What the serving labs have in common: the scheduler's limits, the clock, the requests. Each
// parameter is declared here once and taken by name.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <vector>

#include "sim/requests/lengths.hpp"
#include "sim/roofline/setting.hpp"
#include "sim/serving/arrivals.hpp"
#include "sim/serving/rules.hpp"
#include "sim/serving/statistics.hpp"
#include "sim/serving/step_time.hpp"

namespace nibble::serving {

/// What a lab offers: the policies of one machine, and two machines.
enum class Scheduler {
    static_batch,
    dynamic_batch,
    continuous,
    chunked,
    prefix_aware,
    disaggregated
};
constexpr Scheduler all_schedulers[] = {Scheduler::static_batch, Scheduler::dynamic_batch,
                                        Scheduler::continuous,   Scheduler::chunked,
                                        Scheduler::prefix_aware, Scheduler::disaggregated};
std::string_view name(Scheduler scheduler);
/// Of one machine; two machines chunk their prompts.
Policy policy_of(Scheduler scheduler);

enum class Clock { constant, ideal, calibrated };
enum class Pattern { poisson, bursty, closed_loop };

struct ServingSetting {
    Scheduler scheduler = Scheduler::chunked;
    int token_budget = 512, max_seqs = 64, blocks = 4096, block_size = 16, watermark = 0;
    Preemption preemption = Preemption::recompute;
    double max_wait = 0.1;

    Clock step_time = Clock::calibrated;
    double step_seconds = 1;  // of the constant clock
    std::string model = "llama-3.1-8b", device = "h100-80gb-sxm";
    int weight_bits = 16, activation_bits = 16, kv_bits = 16, tensor_parallel = 1;
    double overhead_ms = 0;  // of a step, besides the kernels
    double link_gb_s = 50;   // between two machines

    LengthMix lengths = LengthMix::conversation;
    Pattern pattern = Pattern::poisson;
    int requests = 200, users = 32;
    double rate = 4, variation = 3, think = 1;

    double slo_ttft_ms = 500, slo_tpot_ms = 50;

    Rules rules(Policy policy) const;
    Rules rules() const { return rules(policy_of(scheduler)); }
    Precision precision() const {
        return {double(weight_bits), double(activation_bits), double(kv_bits)};
    }
    Slo slo() const { return {slo_ttft_ms / 1000, slo_tpot_ms / 1000}; }
    /// Throws what StepTime and model_named throw, and Error::bad_param when nothing was measured
    /// on the device.
    StepTime clock() const { return clock(precision(), 1); }
    /// With other bits, scales counted, and answers that speculation makes flow faster.
    StepTime clock(const Precision& precision, double decode_speed_up) const;
    /// The lengths as the sources of arrivals take them.
    std::vector<Lengths> mix() const;
    std::unique_ptr<Arrivals> arrivals(Rng rng) const;
};

/// "at a constant 1 s a step", "Llama 3.1 8B on H100, calibrated": for captions.
std::string describe_clock(const ServingSetting& setting);

/// All at once, ordered by arrival: what a comparison replays.
std::vector<Request> drawn(Arrivals& arrivals);

namespace serving_params {

template <std::derived_from<ServingSetting> P>
Param<P> scheduler() {
    return choice<P>("scheduler", static_cast<Scheduler P::*>(&ServingSetting::scheduler),
                     {{"static", "static"},
                      {"dynamic", "dynamic"},
                      {"continuous", "continuous"},
                      {"chunked", "chunked"},
                      {"prefix_aware", "prefix-aware"},
                      {"disaggregated", "disaggregated"}})
        .help(
            "Who may enter a running batch, and when: nobody, anybody with the whole prompt, or "
            "piece by piece.");
}

template <std::derived_from<ServingSetting> P>
Param<P> token_budget() {
    return integer<P>("token_budget", static_cast<int P::*>(&ServingSetting::token_budget),
                      {1, 1048576, Scale::log2, {{16, 16384}}})
        .label("Tokens a step")
        .unit("tokens")
        .help(
            "At most so many are computed in a step: less delays prompts, more delays the tokens "
            "of those who share the step.");
}

template <std::derived_from<ServingSetting> P>
Param<P> max_seqs() {
    return integer<P>("max_seqs", static_cast<int P::*>(&ServingSetting::max_seqs),
                      {1, 65536, Scale::log2, {{1, 1024}}})
        .label("Requests at once")
        .help("Places in the batch: more of them raise throughput and the time of a step.");
}

template <std::derived_from<ServingSetting> P>
Param<P> blocks() {
    return integer<P>("blocks", static_cast<int P::*>(&ServingSetting::blocks),
                      {1, 100000000, Scale::log2, {{16, 65536}}})
        .label("Blocks of cache")
        .help(
            "Memory for keys and values: when it is short, requests are thrown out and computed "
            "again.");
}

template <std::derived_from<ServingSetting> P>
Param<P> block_size() {
    return integer<P>("block_size", static_cast<int P::*>(&ServingSetting::block_size),
                      {1, 65536, Scale::log2, {{1, 256}}})
        .unit("tokens")
        .help("Tokens of a block: larger ones leave more unused at the end of each request.");
}

template <std::derived_from<ServingSetting> P>
Param<P> watermark() {
    return integer<P>("watermark", static_cast<int P::*>(&ServingSetting::watermark),
                      {0, 100000000, Scale::linear, {{0, 256}}})
        .unit("blocks")
        .help("Free blocks that nobody new may take, so that those who run can grow.");
}

template <std::derived_from<ServingSetting> P>
Param<P> preemption() {
    return choice<P>("preemption", static_cast<Preemption P::*>(&ServingSetting::preemption),
                     {{"recompute", "compute again"}, {"swap", "swap"}})
        .help(
            "What becomes of the cache of a request that is thrown out: forgotten, or moved to "
            "the host's memory and back.");
}

template <std::derived_from<ServingSetting> P>
Param<P> max_wait() {
    return real<P>("max_wait", static_cast<double P::*>(&ServingSetting::max_wait),
                   {0, 1e6, Scale::linear, {{0, 20}}})
        .label("Patience")
        .unit("s")
        .help(
            "Dynamic batching starts a batch that is not full once its first request has waited "
            "so long.");
}

template <std::derived_from<ServingSetting> P>
Param<P> step_time() {
    return choice<P>("step_time", static_cast<Clock P::*>(&ServingSetting::step_time),
                     {{"constant", "constant"},
                      {"ideal", "ideal roofline"},
                      {"calibrated", "calibrated"}})
        .label("Time of a step")
        .help(
            "All steps alike, or as long as the roofline says of the tokens in them: ideal, or "
            "fitted to kernels that were measured.");
}

template <std::derived_from<ServingSetting> P>
Param<P> step_seconds() {
    return real<P>("step_seconds", static_cast<double P::*>(&ServingSetting::step_seconds),
                   {1e-6, 1000, Scale::log10})
        .label("A step takes")
        .unit("s")
        .help("With 1 s, arrivals count in steps.")
        .when([](const P& p) { return p.step_time == Clock::constant; });
}

template <std::derived_from<ServingSetting> P>
bool on_roofline(const P& p) {
    return p.step_time != Clock::constant;
}

template <std::derived_from<ServingSetting> P>
Param<P> model() {
    return model_param<P>("model", &ServingSetting::model)
        .help("More weights take longer to read in every step, whatever the batch.")
        .when(on_roofline<P>);
}

template <std::derived_from<ServingSetting> P>
Param<P> device() {
    return device_param<P>("device", &ServingSetting::device)
        .help("Whose bandwidth and peak make the time of a step.")
        .when(on_roofline<P>);
}

template <std::derived_from<ServingSetting> P>
Param<P> weight_bits() {
    return integer<P>("weight_bits", static_cast<int P::*>(&ServingSetting::weight_bits), {2, 16})
        .unit("bit")
        .help("Fewer bits are fewer bytes to read in every step.")
        .when(on_roofline<P>);
}

template <std::derived_from<ServingSetting> P>
Param<P> activation_bits() {
    return integer<P>("activation_bits", static_cast<int P::*>(&ServingSetting::activation_bits),
                      {4, 16})
        .unit("bit")
        .help("At 8 or fewer, with weights as narrow, prompts are computed twice as fast.")
        .when(on_roofline<P>);
}

template <std::derived_from<ServingSetting> P>
Param<P> kv_bits() {
    return integer<P>("kv_bits", static_cast<int P::*>(&ServingSetting::kv_bits), {2, 16})
        .label("Cache bits")
        .unit("bit")
        .help("Of keys and values: what attention reads for every token of every context.")
        .when(on_roofline<P>);
}

template <std::derived_from<ServingSetting> P>
Param<P> tensor_parallel() {
    return integer<P>("tensor_parallel", static_cast<int P::*>(&ServingSetting::tensor_parallel),
                      {1, 64, Scale::log2})
        .label("Devices")
        .help("Devices that divide every layer among them.")
        .when(on_roofline<P>);
}

template <std::derived_from<ServingSetting> P>
Param<P> overhead_ms() {
    return real<P>("overhead_ms", static_cast<double P::*>(&ServingSetting::overhead_ms), {0, 100})
        .label("Overhead of a step")
        .unit("ms")
        .help("What a step takes besides its kernels: scheduling, sampling. An assumption.")
        .when(on_roofline<P>);
}

template <std::derived_from<ServingSetting> P>
Param<P> link_gb_s() {
    return real<P>("link_gb_s", static_cast<double P::*>(&ServingSetting::link_gb_s),
                   {0.1, 10000, Scale::log10})
        .label("Link between machines")
        .unit("GB/s")
        .help("Over which the cache of a prompt travels when two machines share the work.")
        .when(on_roofline<P>);
}

template <std::derived_from<ServingSetting> P>
Param<P> lengths() {
    return choice<P>("lengths", static_cast<LengthMix P::*>(&ServingSetting::lengths),
                     length_mix_choices())
        .label("Lengths of")
        .help("Whose prompts and answers the requests are as long as.");
}

template <std::derived_from<ServingSetting> P>
Param<P> pattern() {
    return choice<P>("pattern", static_cast<Pattern P::*>(&ServingSetting::pattern),
                     {{"poisson", "Poisson"}, {"bursty", "bursts"}, {"closed_loop", "closed loop"}})
        .label("Arrivals")
        .help("Independent of each other, in bursts, or from users who wait for each answer.");
}

template <std::derived_from<ServingSetting> P>
Param<P> requests() {
    return integer<P>("requests", static_cast<int P::*>(&ServingSetting::requests),
                      {1, 10000000, Scale::log10, {{10, 10000}}})
        .help("How many are made: more of them steady the percentiles.");
}

template <std::derived_from<ServingSetting> P>
Param<P> rate() {
    return real<P>("rate", static_cast<double P::*>(&ServingSetting::rate),
                   {1e-4, 1e6, Scale::log10, {{0.1, 100}}})
        .label("Arrival rate")
        .unit("1/s")
        .help("Requests a second: beyond what the machine answers, the line grows without end.")
        .when([](const P& p) { return p.pattern != Pattern::closed_loop; });
}

template <std::derived_from<ServingSetting> P>
Param<P> variation() {
    return real<P>("variation", static_cast<double P::*>(&ServingSetting::variation), {0, 20})
        .label("Burstiness")
        .help("Coefficient of variation of the gaps: 1 is Poisson, more comes in bursts.")
        .when([](const P& p) { return p.pattern == Pattern::bursty; });
}

template <std::derived_from<ServingSetting> P>
Param<P> users() {
    return integer<P>("users", static_cast<int P::*>(&ServingSetting::users),
                      {1, 100000, Scale::log2, {{1, 1024}}})
        .help("Who ask, wait for the answer, think and ask again.")
        .when([](const P& p) { return p.pattern == Pattern::closed_loop; });
}

template <std::derived_from<ServingSetting> P>
Param<P> think() {
    return real<P>("think", static_cast<double P::*>(&ServingSetting::think), {0, 3600})
        .label("Time to think")
        .unit("s")
        .help("Between an answer and the next question of a user.")
        .when([](const P& p) { return p.pattern == Pattern::closed_loop; });
}

template <std::derived_from<ServingSetting> P>
Param<P> slo_ttft_ms() {
    return real<P>("slo_ttft_ms", static_cast<double P::*>(&ServingSetting::slo_ttft_ms),
                   {0.01, 1e8, Scale::log10, {{10, 10000}}})
        .label("First token within")
        .unit("ms")
        .help("Answers whose first token comes later do not count as good.");
}

template <std::derived_from<ServingSetting> P>
Param<P> slo_tpot_ms() {
    return real<P>("slo_tpot_ms", static_cast<double P::*>(&ServingSetting::slo_tpot_ms),
                   {0.01, 1e8, Scale::log10, {{1, 1000}}})
        .label("Then a token every")
        .unit("ms")
        .help("Answers that flow more slowly do not count as good.");
}

/// What a step takes, and on which machine: behind "More" in every lab.
template <std::derived_from<ServingSetting> P>
void add_clock(Schema<P>& schema) {
    schema.push_back(step_time<P>().advanced());
    schema.push_back(step_seconds<P>().advanced());
    schema.push_back(model<P>().advanced());
    schema.push_back(device<P>().advanced());
    schema.push_back(weight_bits<P>().advanced());
    schema.push_back(activation_bits<P>().advanced());
    schema.push_back(kv_bits<P>().advanced());
    schema.push_back(tensor_parallel<P>().advanced());
    schema.push_back(overhead_ms<P>().advanced());
}

}  // namespace serving_params
}  // namespace nibble::serving
