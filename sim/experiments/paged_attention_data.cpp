#include "sim/experiments/paged_attention_data.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <numeric>

#include "kernels/attention/ops.hpp"
#include "kernels/measure/spread.hpp"
#include "kernels/processor.hpp"
#include "sim/core/parallel.hpp"
#include "sim/tensor/convert.hpp"

namespace nibble::paged_attention_lab {
namespace {

using kernels::AttentionShape;
using Halves = std::vector<std::uint16_t>;

constexpr auto row = static_cast<std::size_t>(head_dim);

/// Queries and a contiguous cache, (sequences, kv_heads, tokens, head_dim).
struct Cache {
    AttentionShape shape;
    std::size_t tokens;
    std::vector<float> queries;
    Halves keys, values;

    Cache(const Job& job, const Rng& rng)
        : shape{static_cast<std::size_t>(job.batch),
                static_cast<std::size_t>(kv_heads * job.sharing), kv_heads, head_dim},
          tokens(static_cast<std::size_t>(job.context)),
          queries(shape.query_values()) {
        for (std::size_t i = 0; i < queries.size(); ++i) {
            queries[i] = static_cast<float>(rng.stream("queries").normal(i));
        }
        keys = normal_halves(rng.stream("keys"));
        values = normal_halves(rng.stream("values"));
    }

    /// Normal numbers out of a pool: what they are matters to nobody's time.
    Halves normal_halves(const Rng& rng) const {
        Halves pool(std::size_t{1} << 12U);
        for (std::size_t i = 0; i < pool.size(); ++i) {
            pool[i] = float_to_f16(static_cast<float>(rng.normal(i)));
        }
        Halves all(shape.sequences * shape.kv_heads * tokens * row);
        for (std::size_t i = 0; i < all.size(); ++i) {
            all[i] = pool[rng.bits(i) % pool.size()];
        }
        return all;
    }
    std::vector<float> attend(const Halves& k, const Halves& v,
                              const std::vector<std::int32_t>& lengths) const {
        std::vector<float> outputs(shape.query_values());
        kernels::attend(shape, {queries, lengths}, kernels::ContiguousCache{k, v, tokens}, outputs);
        return outputs;
    }
    std::vector<std::int32_t> lengths(int context) const {
        return std::vector<std::int32_t>(shape.sequences, context);
    }
};

/// The same tokens in blocks.
struct Pages {
    const Cache& whole;
    std::size_t block_tokens, columns;
    std::vector<std::int32_t> table;
    Halves keys, values;

    Pages(const Cache& cache, int block_size, Order order, const Rng& rng)
        : whole(cache),
          block_tokens(static_cast<std::size_t>(block_size)),
          columns((cache.tokens + block_tokens - 1) / block_tokens),
          table(cache.shape.sequences * columns) {
        std::iota(table.begin(), table.end(), 0);
        for (std::size_t i = order == Order::shuffled ? table.size() : 0; i > 1; --i) {
            std::swap(table[i - 1], table[rng.below(i, i)]);  // Fisher and Yates 1938
        }
        keys.resize(table.size() * cache.shape.kv_heads * block_tokens * row);
        values.resize(keys.size());
        for_runs([&](std::size_t whole_at, std::size_t block_at, std::size_t count) {
            std::copy_n(&cache.keys[whole_at], count, &keys[block_at]);
            std::copy_n(&cache.values[whole_at], count, &values[block_at]);
        });
    }

    /// f(place in the contiguous cache, place in the blocks, values) for each block and KV head.
    template <class F>
    void for_runs(const F& f) const {
        const std::size_t heads = whole.shape.kv_heads;
        parallel_for(table.size(), 64, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) {
                const std::size_t sequence = i / columns, first = i % columns * block_tokens;
                const std::size_t count = std::min(block_tokens, whole.tokens - first) * row;
                for (std::size_t h = 0; h < heads; ++h) {
                    f(((sequence * heads + h) * whole.tokens + first) * row,
                      (static_cast<std::size_t>(table[i]) * heads + h) * block_tokens * row, count);
                }
            }
        });
    }
    std::vector<float> attend(const std::vector<std::int32_t>& lengths) const {
        std::vector<float> outputs(whole.shape.query_values());
        kernels::attend(
            whole.shape, {whole.queries, lengths},
            kernels::PagedCache{keys, values, table, table.size(), block_tokens, columns}, outputs);
        return outputs;
    }
    /// Copies the blocks into one piece, then reads that: what a kernel must do that knows no
    /// table.
    std::vector<float> gather_and_attend(Halves& k, Halves& v) const {
        for_runs([&](std::size_t whole_at, std::size_t block_at, std::size_t count) {
            std::copy_n(&keys[block_at], count, &k[whole_at]);
            std::copy_n(&values[block_at], count, &v[whole_at]);
        });
        return whole.attend(k, v, whole.lengths(static_cast<int>(whole.tokens)));
    }
};

template <class F>
double seconds(const F& f) {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    f();
    return std::max(std::chrono::duration<double>(Clock::now() - begin).count(), 1e-9);
}

double median(std::vector<double> values) {
    return kernels::spread_of(std::move(values)).median;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double difference = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
        largest = difference <= largest ? largest : difference;  // NaN shows
    }
    return largest;
}

