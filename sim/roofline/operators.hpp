// What a step of a transformer does, operator by operator: FLOP, and bytes read and written, of one
// layer on one device.
//
// A multiply-add is 2 FLOP. A linear layer of `in` inputs and `out` outputs on T tokens does
// 2 T in out FLOP, reads in out weights and T in activations, and writes T out activations; keys
// and values are written to the cache instead. Attention does 4 heads head_dim FLOP for each pair
// of a query and a key it attends to, and reads the cache once (Dao et al. 2022): its queries and
// results are counted where a linear layer writes and reads them. The head runs on the last
// position of each sequence only.
//
// Tensor parallelism over n devices (Shoeybi et al. 2019) divides heads, inner width and vocabulary
// by n, keeps ceil(kv_heads / n) heads of the cache, and adds two all-reduces a layer.
//
// Left out, because they are small: norms, activation functions, rotations, residual additions,
// the embedding's look-up, softmax.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "sim/core/units.hpp"
#include "sim/roofline/model_shape.hpp"

namespace nibble {

/// Bits of what is stored, and what a group of elements shares: a 16-bit scale, and for the cache a
/// zero point as long. A group of 0 stores no scales.
struct Precision {
    double weight_bits = 16, activation_bits = 16, kv_bits = 16;
    std::int64_t weight_group = 0, kv_group = 0;

    double scale_bits_per_weight() const { return weight_group ? 16.0 / double(weight_group) : 0; }
    double kv_bits_with_scales() const {
        return kv_bits + (kv_group ? 32.0 / double(kv_group) : 0);
    }
    /// Both operands of a product fit the 8-bit matrix units.
    bool is_eight_bit() const { return weight_bits <= 8 && activation_bits <= 8; }
    /// Weights are widened to the activations' format before they are multiplied.
    bool is_weight_only() const { return weight_bits <= 8 && !is_eight_bit(); }
};

enum class Phase {
    prefill,  // the whole prompt at once
    chunk,    // the last `chunk` tokens of a context, the rest being cached
    decode,   // one token a sequence
};

/// One step. `context` counts the new tokens too.
struct Workload {
    Phase phase = Phase::decode;
    std::int64_t batch = 1, context = 4096, chunk = 512;
    std::int64_t tensor_parallel = 1;
    Precision precision = {};

    /// New tokens of each sequence.
    std::int64_t fresh() const {
        return phase == Phase::decode    ? 1
               : phase == Phase::prefill ? context
                                         : std::min(chunk, context);
    }
};

enum class Op : std::uint8_t {
    q_proj,
    k_proj,
    v_proj,
    q_a_proj,   // latent attention: into the small query space
    q_b_proj,   // and out of it
    kv_a_proj,  // what the cache keeps
    kv_b_proj,  // expanded, or in decoding folded into queries and results: the same FLOP
    o_proj,
    gate_proj,
    up_proj,
    down_proj,
    router,
    expert_gate_proj,
    expert_up_proj,
    expert_down_proj,
    shared_gate_proj,
    shared_up_proj,
    shared_down_proj,
    attention,
    attention_window,  // where some layers see a window and others everything
    all_reduce,        // the two of a layer
    lm_head,
};
std::string_view name(Op op);

/// One layer's share on one device. `count` layers have it.
struct Operator {
    Op op = Op::q_proj;
    std::int64_t count = 0;
    Flops flops = {};
    Bytes weights = {};  // without scales
    Bytes scales = {};
    Bytes activations = {};  // read and written
    Bytes kv_read = {}, kv_write = {};
    Bytes link = {};                 // sent to other devices
    double tokens = 0;               // the rows of the product; 0 for what is none
    double inputs = 0, outputs = 0;  // its other sides, on this device
    double matrices = 1;             // weight matrices that are read: experts in use

    Bytes bytes() const { return weights + scales + activations + kv_read + kv_write; }
    bool is_linear() const { return inputs > 0; }
    bool is_attention() const { return op == Op::attention || op == Op::attention_window; }
};

/// At most one operator of each kind, without a heap allocation: sweeps make millions.
class Operators {
public:
    const Operator* begin() const { return list_.data(); }
    const Operator* end() const { return list_.data() + size_; }
    std::size_t size() const { return size_; }
    /// Null when there is none.
    const Operator* find(Op op) const;
    Operator& add(const Operator& o) { return list_[size_++] = o; }

private:
    std::array<Operator, static_cast<std::size_t>(Op::lm_head) + 1> list_;
    std::size_t size_ = 0;
};

/// Throws Error::bad_param when the heads cannot be divided over the devices.
Operators operators(const ModelShape& model, const Workload& load);

/// Pairs of a query and a key in causal attention: `fresh` queries at the end of `context` tokens,
/// each seeing at most `window` keys (0: all before it, itself included).
double attended_pairs(std::int64_t fresh, std::int64_t context, std::int64_t window);

/// Experts that at least one of `tokens` uses when each chooses `active` at random, on average:
/// count (1 - (1 - active / count)^tokens).
double experts_in_use(const Experts& experts, double tokens);

}  // namespace nibble
