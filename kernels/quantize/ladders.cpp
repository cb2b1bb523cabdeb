// The ladders of family `quantize`: what each operation reads and writes, and what it costs.
#include <stdexcept>

#include "kernels/emulator/small_float.hpp"
#include "kernels/families.hpp"

namespace nibble::kernels {
namespace {

// ---- jobs ------------------------------------------------------------------------------------

[[noreturn]] void refuse(const std::string& what) {
    throw std::invalid_argument(what);
}

/// What every ladder here needs: a matrix, and few enough groups for one grid.
void check_matrix(const Job& job) {
    constexpr std::size_t most = (std::size_t{1} << 31) - 1;  // blocks in a grid, CUDA's limit
    if (job.rows == 0 || job.columns == 0) {
        refuse("rows " + std::to_string(job.rows) + " by columns " + std::to_string(job.columns) +
               " hold no value; give at least one of each");
    }
    if (job.columns > most || job.rows > most / job.columns) {
        refuse("rows " + std::to_string(job.rows) + " by columns " + std::to_string(job.columns) +
               " are more values than " + std::to_string(most) + ", the most one launch takes");
    }
}

void check_nibble_groups(const Job& job) {
    check_matrix(job);
    if (job.group_size % 2 != 0 && job.group_size < job.columns) {
        refuse("group_size " + std::to_string(job.group_size) +
               " is odd: two groups would share a byte; give an even one, or 0 for a whole row");
    }
}

// ---- inputs ----------------------------------------------------------------------------------

void store_input(InputType type, std::span<const float> weights, void* to) {
    if (type == InputType::f32) {
        std::copy(weights.begin(), weights.end(), static_cast<float*>(to));
        return;
    }
    const emulator::SmallFormat format =
        type == InputType::f16 ? emulator::binary16 : emulator::bfloat16;
    auto* const bits = static_cast<std::uint16_t*>(to);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        bits[i] = static_cast<std::uint16_t>(
            emulator::encode(format, weights[i], emulator::Overflow::infinity, 0x7fff));
    }
}

void prepare_quantize(const Job& job, std::span<const float> weights, Buffers buffers) {
    store_input(job.input, weights, buffers[0]);
}

// ---- packed matrices -------------------------------------------------------------------------

template <PackedFormat format>
PackedShape packed_shape(const Job& job) {
    return {format, job.rows, job.columns, job.group_size};
}

template <PackedFormat format>
std::vector<BufferInfo> quantize_buffers(const Job& job) {
    const PackedShape shape = packed_shape<format>(job);
    const std::size_t element = bytes_of(job.input);
    return {{"x", job.values() * element, element, true},
            {"codes", shape.code_bytes(), 1, false},
            {"scales", shape.scale_bytes(), 4, false}};
}

template <PackedFormat format>
void quantize_on_processor(const Job& job, Buffers b) {
    quantize(packed_shape<format>(job), job.input, b[0],
             {static_cast<std::uint8_t*>(b[1]), b[2], nullptr});
}

template <PackedFormat format>
double quantize_bytes(const Job& job) {
    return static_cast<double>(job.values() * bytes_of(job.input)) +
           static_cast<double>(packed_shape<format>(job).bytes());
}

/// For each value a comparison (the maximum), a division and a rounding; for each group the
/// division that makes its scale.
template <PackedFormat format>
double quantize_flops(const Job& job) {
    return 3.0 * static_cast<double>(job.values()) +
           static_cast<double>(job.rows * packed_shape<format>(job).groups());
}

Ladder int4_group() {
    Ladder l;
    l.id = "quantize-int4-group";
    l.family = "quantize";
    l.title = "Group-wise INT4";
    l.does = "Each group of a row gets one scale, max|x| / 7, and 4-bit codes, two to a byte.";
    l.example = {16, 512, 128, InputType::f32};
    l.buffers = quantize_buffers<PackedFormat::int4>;
    l.prepare = prepare_quantize;
    l.cpu = quantize_on_processor<PackedFormat::int4>;
    l.bytes = quantize_bytes<PackedFormat::int4>;
    l.flops = quantize_flops<PackedFormat::int4>;
    l.check = check_nibble_groups;
    l.tolerance = 0;
    l.tolerance_reason =
        "The format defines every byte: quotients are rounded as IEEE 754 says, on each machine.";
    l.rungs = join_rungs("kernels/quantize/int4_group.cuh", emulated::quantize_int4_group_rows(),
                         NIBBLE_CUDA_ROWS(quantize_int4_group_rows));
    return l;
}

}  // namespace

void add_quantize_ladders(std::vector<Ladder>& list) {
    list.push_back(int4_group());
}

}  // namespace nibble::kernels
