// The ladders of family `quantize` that go back, from codes to floats.
#include "kernels/quantize/ladders.hpp"

namespace nibble::kernels {
namespace {

template <PackedFormat format, Cut cut>
std::vector<BufferInfo> dequantize_buffers(const Job& job) {
    std::vector<BufferInfo> buffers = packed_buffers<format, cut>(job, true);
    buffers.push_back({"y", job.values() * 4, 4});
    return buffers;
}

/// Codes as quantizing the weights gives them.
template <PackedFormat format, Cut cut>
void prepare_codes(const Job& job, std::span<const float> weights, Buffers b) {
    const PackedShape shape = packed_shape<format, cut>(job);
    if constexpr (cut == Cut::tensor) {
        quantize_tensor_on_processor(shape, InputType::f32, weights.data(),
                                     host_buffer<std::uint8_t>(b, 0), host_buffer<float>(b, 1));
    } else {
        quantize(shape, InputType::f32, weights.data(), packed_view<format>(b, 0));
    }
}

template <PackedFormat format, Cut cut>
void dequantize_on_processor(const Job& job, Buffers b) {
    const PackedShape shape = packed_shape<format, cut>(job);
    auto* const y = host_buffer<float>(b, b.size() - 1);
    if constexpr (cut == Cut::tensor) {
        dequantize_rows_with(shape, *host_buffer<float>(b, 1), packed_view<format>(b, 0), y, 0,
                             job.rows);
    } else {
        dequantize(shape, packed_view<format>(b, 0), y);
    }
}

/// A multiplication for each value, and a subtraction where there are zero points.
template <PackedFormat format>
double dequantize_flops(const Job& job) {
    return (traits(format).affine ? 2.0 : 1.0) * static_cast<double>(job.values());
}

template <PackedFormat format, Cut cut = Cut::groups>
Ladder& add(std::vector<Ladder>& list, const char* id, const char* title, const char* does,
            const Job& example) {
    Ladder l;
    l.id = id;
    l.family = "quantize";
    l.title = title;
    l.does = does;
    l.example = example;
    l.buffers = dequantize_buffers<format, cut>;
    l.prepare = prepare_codes<format, cut>;
    l.cpu = dequantize_on_processor<format, cut>;
    l.bytes = [](const Job& job) { return bytes_to_move(dequantize_buffers<format, cut>(job)); };
    l.flops = dequantize_flops<format>;
    l.check = check_format<format>;
    l.tolerance_reason = exact_reason;
    list.push_back(std::move(l));
    return list.back();
}

template <PackedFormat format>
void add_grouped(std::vector<Ladder>& list, const char* id, const char* title, const char* does,
                 const Job& example) {
    add<format>(list, id, title, does, example).rungs =
        join_rungs("kernels/quantize/dequantize.cuh", emulated::dequantize_group_rows(format),
                   NIBBLE_CUDA_ROWS(dequantize_group_rows(format)));
}

template <PackedFormat format>
void add_tensor(std::vector<Ladder>& list, const char* id, const char* title) {
    add<format, Cut::tensor>(list, id, title, "Codes times the one scale of the matrix.",
                             {16, 512, 0})
        .rungs =
        join_rungs("kernels/quantize/dequantize.cuh", emulated::dequantize_tensor_rows(format),
                   NIBBLE_CUDA_ROWS(dequantize_tensor_rows(format)));
}

template <PackedFormat format>
void add_blocks(std::vector<Ladder>& list, const char* id, const char* title) {
    add<format>(list, id, title, "Codes times the scale inside their block of 32.", {16, 512, 32})
        .rungs =
        join_rungs("kernels/quantize/ggml_blocks.cuh", emulated::dequantize_block_rows(format),
                   NIBBLE_CUDA_ROWS(dequantize_block_rows(format)));
}

std::vector<BufferInfo> scales_buffers(const Job& job) {
    const std::size_t blocks = (job.values() + scale_block - 1) / scale_block;
    return {{"codes", job.values(), 1, true},
            {"map", 256 * 4, 4, true},
            {"block_scales", blocks * 4, 4, true},
            {"mean", 4, 4, true},
            {"scales", job.values() * 4, 4}};
}

Ladder dequantize_scales_ladder() {
    Ladder l;
    l.id = "dequantize-scales";
    l.family = "quantize";
    l.title = "Double quantization, back";
    l.does = "8-bit codes become scales: the mean plus a level times its block's float.";
    l.example = {8, 512, 0};
    l.buffers = scales_buffers;
    l.prepare = [](const Job& job, std::span<const float> weights, Buffers b) {
        std::vector<float> scales(job.values());
        store_scales(weights, scales.data());
        *host_buffer<float>(b, 3) =
            quantize_scales(scales.data(), scales.size(), host_buffer<std::uint8_t>(b, 0),
                            host_buffer<float>(b, 2));
        std::copy(dynamic_map().begin(), dynamic_map().end(), host_buffer<float>(b, 1));
    };
    l.cpu = [](const Job& job, Buffers b) {
        dequantize_scales(host_buffer<std::uint8_t>(b, 0), host_buffer<float>(b, 2),
                          *host_buffer<float>(b, 3), job.values(), host_buffer<float>(b, 4));
    };
    l.bytes = [](const Job& job) { return bytes_to_move(scales_buffers(job)); };
    l.flops = [](const Job& job) { return 2.0 * static_cast<double>(job.values()); };
    l.check = check_floats;
    l.tolerance_reason = exact_reason;
    l.rungs = join_rungs("kernels/quantize/scales.cuh", emulated::dequantize_scales_rows(),
                         NIBBLE_CUDA_ROWS(dequantize_scales_rows()));
    return l;
}

}  // namespace

void add_dequantize_ladders(std::vector<Ladder>& list) {
    using F = PackedFormat;
    constexpr const char* by_scale = "Codes times the scale of their group.";
    constexpr const char* by_zero = "Codes less their zero point, times the scale of their group.";
    constexpr const char* by_level = "The levels that codes name, times the scale of their block.";
    add_grouped<F::int4>(list, "dequantize-int4-group", "Group-wise INT4, back", by_scale,
                         {16, 512, 128});
    add_grouped<F::int8>(list, "dequantize-int8-row", "Row-wise INT8, back",
                         "Codes times the scale of their row, or group.", {16, 512, 0});
    add_tensor<F::int8>(list, "dequantize-int8-tensor", "INT8 with one scale, back");
    add_tensor<F::int4>(list, "dequantize-int4-tensor", "INT4 with one scale, back");
    add_grouped<F::uint8>(list, "dequantize-uint8-group", "Group-wise INT8 with zero points, back",
                          by_zero, {16, 512, 128});
    add_grouped<F::uint4>(list, "dequantize-uint4-group", "Group-wise INT4 with zero points, back",
                          by_zero, {16, 512, 128});
    add_grouped<F::nf4>(list, "dequantize-nf4-block", "NF4 in blocks, back", by_level,
                        {16, 512, 64});
    add_grouped<F::fp4>(list, "dequantize-fp4-block", "FP4 in blocks, back", by_level,
                        {16, 512, 64});
    list.push_back(dequantize_scales_ladder());
    add_grouped<F::fp8_e4m3>(list, "dequantize-fp8-e4m3-row", "FP8 E4M3 by rows, back",
                             "FP8 numbers times the scale of their row, or group.", {16, 512, 0});
    add_grouped<F::fp8_e5m2>(list, "dequantize-fp8-e5m2-row", "FP8 E5M2 by rows, back",
                             "FP8 numbers times the scale of their row, or group.", {16, 512, 0});
    add_tensor<F::fp8_e4m3>(list, "dequantize-fp8-e4m3-tensor", "FP8 E4M3 with one scale, back");
    add_tensor<F::fp8_e5m2>(list, "dequantize-fp8-e5m2-tensor", "FP8 E5M2 with one scale, back");
    add_grouped<F::mxfp4>(list, "dequantize-mxfp4", "MXFP4, back",
                          "E2M1 numbers times the power of two that each 32 share.", {16, 512, 32});
    add_grouped<F::mxfp8_e4m3>(list, "dequantize-mxfp8", "MXFP8, back",
                               "E4M3 numbers times the power of two that each 32 share.",
                               {16, 512, 32});
    add_blocks<F::q4_0>(list, "dequantize-q4-0", "Q4_0 blocks, back");
    add_blocks<F::q8_0>(list, "dequantize-q8-0", "Q8_0 blocks, back");
}

}  // namespace nibble::kernels
