// The ladders of family `quantize`, from floats to codes: what each operation reads and writes, and
// what it costs.
#include "kernels/quantize/ladders.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/reduce/ops.hpp"

namespace nibble::kernels {

void quantize_tensor_on_processor(const PackedShape& shape, InputType type, const void* x,
                                  std::uint8_t* codes, float* scale) {
    const float limit = traits(shape.format).steps;
    const float largest = absmax(type, x, shape.rows * shape.columns);
    *scale = std::isfinite(largest) ? largest / limit : std::numeric_limits<float>::quiet_NaN();
    quantize_rows_with(shape, *scale, type, x, {codes, nullptr, nullptr}, 0, shape.rows);
}

void store_scales(std::span<const float> weights, float* scales) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
        scales[i] = std::fabs(weights[i]);
    }
}

namespace {

template <PackedFormat format, Cut cut>
std::vector<BufferInfo> quantize_buffers(const Job& job) {
    const std::size_t element = bytes_of(job.input);
    std::vector<BufferInfo> buffers = packed_buffers<format, cut>(job, false);
    buffers.insert(buffers.begin(), {"x", job.values() * element, element, true});
    if (cut == Cut::tensor) {
        buffers.push_back({.name = "largest", .bytes = 4, .element_bytes = 4, .is_scratch = true});
    }
    return buffers;
}

template <PackedFormat format, Cut cut>
void quantize_on_processor(const Job& job, Buffers b) {
    const PackedShape shape = packed_shape<format, cut>(job);
    if constexpr (cut == Cut::tensor) {
        quantize_tensor_on_processor(shape, job.input, b[0], host_buffer<std::uint8_t>(b, 1),
                                     host_buffer<float>(b, 2));
    } else {
        quantize(shape, job.input, b[0], packed_view<format>(b, 1));
    }
}

/// For each value a comparison (the maximum), a division and a rounding; for each group the
/// division that makes its scale.
template <PackedFormat format, Cut cut>
double quantize_flops(const Job& job) {
    const std::size_t groups = packed_shape<format, cut>(job).groups() * job.rows;
    return 3.0 * static_cast<double>(job.values()) +
           (cut == Cut::tensor ? 1.0 : static_cast<double>(groups));
}

void prepare_input(const Job& job, std::span<const float> weights, Buffers buffers) {
    store_input(job.input, weights, buffers[0]);
}

template <PackedFormat format, Cut cut>
Ladder quantize_ladder(const char* id, const char* title, const char* does, const Job& example) {
    Ladder l;
    l.id = id;
    l.family = "quantize";
    l.title = title;
    l.does = does;
    l.example = example;
    l.buffers = quantize_buffers<format, cut>;
    l.prepare = prepare_input;
    l.cpu = quantize_on_processor<format, cut>;
    l.bytes = [](const Job& job) { return bytes_to_move(quantize_buffers<format, cut>(job)); };
    l.flops = quantize_flops<format, cut>;
    l.check = check_format<format>;
    l.tolerance_reason = exact_reason;
    return l;
}

void add_studied(std::vector<Ladder>& list) {
    list.push_back(quantize_ladder<PackedFormat::int4, Cut::groups>(
        "quantize-int4-group", "Group-wise INT4",
        "Each group of a row gets one scale, max|x| / 7, and 4-bit codes, two to a byte.",
        {16, 512, 128}));
    list.back().rungs =
        join_rungs("kernels/quantize/int4_group.cuh", emulated::quantize_int4_group_rows(),
                   NIBBLE_CUDA_ROWS(quantize_int4_group_rows()));
    list.push_back(quantize_ladder<PackedFormat::int8, Cut::rows>(
        "quantize-int8-row", "Row-wise INT8",
        "Each row gets one scale, max|x| / 127, and codes of one byte.", {64, 512, 0}));
    list.back().rungs =
        join_rungs("kernels/quantize/int8_row.cuh", emulated::quantize_int8_row_rows(),
                   NIBBLE_CUDA_ROWS(quantize_int8_row_rows()));
}

template <PackedFormat format>
void add_grouped(std::vector<Ladder>& list, const char* id, const char* title, const char* does,
                 const Job& example) {
    list.push_back(quantize_ladder<format, Cut::groups>(id, title, does, example));
    list.back().rungs =
        join_rungs("kernels/quantize/grouped.cuh", emulated::quantize_group_rows(format),
                   NIBBLE_CUDA_ROWS(quantize_group_rows(format)));
}

template <PackedFormat format>
void add_tensor(std::vector<Ladder>& list, const char* id, const char* title, const char* does) {
    list.push_back(quantize_ladder<format, Cut::tensor>(id, title, does, {16, 512, 0}));
    list.back().rungs =
        join_rungs("kernels/quantize/per_tensor.cuh", emulated::quantize_tensor_rows(format),
                   NIBBLE_CUDA_ROWS(quantize_tensor_rows(format)));
}

template <PackedFormat format>
void add_blocks(std::vector<Ladder>& list, const char* id, const char* title, const char* does) {
    list.push_back(quantize_ladder<format, Cut::groups>(id, title, does, {16, 512, 32}));
    list.back().rungs =
        join_rungs("kernels/quantize/ggml_blocks.cuh", emulated::quantize_block_rows(format),
                   NIBBLE_CUDA_ROWS(quantize_block_rows(format)));
}

// ---- double quantization, nibbles ------------------------------------------------------------

std::vector<BufferInfo> scales_buffers(const Job& job) {
    const std::size_t blocks = (job.values() + scale_block - 1) / scale_block;
    return {{"scales", job.values() * 4, 4, true},
            {"map", 256 * 4, 4, true},
            {"codes", job.values(), 1},
            {"block_scales", blocks * 4, 4},
            {"mean", 4, 4}};
}

Ladder quantize_scales_ladder() {
    Ladder l;
    l.id = "quantize-scales";
    l.family = "quantize";
    l.title = "Double quantization";
    l.does = "Scales become 8-bit codes: one float for each 256 of them, and their mean.";
    l.example = {8, 512, 0};
    l.buffers = scales_buffers;
    l.prepare = [](const Job&, std::span<const float> weights, Buffers b) {
        store_scales(weights, host_buffer<float>(b, 0));
        std::copy(dynamic_map().begin(), dynamic_map().end(), host_buffer<float>(b, 1));
    };
    l.cpu = [](const Job& job, Buffers b) {
        *host_buffer<float>(b, 4) =
            quantize_scales(host_buffer<const float>(b, 0), job.values(),
                            host_buffer<std::uint8_t>(b, 2), host_buffer<float>(b, 3));
    };
    l.bytes = [](const Job& job) { return bytes_to_move(scales_buffers(job)); };
    // a scale: an addition (the mean), a subtraction, a comparison (the maximum), a division, and
    // eight comparisons to find its level
    l.flops = [](const Job& job) { return 12.0 * static_cast<double>(job.values()); };
    l.check = check_floats;
    l.tolerance = 0x1p-22;
    l.tolerance_reason =
        "The mean is a sum of doubles in another order, so once in a great while its last bit as a "
        "float differs; a scale next to the border of two codes may then fall on the other side.";
    l.rungs = join_rungs("kernels/quantize/scales.cuh", emulated::quantize_scales_rows(),
                         NIBBLE_CUDA_ROWS(quantize_scales_rows()));
    return l;
}

std::vector<BufferInfo> nibble_buffers(const Job& job, bool to_packed) {
    const BufferInfo codes{"codes", job.values(), 1, to_packed};
    const BufferInfo packed{"packed", (job.values() + 1) / 2, 1, !to_packed};
    return to_packed ? std::vector{codes, packed} : std::vector{packed, codes};
}

/// Codes 0 .. 15 that look like nothing in particular.
std::vector<std::uint8_t> some_codes(std::span<const float> weights) {
    std::vector<std::uint8_t> codes(weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
        codes[i] = std::isfinite(weights[i])
                       ? static_cast<std::uint8_t>(std::fmod(std::fabs(weights[i]) * 1e4f, 16.0f))
                       : 15;
    }
    return codes;
}

Ladder nibble_ladder(const char* id, const char* title, const char* does) {
    Ladder l;
    l.id = id;
    l.family = "quantize";
    l.title = title;
    l.does = does;
    l.example = {16, 512, 0};
    l.flops = [](const Job&) { return 0.0; };
    l.check = check_matrix;
    l.tolerance_reason = "Bytes are moved, nothing is computed.";
    return l;
}

void add_nibbles(std::vector<Ladder>& list) {
    Ladder pack = nibble_ladder("pack-nibbles", "Packing nibbles",
                                "Codes 0 .. 15, a byte each, are put two to a byte.");
    pack.buffers = [](const Job& job) { return nibble_buffers(job, true); };
    pack.bytes = [](const Job& job) { return bytes_to_move(nibble_buffers(job, true)); };
    pack.prepare = [](const Job&, std::span<const float> weights, Buffers b) {
        std::ranges::copy(some_codes(weights), host_buffer<std::uint8_t>(b, 0));
    };
    pack.cpu = [](const Job& job, Buffers b) {
        pack_nibbles(host_buffer<std::uint8_t>(b, 0), host_buffer<std::uint8_t>(b, 1), job.values(),
                     false);
    };
    pack.rungs = join_rungs("kernels/quantize/nibbles.cuh", emulated::pack_nibbles_rows(),
                            NIBBLE_CUDA_ROWS(pack_nibbles_rows()));
    list.push_back(std::move(pack));

    Ladder unpack = nibble_ladder("unpack-nibbles", "Unpacking nibbles",
                                  "Bytes of two codes become a byte for each.");
    unpack.buffers = [](const Job& job) { return nibble_buffers(job, false); };
    unpack.bytes = [](const Job& job) { return bytes_to_move(nibble_buffers(job, false)); };
    unpack.prepare = [](const Job& job, std::span<const float> weights, Buffers b) {
        pack_nibbles(some_codes(weights).data(), host_buffer<std::uint8_t>(b, 0), job.values(),
                     false);
    };
    unpack.cpu = [](const Job& job, Buffers b) {
        unpack_nibbles(host_buffer<std::uint8_t>(b, 0), host_buffer<std::uint8_t>(b, 1),
                       job.values(), false);
    };
    unpack.rungs = join_rungs("kernels/quantize/nibbles.cuh", emulated::unpack_nibbles_rows(),
                              NIBBLE_CUDA_ROWS(unpack_nibbles_rows()));
    list.push_back(std::move(unpack));
}

}  // namespace

