// The ladders of family `reduce`.
#include "kernels/families.hpp"
#include "kernels/formats/float_format.hpp"
#include "kernels/jobs.hpp"
#include "kernels/reduce/histogram.hpp"
#include "kernels/reduce/ops.hpp"

namespace nibble::kernels {
namespace {

Ladder absmax_ladder() {
    Ladder l;
    l.id = "absmax";
    l.family = "reduce";
    l.title = "Largest magnitude";
    l.does = "max|x| of all values; NaN if one of them is.";
    l.example = {16, 512, 0};
    l.buffers = [](const Job& job) {
        const std::size_t element = bytes_of(job.input);
        return std::vector<BufferInfo>{{"x", job.values() * element, element, true},
                                       {"largest", 4, 4}};
    };
    l.prepare = [](const Job& job, std::span<const float> weights, Buffers b) {
        store_input(job.input, weights, b[0]);
    };
    l.cpu = [](const Job& job, Buffers b) {
        *host_buffer<float>(b, 1) = absmax(job.input, b[0], job.values());
    };
    l.bytes = [](const Job& job) {
        return static_cast<double>(job.values() * bytes_of(job.input)) + 4;
    };
    l.flops = [](const Job& job) { return static_cast<double>(job.values()); };  // comparisons
    l.check = check_matrix;
    l.tolerance_reason = "A maximum is one of the values, whatever the order.";
    l.rungs = join_rungs("kernels/reduce/absmax.cuh", emulated::absmax_rows(),
                         NIBBLE_CUDA_ROWS(absmax_rows()));
    return l;
}

Ladder histogram_ladder() {
    Ladder l;
    l.id = "histogram";
    l.family = "reduce";
    l.title = "Histogram";
    l.does = "How many values fall into each of 256 bins from -1/16 to 1/16, and how many outside.";
    l.example = {16, 512, 0};
    l.buffers = [](const Job& job) {
        return std::vector<BufferInfo>{{"x", job.values() * 4, 4, true},
                                       {"counts", histogram_counts * 4, 4}};
    };
    l.prepare = [](const Job& job, std::span<const float> weights, Buffers b) {
        store_input(job.input, weights, b[0]);
    };
    l.cpu = [](const Job& job, Buffers b) {
        auto* const counts = host_buffer<std::uint32_t>(b, 1);
        std::fill(counts, counts + histogram_counts, 0u);
        const HistogramOutside outside =
            histogram({host_buffer<const float>(b, 0), job.values()}, histogram_low, histogram_high,
                      {counts, histogram_bins});
        counts[histogram_bins] = static_cast<std::uint32_t>(outside.below);
        counts[histogram_bins + 1] = static_cast<std::uint32_t>(outside.above);
        counts[histogram_bins + 2] = static_cast<std::uint32_t>(outside.nan);
    };
    l.bytes = [](const Job& job) {
        return static_cast<double>(job.values() * 4 + histogram_counts * 4);
    };
    // a subtraction and a multiplication find the bin
    l.flops = [](const Job& job) { return 2.0 * static_cast<double>(job.values()); };
    l.check = check_floats;
    l.tolerance_reason = "Counts are whole numbers, and every machine rounds the bin alike.";
    l.rungs = join_rungs("kernels/reduce/histogram.cuh", emulated::histogram_rows(),
                         NIBBLE_CUDA_ROWS(histogram_rows()));
    return l;
}

Ladder squared_error_ladder() {
    Ladder l;
    l.id = "squared-error";
    l.family = "reduce";
    l.title = "Sum of squared errors";
    l.does = "The sum of (a - b)^2 over two arrays, in double precision.";
    l.example = {16, 512, 0};
    l.buffers = [](const Job& job) {
        constexpr std::size_t most_blocks = 1024;
        return std::vector<BufferInfo>{{"a", job.values() * 4, 4, true},
                                       {"b", job.values() * 4, 4, true},
                                       {"sum", 8, 8},
                                       {"partial", most_blocks * 8, 8, false, true}};
    };
    l.prepare = [](const Job&, std::span<const float> weights, Buffers buffers) {
        auto* const a = host_buffer<float>(buffers, 0);
        auto* const b = host_buffer<float>(buffers, 1);
        std::copy(weights.begin(), weights.end(), a);
        for (std::size_t i = 0; i < weights.size(); ++i) {  // what bfloat16 leaves of them
            const std::uint32_t code =
                formats::encode(formats::bf16, weights[i], formats::Overflow::standard);
            b[i] = static_cast<float>(formats::decode(formats::bf16, code));
        }
    };
    l.cpu = [](const Job& job, Buffers b) {
        *host_buffer<double>(b, 2) = squared_error(host_buffer<const float>(b, 0),
                                                   host_buffer<const float>(b, 1), job.values());
    };
    l.bytes = [](const Job& job) { return static_cast<double>(job.values() * 8 + 8); };
    l.flops = [](const Job& job) { return 3.0 * static_cast<double>(job.values()); };
    l.check = check_floats;
    l.tolerance = 0x1p-22;
    l.tolerance_reason =
        "Relative. Additions of doubles in another order: fewer than 2^31 terms, each addition off "
        "by at most 2^-53 of the sum.";
    l.rungs = join_rungs("kernels/reduce/squared_error.cuh", emulated::squared_error_rows(),
                         NIBBLE_CUDA_ROWS(squared_error_rows()));
    return l;
}

}  // namespace

void add_reduce_ladders(std::vector<Ladder>& list) {
    list.push_back(absmax_ladder());
    list.push_back(histogram_ladder());
    list.push_back(squared_error_ladder());
}

}  // namespace nibble::kernels
