#include "sim/quant/checkpoint_layout.hpp"

#include <array>
#include <cstring>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kernels/formats/float_format.hpp"

namespace nibble {
namespace {

template <class T>
StoredTensor stored(std::string name, DType dtype, Index rows, Index cols,
                    const std::vector<T>& values) {
    StoredTensor tensor{std::move(name), dtype, {rows, cols}, {}};
    if (cols == 0) {
        tensor.shape = {rows};
    }
    tensor.bytes.resize(values.size() * sizeof(T));
    std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
    return tensor;
}

void require(bool fits, const std::string& problem, const std::string& hint) {
    if (!fits) {
        throw Error(Error::Code::unsupported, problem, hint);
    }
}

/// Puts the i-th code of a row of codes into a row of words as one stream of bits, lowest first.
void put_bits(std::uint32_t* words, Index step, Index i, int bits, std::uint32_t code) {
    const Index at = i * bits, word = at / 32, shift = at % 32;
    words[word * step] |= code << shift;
    if (shift + bits > 32) {
        words[(word + 1) * step] |= code >> (32 - shift);
    }
}

/// (groups, rows), as both layouts want them.
StoredTensor scales_of(const IntegerWeights& w, const std::string& layer) {
    const Index groups = w.groups();
    std::vector<std::uint16_t> scales(extent(groups * w.rows));
    for (Index r = 0; r < w.rows; ++r) {
        for (Index g = 0; g < groups; ++g) {
            scales[extent(g * w.rows + r)] =
                formats::float_to_f16(w.scales[extent(r * groups + g)]);
        }
    }
    return stored(layer + ".scales", DType::f16, groups, w.rows, scales);
}

std::vector<StoredTensor> gptq_tensors(const IntegerWeights& w, const std::string& layer) {
    const int bits = w.format.bits;
    require(bits == 2 || bits == 3 || bits == 4 || bits == 8,
            fmt::format("GPTQ checkpoints have no layout for {} bits", bits),
            "they have 2, 3, 4, 8");
    require(
        w.cols * bits % 32 == 0 && w.rows * bits % 32 == 0,
        fmt::format("{} x {} codes of {} bits do not fill words of 32 bits", w.rows, w.cols, bits),
        "both sides of the matrix must be multiples of 32");
    const Index groups = w.groups(), zero_words = w.rows * bits / 32;
    const auto mask = static_cast<std::uint32_t>((1 << bits) - 1);
    std::vector<std::uint32_t> codes(extent(w.cols * bits / 32 * w.rows)),
        zeros(extent(groups * zero_words));
    for (Index r = 0; r < w.rows; ++r) {
        for (Index c = 0; c < w.cols; ++c) {
            put_bits(codes.data() + r, w.rows, c, bits, w.codes[extent(r * w.cols + c)]);
        }
        for (Index g = 0; g < groups; ++g) {
            const auto zero = static_cast<std::uint32_t>(w.zeros[extent(r * groups + g)]);
            put_bits(zeros.data() + g * zero_words, 1, r, bits, (zero - 1) & mask);
        }
    }
    return {stored(layer + ".qweight", DType::i32, w.cols * bits / 32, w.rows, codes),
            stored(layer + ".qzeros", DType::i32, groups, zero_words, zeros), scales_of(w, layer),
            stored(layer + ".g_idx", DType::i32, w.cols, 0, w.group_of)};
}

std::vector<StoredTensor> awq_tensors(const IntegerWeights& w, const std::string& layer) {
    constexpr std::array<Index, 8> order = {0, 2, 4, 6, 1, 3, 5, 7};
    require(w.format.bits == 4,
            fmt::format("AWQ checkpoints have no layout for {} bits", w.format.bits),
            "they have 4");
    require(w.rows % 8 == 0, fmt::format("{} outputs do not fill words of eight", w.rows),
            "AWQ's layout needs a multiple of 8");
    require(!w.is_scattered(), "AWQ checkpoints have no place for act-order", "leave it off");
    require(!w.format.symmetric, "AWQ checkpoints of the gemm version have zero points",
            "--symmetric false");
    const Index groups = w.groups(), words = w.rows / 8;
    std::vector<std::uint32_t> codes(extent(w.cols * words)), zeros(extent(groups * words));
    for (Index word = 0; word < words; ++word) {
        for (Index i = 0; i < 8; ++i) {
            const Index r = word * 8 + order[extent(i)];
            for (Index c = 0; c < w.cols; ++c) {
                codes[extent(c * words + word)] |=
                    static_cast<std::uint32_t>(w.codes[extent(r * w.cols + c)]) << (4 * i);
            }
            for (Index g = 0; g < groups; ++g) {
                zeros[extent(g * words + word)] |=
                    static_cast<std::uint32_t>(w.zeros[extent(r * groups + g)]) << (4 * i);
            }
        }
    }
    return {stored(layer + ".qweight", DType::i32, w.cols, words, codes),
            stored(layer + ".qzeros", DType::i32, groups, words, zeros), scales_of(w, layer)};
}

}  // namespace

std::vector<StoredTensor> packed_tensors(const IntegerWeights& weights, const std::string& layer,
                                         CheckpointLayout layout) {
    require(weights.format.scale_format == ScaleFormat::fp16,
            "checkpoints store their scales in FP16", "--scale_format fp16");
    return layout == CheckpointLayout::gptq ? gptq_tensors(weights, layer)
                                            : awq_tensors(weights, layer);
}

std::string quantization_config(const IntegerFormat& format, CheckpointLayout layout,
                                bool act_order) {
    const Index group = format.group_size == 0 ? -1 : format.group_size;
    nlohmann::ordered_json config;
    if (layout == CheckpointLayout::gptq) {
        config = {{"quant_method", "gptq"}, {"bits", format.bits},
                  {"group_size", group},    {"sym", format.symmetric},
                  {"desc_act", act_order},  {"checkpoint_format", "gptq"}};
    } else {
        config = {{"quant_method", "awq"},
                  {"bits", format.bits},
                  {"group_size", group},
                  {"zero_point", true},
                  {"version", "gemm"}};
    }
    return config.dump();
}

}  // namespace nibble
