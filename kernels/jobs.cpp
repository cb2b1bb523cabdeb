#include "kernels/jobs.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/formats/float_format.hpp"

namespace nibble::kernels {
namespace {

[[noreturn]] void refuse(const std::string& what) {
    throw std::invalid_argument(what);
}

std::string size_of(const Job& job) {
    return "rows " + std::to_string(job.rows) + " by columns " + std::to_string(job.columns);
}

}  // namespace

void check_matrix(const Job& job) {
    constexpr std::size_t most = (std::size_t{1} << 31) - 1;  // blocks in a grid, CUDA's limit
    if (job.rows == 0 || job.columns == 0) {
        refuse(size_of(job) + " hold no value; give at least one of each");
    }
    if (job.columns > most || job.rows > most / job.columns) {
        refuse(size_of(job) + " are more values than one launch takes, which is " +
               std::to_string(most));
    }
    if (job.group_size > most) {
        refuse("group_size " + std::to_string(job.group_size) +
               " is larger than any row; give 0 "
               "for a whole row");
    }
}

void check_nibbles(const Job& job) {
    check_matrix(job);
    if (job.group_size % 2 != 0 && job.group_size < job.columns) {
        refuse("group_size " + std::to_string(job.group_size) +
               " is odd: two groups would share a byte; give an even one, or 0 for a whole row");
    }
}

void check_blocks(const Job& job) {
    check_matrix(job);
    if (job.columns % 32 != 0) {
        refuse("columns " + std::to_string(job.columns) +
               " are no whole blocks; give a multiple of 32");
    }
}

void check_floats(const Job& job) {
    check_matrix(job);
    if (job.input != InputType::f32) {
        refuse(std::string("input ") + name(job.input) + " is not taken here; give f32");
    }
}

void store_input(InputType type, std::span<const float> weights, void* to) {
    if (type == InputType::f32) {
        std::copy(weights.begin(), weights.end(), static_cast<float*>(to));
        return;
    }
    const formats::FloatFormat& format = type == InputType::f16 ? formats::fp16 : formats::bf16;
    auto* const bits = static_cast<std::uint16_t*>(to);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        bits[i] = static_cast<std::uint16_t>(
            formats::encode(format, weights[i], formats::Overflow::standard));
    }
}

double bytes_to_move(const std::vector<BufferInfo>& buffers) {
    double bytes = 0;
    for (const BufferInfo& buffer : buffers) {
        bytes += buffer.is_scratch ? 0.0 : static_cast<double>(buffer.bytes);
    }
    return bytes;
}

}  // namespace nibble::kernels
