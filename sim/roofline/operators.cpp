#include "sim/roofline/operators.hpp"

#include <cmath>
#include <fmt/format.h>

#include "sim/core/arithmetic.hpp"
#include "sim/core/error.hpp"

namespace nibble {
namespace {

/// Collects the operators of one step.
class Inventory {
public:
    Inventory(const ModelShape& m, const Workload& w) : m_(m), w_(w), p_(w.precision) {
        n_ = w.tensor_parallel;
        tokens_ = static_cast<double>(w.batch) * static_cast<double>(w.fresh());
        heads_ = m.heads / n_;
        kv_heads_ = ceil_div(m.kv_heads, n_);
    }

    Operators all() {
        const std::int64_t windowed = m_.windowed_layers(), full = m_.layers - windowed;
        m_.latent ? latent_projections(*m_.latent) : projections();
        feed_forward();
        if (windowed > 0) {
            attention(full > 0 ? Op::attention_window : Op::attention, windowed, m_.window);
        }
        if (full > 0) {
            attention(Op::attention, full, 0);
        }
        if (n_ > 1) {
            all_reduces();
        }
        linear(Op::lm_head, 1, static_cast<double>(w_.batch), m_.hidden, ceil_div(m_.vocab, n_));
        return list_;
    }

private:
    double weight_bytes(double elements) const { return elements * p_.weight_bits / 8; }
    Bytes activation_bytes(double elements) const { return {elements * p_.activation_bits / 8}; }

    Operator& linear(Op op, std::int64_t count, double tokens, std::int64_t in, std::int64_t out,
                     double matrices = 1) {
        const auto inputs = static_cast<double>(in), outputs = static_cast<double>(out);
        const double weights = inputs * outputs * matrices;
        Operator o;
        o.op = op;
        o.count = count;
        o.flops = {2 * tokens * inputs * outputs};
        o.weights = {weight_bytes(weights)};
        o.scales = {weights * p_.scale_bits_per_weight() / 8};
        o.activations = activation_bytes(tokens * (inputs + outputs));
        o.tokens = tokens;
        o.inputs = inputs;
        o.outputs = outputs;
        o.matrices = matrices;
        return list_.add(o);
    }

    /// A projection whose result goes into the cache.
    void cached(Op op, std::int64_t in, std::int64_t out) {
        Operator& o = linear(op, m_.layers, tokens_, in, out);
        o.activations = activation_bytes(tokens_ * o.inputs);
        o.kv_write = {tokens_ * o.outputs * p_.kv_bits_with_scales() / 8};
    }

    void projections() {
        linear(Op::q_proj, m_.layers, tokens_, m_.hidden, heads_ * m_.head_dim);
        cached(Op::k_proj, m_.hidden, kv_heads_ * m_.head_dim);
        cached(Op::v_proj, m_.hidden, kv_heads_ * m_.head_dim);
        linear(Op::o_proj, m_.layers, tokens_, heads_ * m_.head_dim, m_.hidden);
    }

    void latent_projections(const LatentAttention& a) {
        const std::int64_t queries = heads_ * (a.head_dim + a.rotary);
        if (a.query_rank > 0) {
            linear(Op::q_a_proj, m_.layers, tokens_, m_.hidden, a.query_rank);
            linear(Op::q_b_proj, m_.layers, tokens_, a.query_rank, queries);
        } else {
            linear(Op::q_proj, m_.layers, tokens_, m_.hidden, queries);
        }
        cached(Op::kv_a_proj, m_.hidden, a.cached());
        linear(Op::kv_b_proj, m_.layers, tokens_, a.rank, heads_ * (a.head_dim + a.value_dim));
        linear(Op::o_proj, m_.layers, tokens_, heads_ * a.value_dim, m_.hidden);
    }

    void gated(Op gate, Op up, Op down, std::int64_t count, double tokens, std::int64_t inner,
               double matrices) {
        const std::int64_t width = ceil_div(inner, n_);
        if (m_.gated) {
            linear(gate, count, tokens, m_.hidden, width, matrices);
        }
        linear(up, count, tokens, m_.hidden, width, matrices);
        linear(down, count, tokens, width, m_.hidden, matrices);
    }

