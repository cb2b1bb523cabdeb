// The table of formats: every row is whole, agrees with its sources, and is either read or known by
// name only.
#include <cmath>
#include <set>
#include <string>

#include "kernels/formats/packed_formats.hpp"
#include "kernels/quantize/packed_format.hpp"
#include "sim/tensor/block_codecs.hpp"
#include "sim/tensor/convert.hpp"

#include "tests/catch.hpp"

using namespace nibble;
using kernels::packed_layouts;
using kernels::PackedFormat;
using kernels::PackedLayout;
using kernels::Packing;

TEST_CASE("number formats have the extremes of their standards", "[formats]") {
    std::set<std::string_view> ids;
    for (const formats::NumberFormat& row : formats::number_formats) {
        CAPTURE(row.id);
        CHECK(ids.insert(row.id).second);
        CHECK(&formats::number_format(row.id) == &row);
        CHECK((row.levels != nullptr) == (row.kind == formats::Kind::codebook));
        CHECK(row.bits() >= 2);
        CHECK(row.bits() <= 32);
    }
    const auto largest = [](const char* id) { return formats::number_format(id).largest(); };
    CHECK(largest("fp8_e4m3") == 448);
    CHECK(largest("fp8_e5m2") == 57344);
    CHECK(largest("fp6_e2m3") == 7.5);
    CHECK(largest("fp6_e3m2") == 28);
    CHECK(largest("fp4_e2m1") == 6);
    CHECK(largest("fp16") == 65504);
    CHECK(largest("int8") == 127);
    CHECK(largest("uint4") == 15);
    CHECK(largest("nf4") == 1);
    CHECK(formats::fp8_e4m3.smallest_normal() == 0x1p-6);
    CHECK(formats::fp8_e4m3.smallest() == 0x1p-9);
    CHECK(std::isnan(decode(formats::fp8_e4m3, 0x7f)));
    CHECK(std::isinf(decode(formats::fp8_e5m2, 0x7c)));
    CHECK(formats::nf4_levels[7] == 0);
    CHECK(formats::nf4_levels[8] == 0.07958029955625534F);
    CHECK(formats::fp4_levels[3] == 1);
    const formats::Levels e2m1 = formats::levels_of(formats::number_format("fp4_e2m1"));
    const float magnitudes[] = {0, 0.5F, 1, 1.5F, 2, 3, 4, 6};
    for (std::size_t code = 0; code < 8; ++code) {
        CHECK(e2m1[code] == magnitudes[code]);
        CHECK(e2m1[code + 8] == -magnitudes[code]);
    }
    CHECK(std::signbit(e2m1[8]));
}

TEST_CASE("conversion without branches is decode()", "[formats]") {
    for (std::uint32_t code = 0; code < 1u << 16; ++code) {
        const auto same = [&](float fast, const formats::FloatFormat& f) {
            const double exact = decode(f, code);
            return std::isnan(exact) ? std::isnan(fast) : static_cast<double>(fast) == exact;
        };
        bool equal = same(formats::to_float<formats::fp16>(code), formats::fp16);
        if (code < 256) {
            equal = equal && same(formats::to_float<formats::fp8_e4m3>(code), formats::fp8_e4m3) &&
                    same(formats::to_float<formats::fp8_e5m2>(code), formats::fp8_e5m2) &&
                    same(formats::to_float<formats::fp6_e2m3>(code), formats::fp6_e2m3) &&
                    same(formats::to_float<formats::fp4_e2m1>(code), formats::fp4_e2m1);
        }
        if (!equal) {
            CAPTURE(code);
            CHECK(equal);
        }
    }
}

TEST_CASE("every packed format of the table is whole", "[formats]") {
    std::set<std::string_view> ids, labels;
    std::set<int> ggml_types;
    std::size_t row_index = 0;
    for (const PackedLayout& row : packed_layouts) {
        CAPTURE(row.id);
        CHECK(static_cast<std::size_t>(row.format) == row_index++);
        CHECK(&layout(row.format) == &row);
        CHECK(ids.insert(row.id).second);
        CHECK(labels.insert(row.label).second);
        CHECK((row.ggml_type < 0 || ggml_types.insert(row.ggml_type).second));
        CHECK((row.elements > 0) == (row.bytes > 0));
        CHECK(row.scale != nullptr);
        if (row.elements > 0) {
            CHECK(row.bits_per_weight() == 8.0 * row.bytes / row.elements);
            CHECK(row.elements % row.elements_per_scale() == 0);
            // Codes and one scale at least; a scale may be shared by less than a block.
            const int codes = row.codes == nullptr ? 0 : row.elements * row.codes->bits();
            CHECK(8 * row.bytes >= codes + row.scale->bits());
        }
        if (row.packing != Packing::none) {
            REQUIRE(row.codes != nullptr);
            CHECK(row.span() > 0);
        }
    }
}

