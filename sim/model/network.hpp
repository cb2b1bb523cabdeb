// The Llama network: logits of whole sequences, one token at a time with a cache, losses,
// gradients.
//
// A batch is any number of sequences of any lengths; their tokens are rows of one matrix, without
// padding. Hooks see, and may change, what flows into linear layers and into the cache.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "sim/model/attention.hpp"
#include "sim/model/weights.hpp"

namespace nibble {

using TokenIds = std::vector<std::int32_t>;

/// The inputs that linear layers share: q, k, v read one, gate and up another.
enum class Site : std::uint8_t { attention_in, attention_out, mlp_in, mlp_out, head_in };
std::string_view name(Site site);
/// Where the input of a linear layer can be seen.
Site site_of(Linear kind);

/// What may be watched or changed on the way. An empty function costs nothing.
template <class S>
struct Hooks {
    /// The input of a site's linear layers, (rows, width): capture it, or replace its values.
    std::function<void(Index layer, Site, View<S> input)> on_input = {};
    /// Keys (rotated) and values of the new positions of one sequence, before anything reads them.
    std::function<void(Index layer, Index sequence, View<S> keys, View<S> values)> on_cache = {};
    /// Probabilities of one head of one sequence, (queries, keys), zero where a query cannot look.
    std::function<void(Index layer, Index sequence, Index head, View<const S>)> on_attention = {};
    /// Stop after this layer's inputs have been seen; -1 runs to the end.
    Index last_layer = -1;
};

/// Keys and values of the positions so far of one sequence: (layer, position, kv_head, head_dim).
template <class S>
class KvCache {
public:
    explicit KvCache(const ModelConfig& config);

    Index length() const { return length_; }
    /// Forgets the positions from `length` on (a rejected draft).
    void truncate(Index length);
    /// Of the positions from `first` on, keeps those first + rows[0], first + rows[1], ..., which
    /// increase: the accepted path of a tree.
    void keep(Index first, std::span<const Index> rows);
    View<S> keys(Index layer);
    View<S> values(Index layer);
    std::size_t bytes() const;

private:
    template <class T>
    friend Matrix<T> extend(const Model<T>&, KvCache<T>&, std::span<const std::int32_t>,
                            const Hooks<T>&);
    template <class T>
    friend Matrix<T> extend_tree(const Model<T>&, KvCache<T>&, std::span<const std::int32_t>,
                                 std::span<const Index>);
    void grow(Index positions);

    Index layers_, width_, length_ = 0, capacity_ = 0;
    std::vector<Matrix<S>> keys_, values_;  // by layer, (capacity, kv_heads * head_dim)
};

/// Throws Error::bad_param for an id outside the vocabulary, or when there is none at all.
void check_tokens(const ModelConfig& config, std::span<const std::int32_t> ids);

/// Logits of every position of every sequence, (tokens in all, vocab).
template <class S>
Matrix<S> logits(const Model<S>& model, std::span<const TokenIds> batch,
                 const Hooks<S>& hooks = {});

/// Runs the layers only, for what the hooks see.
template <class S>
void run(const Model<S>& model, std::span<const TokenIds> batch, const Hooks<S>& hooks);

/// Appends `ids` to the sequence in `cache`; logits of their positions, (ids, vocab). With a single
/// id every weight is read once. For whole prompts and single tokens alike.
template <class S>
Matrix<S> extend(const Model<S>& model, KvCache<S>& cache, std::span<const std::int32_t> ids,
                 const Hooks<S>& hooks = {});

/// Appends drafted tokens that may share beginnings, in one pass: token i follows token parents[i],
/// an earlier one, or the sequence in `cache` when that is -1, and sees the sequence and its own
/// ancestors only (the tree attention of Miao et al. 2024); its position is one after its parent's.
/// A chain has the parents -1, 0, 1, ... KvCache::keep() afterwards leaves the path that is
/// accepted. Logits after each token, (ids, vocab), have the bits that extend() gives for one token
/// at a time; for rows of 16 bytes times n, which Eigen sums in the same order wherever they lie.
/// Throws Error::bad_param as check_tokens() does and for a parent that is not earlier.
template <class S>
Matrix<S> extend_tree(const Model<S>& model, KvCache<S>& cache, std::span<const std::int32_t> ids,
                      std::span<const Index> parents);

/// Negative log-likelihood of every token but the first of each sequence, in order.
template <class S>
std::vector<S> token_losses(const Model<S>& model, std::span<const TokenIds> batch,
                            const Hooks<S>& hooks = {});

/// Buffers of a training step, kept from step to step.
template <class S>
struct TrainingBuffers;

template <class S>
class Trainee {
public:
    Trainee();
    ~Trainee();
    Trainee(const Trainee&) = delete;
    Trainee& operator=(const Trainee&) = delete;

    /// Mean loss over the predicted tokens of the batch; its gradient, in the order of
    /// parameters_of(), replaces `gradient`. The model may hold other weights than those being
    /// trained (quantized ones: the straight-through estimator).
    S loss_and_gradient(const Model<S>& model, std::span<const TokenIds> batch,
                        std::span<S> gradient);

private:
    std::unique_ptr<TrainingBuffers<S>> buffers_;
};

}  // namespace nibble