/// The first group of heads of the first sequence, in double.
double error_of(const Cache& c, const std::vector<float>& outputs) {
    double largest = 0;
    for (std::size_t h = 0; h < c.shape.group(); ++h) {
        const float* const q = &c.queries[h * row];
        std::vector<double> logits(c.tokens);
        double top = -INFINITY, weight = 0;
        for (std::size_t t = 0; t < c.tokens; ++t) {
            for (std::size_t i = 0; i < row; ++i) {
                logits[t] += static_cast<double>(q[i]) * f16_to_float(c.keys[t * row + i]);
            }
            logits[t] /= std::sqrt(static_cast<double>(row));
            top = std::max(top, logits[t]);
        }
        std::vector<double> sums(row);
        for (std::size_t t = 0; t < c.tokens; ++t) {
            const double share = std::exp(logits[t] - top);
            weight += share;
            for (std::size_t i = 0; i < row; ++i) {
                sums[i] += share * f16_to_float(c.values[t * row + i]);
            }
        }
        for (std::size_t i = 0; i < row; ++i) {
            largest = std::max(largest, std::fabs(outputs[h * row + i] - sums[i] / weight));
        }
    }
    return largest;
}

/// Repetitions after one that warms up: few of what takes long.
int repetitions(const Job& job, bool preview) {
    constexpr double long_run = 40e6;  // bytes
    return preview || job.cache_bytes() > long_run ? 1 : 3;
}

/// What one call reads is what a token must: the shortest is a few of the stretches that threads
/// share.
std::vector<int> contexts_up_to(int context) {
    std::vector<int> list;
    for (int c = context; c >= 64 && list.size() < 6; c /= 2) {
        list.insert(list.begin(), c);
    }
    return list;
}

SizeTiming time_size(const Cache& cache, const Pages& pages, int repeat, Data& d) {
    const auto lengths = cache.lengths(static_cast<int>(cache.tokens));
    const std::vector<float> whole = cache.attend(cache.keys, cache.values, lengths);
    d.largest_difference =
        std::max(d.largest_difference, largest_difference(whole, pages.attend(lengths)));
    Halves k(cache.keys.size()), v(cache.values.size());
    pages.gather_and_attend(k, v);
    std::vector<double> contiguous, paged, gathered, slowdown;
    for (int r = 0; r < repeat; ++r) {
        contiguous.push_back(seconds([&] { cache.attend(cache.keys, cache.values, lengths); }));
        paged.push_back(seconds([&] { pages.attend(lengths); }));
        gathered.push_back(seconds([&] { pages.gather_and_attend(k, v); }));
        slowdown.push_back(paged.back() / contiguous.back());
    }
    return {static_cast<int>(pages.block_tokens), median(contiguous), median(paged),
            median(gathered), median(slowdown)};
}

std::vector<double> time_contexts(const std::vector<int>& contexts, int repeat,
                                  const std::function<void(int)>& attend) {
    std::vector<double> medians;
    for (const int context : contexts) {
        attend(context);
        std::vector<double> all;
        for (int r = 0; r < repeat; ++r) {
            all.push_back(seconds([&] { attend(context); }));
        }
        medians.push_back(median(all));
    }
    return medians;
}

}  // namespace

std::size_t Data::nearest_size(int block_size) const {
    const auto distance = [block_size](const SizeTiming& s) {
        return std::fabs(std::log2(s.block_size) - std::log2(block_size));
    };
    const auto found = std::min_element(
        sizes.begin(), sizes.end(),
        [&](const SizeTiming& a, const SizeTiming& b) { return distance(a) < distance(b); });
    return static_cast<std::size_t>(found - sizes.begin());
}

Data measure(const Job& job, const RunContext& context) {
    Data d;
    d.asked = d.measured = job;
    if (context.preview) {
        d.measured.context = std::min(job.context, 256);
        d.measured.batch = 1;
    }
    const std::function<std::vector<std::vector<RungCount>>()> count = [&] {
        return count_rungs(context);
    };
    d.rungs = *context.memo<std::vector<std::vector<RungCount>>>(
        "paged-attention-rungs", count,
        [](const std::vector<std::vector<RungCount>>&) { return std::size_t{1} << 14U; });
    d.recorded = recorded_attention();
    d.where = fmt::format("{}, {}, {} thread{}", kernels::processor_name(),
                          kernels::instruction_set(), threads(), threads() == 1 ? "" : "s");
    const Rng rng = context.rng("paged-attention");
    const Cache cache(d.measured, rng);
    const int repeat = repetitions(d.measured, context.preview);
    d.error =
        error_of(cache, cache.attend(cache.keys, cache.values, cache.lengths(d.measured.context)));
    d.contexts = contexts_up_to(d.measured.context);
    d.contiguous = time_contexts(d.contexts, repeat, [&](int c) {
        cache.attend(cache.keys, cache.values, cache.lengths(c));
    });
    for (std::size_t i = 0; i < block_sizes.size(); ++i) {
        context.check();
        const Pages pages(cache, block_sizes[i], job.order, rng.stream("table"));
        d.sizes.push_back(time_size(cache, pages, repeat, d));
        d.paged.push_back(
            time_contexts(d.contexts, repeat, [&](int c) { pages.attend(cache.lengths(c)); }));
        context.progress(static_cast<double>(i + 1) / static_cast<double>(block_sizes.size()));
        context.publish(d);
    }
    return d;
}

}  // namespace nibble::paged_attention_lab