TEST_CASE("bits a weight, as their sources print them", "[formats]") {
    const std::pair<PackedFormat, double> published[] = {
        {PackedFormat::q4_0, 4.5},        {PackedFormat::q4_1, 5},
        {PackedFormat::q5_0, 5.5},        {PackedFormat::q5_1, 6},
        {PackedFormat::q8_0, 8.5},        {PackedFormat::q2_k, 2.625},
        {PackedFormat::q3_k, 3.4375},     {PackedFormat::q4_k, 4.5},
        {PackedFormat::q5_k, 5.5},        {PackedFormat::q6_k, 6.5625},
        {PackedFormat::iq2_xxs, 2.0625},  {PackedFormat::iq2_xs, 2.3125},
        {PackedFormat::iq3_xxs, 3.0625},  {PackedFormat::iq1_s, 1.5625},
        {PackedFormat::iq4_nl, 4.5},      {PackedFormat::iq4_xs, 4.25},
        {PackedFormat::mxfp4, 4.25},      {PackedFormat::nvfp4, 4.5},
        {PackedFormat::mxfp6_e2m3, 6.25}, {PackedFormat::mxfp8_e4m3, 8.25},
    };
    for (const auto& [format, bits] : published) {
        CAPTURE(layout(format).id);
        CHECK(layout(format).bits_per_weight() == bits);
    }
}

TEST_CASE("a block type of files is read, or known by name only", "[formats]") {
    // Whoever adds a codec takes its format from here.
    const std::set<std::string> by_name_only = {
        "mxfp8_e4m3", "mxfp8_e5m2", "mxfp6_e2m3", "mxfp6_e3m2", "mxfp4", "nvfp4", "q8_1",
        "q2_k",       "q3_k",       "q4_k",       "q5_k",       "q6_k",  "q8_k",  "iq2_xxs",
        "iq2_xs",     "iq3_xxs",    "iq1_s",      "iq4_nl",     "iq3_s", "iq2_s", "iq4_xs",
        "iq1_m",      "tq1_0",      "tq2_0",      "q1_0",       "q2_0",
    };
    std::size_t unread = 0;
    for (const StoredType& type : stored_types) {
        CAPTURE(type.name);
        CHECK(&stored_type(type.dtype) == &type);
        CHECK(name(type.dtype) == type.name);
        if (type.is_plain) {
            CHECK(is_read(type.dtype));
            continue;
        }
        const PackedLayout& row = layout(type.block);
        CHECK(is_read(type.dtype) != by_name_only.contains(row.id));
        unread += is_read(type.dtype) ? 0 : 1;
        CHECK((types_read().find(row.label) != std::string::npos) == is_read(type.dtype));
        if (is_read(type.dtype)) {
            // A block of zero bytes has scale 0 and no minimum.
            const std::vector<std::byte> stored(type.size.bytes);
            std::vector<float> values(type.size.elements, 1);
            convert(type.dtype, stored, values);
            CHECK(std::all_of(values.begin(), values.end(), [](float v) { return v == 0; }));
        }
    }
    CHECK(unread == by_name_only.size());
    CHECK_FALSE(is_read(DType::other));
}

TEST_CASE("every format that the kernels quantize goes there and back", "[formats]") {
    std::vector<float> x(256);
    for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = static_cast<float>(std::sin(0.7 * static_cast<double>(i)));
    }
    for (const PackedFormat format : kernels::all_packed_formats) {
        CAPTURE(kernels::name(format));
        const kernels::PackedShape shape{format, 2, 128, 64};
        std::vector<std::uint8_t> codes(shape.code_bytes()), zeros(shape.zero_point_bytes() + 1);
        std::vector<float> scales(shape.scale_bytes() / sizeof(float) + 1), back(x.size());
        const kernels::PackedView packed{codes.data(), scales.data(), zeros.data()};
        kernels::quantize(shape, kernels::InputType::f32, x.data(), packed);
        kernels::dequantize(shape, packed, back.data());
        double noise = 0, power = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            noise += std::pow(static_cast<double>(x[i] - back[i]), 2);
            power += std::pow(static_cast<double>(x[i]), 2);
        }
        CHECK(noise < power / 50);  // 17 dB: less than 4 bits give
        CHECK(kernels::traits(format).steps > 0);
    }
}
