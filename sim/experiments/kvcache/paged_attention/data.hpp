// What the paged-attention lab does: one layer of decode attention over the same tokens in one
// piece and in blocks, timed beside each other on this machine and compared bit by bit; and what
// the GPU kernels ask of memory for either, counted on the emulator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/experiment.hpp"

namespace nibble::paged_attention_lab {

/// Powers of two, as allocators have them.
inline const std::vector<int> block_sizes = {1, 2, 4, 8, 16, 32, 64, 128, 256};

/// The heads of one layer of Llama 3 8B, but for how many queries share a KV head.
inline constexpr int kv_heads = 8, head_dim = 128;
/// Bytes of keys and values a token, in FP16.
inline constexpr double token_bytes = 2.0 * kv_heads * head_dim * 2;

enum class Order { shuffled, in_order };

struct Job {
    int context = 4096, batch = 1, sharing = 4;
    Order order = Order::shuffled;

    double cache_bytes() const { return token_bytes * context * batch; }
};

/// Medians over repetitions (one of `gathered`), in seconds of one thread's own clock: layouts are
/// compared, and what else the machine does disturbs least. `slowdown` is the median of paged over
/// contiguous in the same repetition.
struct SizeTiming {
    int block_size = 1;
    double contiguous = 0, paged = 0, gathered = 0, slowdown = 1;
};

/// The sectors of 32 bytes that one rung asks of the cache, a token.
struct RungCount {
    std::string rung, teaches;
    double contiguous = 0;        // keys and values in one piece
    double cache = 0, table = 0;  // keys and values in blocks, and the block table
    double contiguous_requests = 0, requests = 0;

    double paged() const { return cache + table; }
};

/// Decode attention of one layer as somebody recorded it on a GPU, 32 heads over 8 KV heads.
struct RecordedSeries {
    std::string device, name, machine;  // id and name of the sheet; what it ran on
    struct Row {
        double batch, context, seconds, roofline;
    };
    std::vector<Row> rows;
};

struct Data {
    Job asked, measured;            // a preview measures a shorter context
    std::vector<SizeTiming> sizes;  // of block_sizes, as far as they are measured
    std::vector<int> contexts;
    std::vector<double> contiguous;             // seconds by context
    std::vector<std::vector<double>> paged;     // seconds by size, context
    double largest_difference = 0;              // of outputs, paged and contiguous, all sizes
    double error = 0;                           // of outputs, contiguous and in double
    std::string where;                          // the processor
    std::vector<std::vector<RungCount>> rungs;  // by size, rung
    std::vector<RecordedSeries> recorded;

    /// Index of the measured size nearest to `block_size` by ratio.
    std::size_t nearest_size(int block_size) const;
};

Data measure(const Job& job, const RunContext& context);

/// Tokens that the X-ray counts over: the counts of further ones are those of the first again.
inline constexpr int counted_tokens = 32;

std::vector<std::vector<RungCount>> count_rungs(const RunContext& context);
std::vector<RecordedSeries> recorded_attention();

}  // namespace nibble::paged_attention_lab