void add_quantize_ladders(std::vector<Ladder>& list) {
    using F = PackedFormat;
    add_studied(list);
    add_tensor<F::int8>(list, "quantize-int8-tensor", "INT8 with one scale",
                        "The whole matrix gets one scale, max|x| / 127, and codes of one byte.");
    add_tensor<F::int4>(list, "quantize-int4-tensor", "INT4 with one scale",
                        "The whole matrix gets one scale, max|x| / 7, and 4-bit codes.");
    add_grouped<F::int8>(list, "quantize-int8-group", "Group-wise INT8",
                         "Each group of a row gets one scale, max|x| / 127, and codes of one byte.",
                         {16, 512, 128});
    add_grouped<F::uint8>(list, "quantize-uint8-group", "Group-wise INT8 with zero points",
                          "Each group gets a scale for its range, (max - min) / 255, and the code "
                          "that stands for 0.",
                          {16, 512, 128});
    add_grouped<F::uint4>(list, "quantize-uint4-group", "Group-wise INT4 with zero points",
                          "Each group gets a scale for its range, (max - min) / 15, and the code "
                          "that stands for 0.",
                          {16, 512, 128});
    add_grouped<F::nf4>(
        list, "quantize-nf4-block", "NF4 in blocks",
        "Each block gets its max|x|, and each value the nearest of 16 levels at the "
        "quantiles of the normal distribution.",
        {16, 512, 64});
    add_grouped<F::fp4>(list, "quantize-fp4-block", "FP4 in blocks",
                        "Each block gets its max|x|, and each value the nearest of the levels of a "
                        "4-bit float.",
                        {16, 512, 64});
    list.push_back(quantize_scales_ladder());
    add_grouped<F::fp8_e4m3>(list, "quantize-fp8-e4m3-row", "FP8 E4M3 by rows",
                             "Each row, or group, is scaled so that its maximum is 448, the "
                             "largest E4M3 number.",
                             {16, 512, 0});
    add_grouped<F::fp8_e5m2>(list, "quantize-fp8-e5m2-row", "FP8 E5M2 by rows",
                             "Each row, or group, is scaled so that its maximum is 57344, the "
                             "largest E5M2 number.",
                             {16, 512, 0});
    add_tensor<F::fp8_e4m3>(list, "quantize-fp8-e4m3-tensor", "FP8 E4M3 with one scale",
                            "The whole matrix is scaled so that its maximum is 448.");
    add_tensor<F::fp8_e5m2>(list, "quantize-fp8-e5m2-tensor", "FP8 E5M2 with one scale",
                            "The whole matrix is scaled so that its maximum is 57344.");
    add_grouped<F::mxfp4>(list, "quantize-mxfp4", "MXFP4",
                          "Each 32 values share a power of two, and become E2M1 floats of 4 bits.",
                          {16, 512, 32});
    add_grouped<F::mxfp8_e4m3>(list, "quantize-mxfp8", "MXFP8",
                               "Each 32 values share a power of two, and become E4M3 floats.",
                               {16, 512, 32});
    add_blocks<F::q4_0>(list, "quantize-q4-0", "Q4_0 blocks",
                        "ggml's blocks of 32: a half-precision scale and 16 bytes of codes.");
    add_blocks<F::q8_0>(list, "quantize-q8-0", "Q8_0 blocks",
                        "ggml's blocks of 32: a half-precision scale and 32 bytes of codes.");
    add_nibbles(list);
    add_dequantize_ladders(list);
}

}  // namespace nibble::kernels
