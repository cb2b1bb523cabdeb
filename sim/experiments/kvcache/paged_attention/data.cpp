#include "sim/experiments/kvcache/paged_attention/data.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <span>

#include "kernels/attention/ops.hpp"
#include "kernels/device.hpp"
#include "kernels/formats/float_format.hpp"
#include "kernels/measure/spread.hpp"
#include "kernels/measure/thread_clock.hpp"
#include "kernels/processor.hpp"

namespace nibble::paged_attention_lab {
namespace {

using kernels::AttentionShape;
using Halves = std::span<const std::uint16_t>;
using Lengths = std::vector<std::int32_t>;

constexpr auto row = static_cast<std::size_t>(head_dim);

/// Halves on lines of the cache, as a serving system has them: a row that straddles one more line
/// would make small blocks dearer than they are.
struct Room {
    kernels::DeviceArray<std::uint16_t> memory;

    explicit Room(std::size_t count) : memory(kernels::device(kernels::Machine::cpu), count) {}
    std::span<std::uint16_t> span() { return {memory.data(), memory.size()}; }
    Halves span() const { return {memory.data(), memory.size()}; }
};

/// Queries, and keys and values with room for whole blocks of any size. Read as one piece they are
/// (sequences, kv_heads, room, head_dim), through a table (blocks, kv_heads, block, head_dim): the
/// same memory, so that no layout finds more of it in the caches than the other.
struct Cache {
    AttentionShape shape;
    std::size_t tokens, room;
    std::vector<float> queries;
    Room keys, values;

    Cache(const Job& job, const Rng& rng)
        : shape{static_cast<std::size_t>(job.batch),
                static_cast<std::size_t>(kv_heads * job.sharing), kv_heads, head_dim},
          tokens(static_cast<std::size_t>(job.context)),
          room((tokens + 255) / 256 * 256),
          queries(shape.query_values()),
          keys(size()),
          values(size()) {
        for (std::size_t i = 0; i < queries.size(); ++i) {
            queries[i] = static_cast<float>(rng.stream("queries").normal(i));
        }
        fill(rng.stream("keys"), keys.span());
        fill(rng.stream("values"), values.span());
    }

    std::size_t size() const { return shape.sequences * shape.kv_heads * room * row; }
    Lengths lengths(int context) const { return Lengths(shape.sequences, context); }
    Lengths lengths() const { return lengths(static_cast<int>(tokens)); }

    /// Normal numbers out of a pool: which, matters to nobody's time.
    static void fill(const Rng& rng, std::span<std::uint16_t> all) {
        std::vector<std::uint16_t> pool(std::size_t{1} << 12U);
        for (std::size_t i = 0; i < pool.size(); ++i) {
            pool[i] = formats::float_to_f16(static_cast<float>(rng.normal(i)));
        }
        for (std::size_t i = 0; i < all.size(); ++i) {
            all[i] = pool[rng.bits(i) % pool.size()];
        }
    }
    std::vector<float> attend(Halves k, Halves v, const Lengths& lengths) const {
        std::vector<float> outputs(shape.query_values());
        kernels::attend(shape, {queries, lengths}, kernels::ContiguousCache{k, v, room}, outputs);
        return outputs;
    }
    std::vector<float> attend(const Lengths& lengths) const {
        return attend(keys.span(), values.span(), lengths);
    }
};

/// The cache as blocks in some order.
struct Pages {
    const Cache& cache;
    std::size_t block_tokens, columns;
    std::vector<std::int32_t> table;

    Pages(const Cache& of, int block_size, Order order, const Rng& rng)
        : cache(of),
          block_tokens(static_cast<std::size_t>(block_size)),
          columns(of.room / block_tokens),
          table(of.shape.sequences * columns) {
        std::iota(table.begin(), table.end(), 0);
        for (std::size_t i = order == Order::shuffled ? table.size() : 0; i > 1; --i) {
            std::swap(table[i - 1], table[rng.below(i, i)]);  // Fisher and Yates 1938
        }
    }

