#include "sim/formats/block_format.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/formats/packed_formats.hpp"

namespace nibble {

CodedBlock block_scale(const BlockFormat& f, double absmax, double tensor_scale) {
    CodedBlock block;
    if (!std::isfinite(absmax)) {
        block.scale_code = f.scale->as_float()->nan_code();
    } else if (f.scale_is_power_of_two) {
        const int exponent = absmax > 0 ? std::ilogb(absmax) : -1100;  // a zero block: the smallest
        const double wanted = std::ldexp(1.0, exponent - f.element->as_float()->largest_exponent());
        block.scale_code = f.scale->encode(wanted);
    } else {
        block.scale_code = f.scale->encode(absmax / f.element->largest() / tensor_scale);
    }
    block.scale = f.scale->decode(block.scale_code) * tensor_scale;
    return block;
}

CodedBlock encode_block(const BlockFormat& f, std::span<const float> values, double tensor_scale) {
    double absmax = 0;
    for (const float value : values) {
        const double size = std::abs(static_cast<double>(value));
        absmax = std::isnan(size) || size > absmax ? size : absmax;
        if (std::isnan(absmax)) {
            break;
        }
    }
    CodedBlock block = block_scale(f, absmax, tensor_scale);
    block.codes.reserve(values.size());
    for (const float value : values) {
        // A scale that rounded to zero leaves nothing to tell the elements apart.
        const double element = block.scale > 0 ? static_cast<double>(value) / block.scale : 0;
        block.codes.push_back(f.element->encode(element));
    }
    return block;
}

std::vector<double> decode_block(const BlockFormat& f, const CodedBlock& block) {
    std::vector<double> values;
    values.reserve(block.codes.size());
    for (const std::uint32_t code : block.codes) {
        values.push_back(f.element->decode(code) * block.scale);
    }
    return values;
}

double tensor_scale(const BlockFormat& f, double absmax) {
    if (f.scale_is_power_of_two || !(absmax > 0) || !std::isfinite(absmax)) {
        return 1;
    }
    const double wanted = absmax / (f.element->largest() * f.scale->largest());
    const double stored = decode(formats::fp32, encode(formats::fp32, wanted, Overflow::saturate));
    return stored > 0 ? stored : 1;
}

const std::vector<BlockFormat>& block_format_list() {
    static const std::vector<BlockFormat> list = [] {
        std::vector<BlockFormat> found;
        for (const kernels::PackedLayout& row : kernels::packed_layouts) {
            if (row.elements > 0 && row.codes != nullptr &&
                row.codes->kind == formats::Kind::floating) {
                found.push_back({row.id, std::string(row.label), &find_number_format(row.codes->id),
                                 &find_number_format(row.scale->id), row.elements_per_scale(),
                                 row.rule == kernels::ScaleRule::power_of_two});
            }
        }
        return found;
    }();
    return list;
}

}  // namespace nibble
