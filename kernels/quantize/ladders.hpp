// What the two halves of this family's registry share: buffers and runs of packed formats.
#pragma once

#include "kernels/families.hpp"
#include "kernels/jobs.hpp"
#include "kernels/quantize/packed_format.hpp"

namespace nibble::kernels {

/// How a ladder cuts a matrix: as the job says; a row whatever it says; or not at all.
enum class Cut { groups, rows, tensor };

template <PackedFormat format, Cut cut = Cut::groups>
PackedShape packed_shape(const Job& job) {
    return {format, job.rows, job.columns, cut == Cut::groups ? job.group_size : 0};
}

/// codes, scales, zero points where there are any: as outputs of quantizing or inputs of the way
/// back.
template <PackedFormat format, Cut cut>
std::vector<BufferInfo> packed_buffers(const Job& job, bool are_inputs) {
    const PackedShape shape = packed_shape<format, cut>(job);
    const std::size_t element = traits(format).e8m0 ? 1 : 4;
    std::vector<BufferInfo> buffers = {{"codes", shape.code_bytes(), 1, are_inputs}};
    if (shape.scale_bytes() > 0) {
        const std::size_t bytes = cut == Cut::tensor ? element : shape.scale_bytes();
        buffers.push_back({"scales", bytes, element, are_inputs});
    }
    if (traits(format).affine) {
        buffers.push_back({"zero_points", shape.zero_point_bytes(), 1, are_inputs});
    }
    return buffers;
}

/// The packed matrix whose first buffer is `first`.
template <PackedFormat format>
PackedView packed_view(Buffers b, std::size_t first) {
    PackedView view;
    view.codes = host_buffer<std::uint8_t>(b, first);
    view.scales = b.size() > first + 1 ? b[first + 1] : nullptr;
    if (traits(format).affine) {
        view.zero_points = host_buffer<std::uint8_t>(b, first + 2);
    }
    return view;
}

template <PackedFormat format>
void check_format(const Job& job) {
    if constexpr (is_ggml_block(format)) {
        check_blocks(job);
    } else if constexpr (traits(format).nibbles && !traits(format).e8m0) {
        check_nibbles(job);
    } else {
        check_matrix(job);
    }
}

/// Quantizes x of `type` on the processor, all rows with one scale; writes the scale.
void quantize_tensor_on_processor(const PackedShape& shape, InputType type, const void* x,
                                  std::uint8_t* codes, float* scale);

/// Magnitudes of weights, as scales are.
void store_scales(std::span<const float> weights, float* scales);

void add_dequantize_ladders(std::vector<Ladder>& list);

inline constexpr const char* exact_reason =
    "The format defines every byte, and every machine rounds as IEEE 754 says.";

}  // namespace nibble::kernels