    std::vector<float> attend(const Lengths& lengths) const {
        std::vector<float> outputs(cache.shape.query_values());
        kernels::attend(cache.shape, {cache.queries, lengths},
                        kernels::PagedCache{cache.keys.span(), cache.values.span(), table,
                                            table.size(), block_tokens, columns},
                        outputs);
        return outputs;
    }
    /// Copies the blocks into one piece, then reads that: what a kernel must do that knows no
    /// table.
    std::vector<float> gather_and_attend(Room& k, Room& v) const {
        const std::size_t heads = cache.shape.kv_heads, run = block_tokens * row;
        for (std::size_t i = 0; i < table.size(); ++i) {
            const std::size_t sequence = i / columns, first = i % columns * block_tokens;
            for (std::size_t h = 0; h < heads; ++h) {
                const std::size_t from = (static_cast<std::size_t>(table[i]) * heads + h) * run;
                const std::size_t to = ((sequence * heads + h) * cache.room + first) * row;
                std::copy_n(&cache.keys.span()[from], run, &k.span()[to]);
                std::copy_n(&cache.values.span()[from], run, &v.span()[to]);
            }
        }
        return cache.attend(k.span(), v.span(), cache.lengths());
    }
};

template <class F>
double seconds(const F& f) {
    return std::max(kernels::seconds_on_this_thread([&] { f(); }), 1e-9);
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
    const Halves keys = c.keys.span(), values = c.values.span();
    double largest = 0;
    for (std::size_t h = 0; h < c.shape.group(); ++h) {
        const float* const q = &c.queries[h * row];
        std::vector<double> logits(c.tokens);
        double top = -INFINITY, weight = 0;
        for (std::size_t t = 0; t < c.tokens; ++t) {
            for (std::size_t i = 0; i < row; ++i) {
                logits[t] +=
                    static_cast<double>(q[i]) * formats::to_float<formats::fp16>(keys[t * row + i]);
            }
            logits[t] /= std::sqrt(static_cast<double>(row));
            top = std::max(top, logits[t]);
        }
        std::vector<double> sums(row);
        for (std::size_t t = 0; t < c.tokens; ++t) {
            const double share = std::exp(logits[t] - top);
            weight += share;
            for (std::size_t i = 0; i < row; ++i) {
                sums[i] += share * formats::to_float<formats::fp16>(values[t * row + i]);
            }
        }
        for (std::size_t i = 0; i < row; ++i) {
            largest = std::max(largest, std::fabs(outputs[h * row + i] - sums[i] / weight));
        }
    }
    return largest;
}

/// Repetitions after one that warms up: fewer of what takes long.
int repetitions(const Job& job, bool preview) {
    constexpr double long_run = 40e6;  // bytes
    return preview || job.cache_bytes() > long_run ? 1 : 3;
}

/// Halved five times, down to 64.
std::vector<int> contexts_up_to(int context) {
    std::vector<int> list;
    for (int c = context; c >= 64 && list.size() < 6; c /= 2) {
        list.insert(list.begin(), c);
    }
    return list;
}

SizeTiming time_size(const Cache& cache, const Pages& pages, int repeat, Data& d) {
    const Lengths lengths = cache.lengths();
    Room k(cache.size()), v(cache.size());
    d.largest_difference =
        std::max(d.largest_difference,
                 largest_difference(pages.attend(lengths), pages.gather_and_attend(k, v)));
    std::vector<double> contiguous, paged, slowdown;
    for (int r = 0; r < repeat; ++r) {
        contiguous.push_back(seconds([&] { cache.attend(lengths); }));
        paged.push_back(seconds([&] { pages.attend(lengths); }));
        slowdown.push_back(paged.back() / contiguous.back());
    }
    const double gathered = seconds([&] { pages.gather_and_attend(k, v); });
    return {static_cast<int>(pages.block_tokens), median(contiguous), median(paged), gathered,
            median(slowdown)};
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

void time_all(Data& d, const RunContext& context) {
    const Rng rng = context.rng("paged-attention");
    const Cache cache(d.measured, rng);
    const int repeat = repetitions(d.measured, context.preview);
    d.error = error_of(cache, cache.attend(cache.lengths()));
    d.contexts = contexts_up_to(d.measured.context);
    d.contiguous =
        time_contexts(d.contexts, repeat, [&](int c) { cache.attend(cache.lengths(c)); });
    for (std::size_t i = 0; i < block_sizes.size(); ++i) {
        context.check();
        const Pages pages(cache, block_sizes[i], d.asked.order, rng.stream("table"));
        d.sizes.push_back(time_size(cache, pages, repeat, d));
        d.paged.push_back(
            time_contexts(d.contexts, repeat, [&](int c) { pages.attend(cache.lengths(c)); }));
        context.progress(static_cast<double>(i + 1) / static_cast<double>(block_sizes.size()));
        context.publish(d);
    }
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
    d.where =
        fmt::format("{}, {}, 1 thread", kernels::processor_name(), kernels::instruction_set());
    time_all(d, context);
    return d;
}

}  // namespace nibble::paged_attention_lab