    void feed_forward() {
        const std::int64_t sparse = m_.expert_layers(), dense = m_.layers - sparse;
        if (dense > 0) {
            gated(Op::gate_proj, Op::up_proj, Op::down_proj, dense, tokens_, m_.inner, 1);
        }
        if (sparse > 0) {
            const Experts& e = *m_.experts;
            linear(Op::router, sparse, tokens_, m_.hidden, e.count);
            gated(Op::expert_gate_proj, Op::expert_up_proj, Op::expert_down_proj, sparse,
                  tokens_ * static_cast<double>(e.active), e.inner, experts_in_use(e, tokens_));
            if (e.shared > 0) {
                gated(Op::shared_gate_proj, Op::shared_up_proj, Op::shared_down_proj, sparse,
                      tokens_, e.inner * e.shared, 1);
            }
        }
    }

    void attention(Op op, std::int64_t count, std::int64_t window) {
        const auto batch = static_cast<double>(w_.batch), heads = static_cast<double>(heads_);
        const double pairs = batch * attended_pairs(w_.fresh(), w_.context, window);
        // A window of w keys for the first of the new tokens reaches back w - 1 before it.
        const std::int64_t reach =
            window ? std::min(w_.context, window + w_.fresh() - 1) : w_.context;
        double per_pair = 4 * static_cast<double>(m_.head_dim);
        double cached = 2 * static_cast<double>(kv_heads_ * m_.head_dim);
        if (m_.latent) {
            const LatentAttention& a = *m_.latent;
            // Decoding compares and sums in the cached space; a prompt is expanded first.
            per_pair = static_cast<double>(w_.phase == Phase::decode
                                               ? 2 * a.cached() + 2 * a.rank
                                               : 2 * (a.head_dim + a.rotary) + 2 * a.value_dim);
            cached = static_cast<double>(a.cached());
        }
        Operator o;
        o.op = op;
        o.count = count;
        o.flops = {per_pair * heads * pairs};
        o.kv_read = {batch * static_cast<double>(reach) * cached * p_.kv_bits_with_scales() / 8};
        o.tokens = tokens_;
        list_.add(o);
    }

    void all_reduces() {
        const auto n = static_cast<double>(n_);
        Operator o;
        o.op = Op::all_reduce;
        o.count = m_.layers;
        o.link = 2 * (2 * (n - 1) / n) * activation_bytes(tokens_ * static_cast<double>(m_.hidden));
        list_.add(o);
    }

    const ModelShape& m_;
    const Workload& w_;
    const Precision& p_;
    std::int64_t n_, heads_, kv_heads_;
    double tokens_;
    Operators list_;
};

}  // namespace

std::string_view name(Op op) {
    static constexpr std::string_view names[] = {
        "q_proj",           "k_proj",           "v_proj",           "q_a_proj",
        "q_b_proj",         "kv_a_proj",        "kv_b_proj",        "o_proj",
        "gate_proj",        "up_proj",          "down_proj",        "router",
        "expert_gate_proj", "expert_up_proj",   "expert_down_proj", "shared_gate_proj",
        "shared_up_proj",   "shared_down_proj", "attention",        "attention_window",
        "all_reduce",       "lm_head"};
    return names[static_cast<int>(op)];
}

const Operator* Operators::find(Op op) const {
    for (const Operator& o : *this) {
        if (o.op == op) {
            return &o;
        }
    }
    return nullptr;
}

Operators operators(const ModelShape& model, const Workload& load) {
    if (load.tensor_parallel < 1 || model.heads % load.tensor_parallel != 0) {
        throw Error(Error::Code::bad_param,
                    fmt::format("tensor_parallel = {}: the {} heads of {} cannot be divided so",
                                load.tensor_parallel, model.heads, model.name),
                    fmt::format("take a divisor of {}", model.heads));
    }
    return Inventory(model, load).all();
}

double attended_pairs(std::int64_t fresh, std::int64_t context, std::int64_t window) {
    // Query i of the context (from 1) sees min(i, window) keys.
    const auto sum_to = [window](std::int64_t last) {
        const auto n = static_cast<double>(last);
        if (window == 0 || last <= window) {
            return n * (n + 1) / 2;
        }
        const auto w = static_cast<double>(window);
        return w * (w + 1) / 2 + (n - w) * w;
    };
    return sum_to(context) - sum_to(context - fresh);
}

double experts_in_use(const Experts& experts, double tokens) {
    const auto count = static_cast<double>(experts.count),
               active = static_cast<double>(experts.active);
    return tokens == 1 ? active : count * (1 - std::pow(1 - active / count, tokens));
}

}  // namespace nibble
