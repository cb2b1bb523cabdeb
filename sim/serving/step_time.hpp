// How long a step takes: a constant, or what the roofline says of the tokens in it.
//
// A step of continuous batching mixes prompts and single tokens. Its linear layers see one batch of
// T new tokens; its head sees one position of each sequence; attention runs over the sequences that
// decode and over the pieces of prompts, each summed up on its own:
//
//   step = linear(T) + head(sequences) + decode(sum of contexts) + prefill(pairs, sum of contexts)
//
// linear and head come from a table (between its nodes a straight line, which they nearly are), and
// attention is linear or a maximum of two linear terms, so a step costs some nanoseconds instead of
// a walk over the operators of a model.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "sim/roofline/calibration.hpp"
#include "sim/roofline/roofline.hpp"

namespace nibble::serving {

/// What a step computes, summed over its sequences. A context counts the new tokens too. Windowed
/// sums are those of a layer that sees `window` keys, and the same as the others where none does.
struct StepLoad {
    std::int64_t tokens = 0;        // new ones, of all sequences
    std::int64_t sequences = 0;     // that yield a token: their last position goes through the head
    std::int64_t decode_keys = 0;   // contexts of sequences with one new token
    std::int64_t prefill_keys = 0;  // contexts of the others
    double prefill_pairs = 0;       // of their queries and the keys before them
    std::int64_t windowed_decode_keys = 0, windowed_prefill_keys = 0;
    double windowed_pairs = 0;
    std::int64_t swapped = 0;  // tokens moved to or from the host's memory

    void add(std::int64_t fresh, std::int64_t context, bool yields, std::int64_t window) {
        tokens += fresh;
        sequences += yields;
        if (fresh == 1) {
            decode_keys += context;
            windowed_decode_keys += window ? std::min(context, window) : context;
            return;
        }
        prefill_keys += context;
        prefill_pairs += attended_pairs(fresh, context, 0);
        windowed_prefill_keys += window ? std::min(context, window + fresh - 1) : context;
        windowed_pairs += attended_pairs(fresh, context, window);
    }
};

class StepTime {
public:
    /// Every step alike. Such a clock ticks: an idle machine starts at a multiple of `seconds`.
    static StepTime constant(double seconds);

    struct Roofline {
        ModelShape model;
        Machine machine;
        Precision precision = {};
        std::int64_t tensor_parallel = 1;
        std::int64_t most_tokens = 8192;           // of one step; beyond, the last slope goes on
        const Calibration* calibration = nullptr;  // null: the ideal roof
        double overhead = 0;                       // seconds a step besides
        /// Of steps in which no prompt is read: what speculative decoding makes of them.
        double decode_speed_up = 1;
        double host_bandwidth = 25e9;  // bytes/s to the host's memory, where swapped blocks go
    };
    /// Throws Error::bad_param when the model does not divide over the devices or the calibration
    /// has not measured this precision.
    explicit StepTime(const Roofline& roofline);

    double seconds(const StepLoad& load) const {
        if (is_constant_) {
            return constant_;
        }
        double sum = overhead_ + linear_.at(load.tokens) + head_.at(load.sequences) +
                     static_cast<double>(load.swapped) * swap_per_token_;
        if (load.decode_keys > 0) {
            const auto keys = static_cast<double>(load.decode_keys),
                       windowed = static_cast<double>(load.windowed_decode_keys);
            sum += decode_.full.at(keys, keys) + decode_.windowed.at(windowed, windowed);
        }
        if (load.prefill_keys == 0) {
            sum /= decode_speed_up_;
        } else {
            sum += prefill_.full.at(load.prefill_pairs, static_cast<double>(load.prefill_keys)) +
                   prefill_.windowed.at(load.windowed_pairs,
                                        static_cast<double>(load.windowed_prefill_keys));
        }
        return sum;
    }

    bool is_constant() const { return is_constant_; }
    /// Keys that a windowed layer sees of a context; 0: no layer has a window.
    std::int64_t window() const { return window_; }
    /// Moving the cache of a token between this machine and another over `bytes_per_second`.
    double transfer_per_token(double bytes_per_second) const {
        return kv_bytes_per_token_ / bytes_per_second;
    }

private:
    StepTime() = default;

    /// Nodes at every count up to `dense`, then in steps that grow by a 64th.
    class Curve {
    public:
        Curve() = default;
        template <class F>
        Curve(std::int64_t most, const F& seconds_of) {
            values_.reserve(512);
            for (std::int64_t n = 0; n <= most || values_.size() < 2; n = next_node(n)) {
                nodes_.push_back(n);
                values_.push_back(n == 0 ? 0 : seconds_of(n));
            }
        }
        double at(std::int64_t n) const {
            if (n <= dense && n < static_cast<std::int64_t>(values_.size())) {
                return values_[static_cast<std::size_t>(n)];
            }
            const auto after = std::upper_bound(nodes_.begin() + 1, nodes_.end() - 1, n);
            const auto i = static_cast<std::size_t>(after - nodes_.begin());
            const double share = static_cast<double>(n - nodes_[i - 1]) /
                                 static_cast<double>(nodes_[i] - nodes_[i - 1]);
            return values_[i - 1] + share * (values_[i] - values_[i - 1]);
        }

    private:
        static constexpr std::int64_t dense = 256;
        static std::int64_t next_node(std::int64_t n) { return n < dense ? n + 1 : n + n / 64; }
        std::vector<std::int64_t> nodes_;
        std::vector<double> values_;
    };

    /// One attention kernel in all layers: the slower of arithmetic and traffic on the ideal roof,
    /// the root of their squares on a calibrated one.
    struct Attention {
        double fixed = 0, per_pair = 0, per_key = 0;
        bool rounded = false;

        double at(double pairs, double keys) const {
            const double compute = pairs * per_pair, memory = keys * per_key;
            return fixed + (rounded ? std::sqrt(compute * compute + memory * memory)
                                    : std::max(compute, memory));
        }
    };
    struct Layers {
        Attention full, windowed;  // costing nothing where there are none
    };
    static Attention attention_of(const Roofline& r, Phase phase, Op op);
    static Layers layers_of(const Roofline& r, Phase phase);

    bool is_constant_ = false;
    double decode_speed_up_ = 1;
    double constant_ = 0, overhead_ = 0, swap_per_token_ = 0, kv_bytes_per_token_ = 0;
    std::int64_t window_ = 0;
    Curve linear_, head_;
    Layers decode_, prefill_;
};

}  // namespace nibble::serving
