// Every rung of every ladder: the same bytes as the oracle, on the emulator in three orders of
// threads and on a GPU where there is one.
#include "kernels/ladder.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <stdexcept>

#include "kernels/attention/ladder_shape.hpp"
#include "kernels/emulator/launch.hpp"
#include "kernels/formats/float_format.hpp"
#include "kernels/reduce/histogram.hpp"
#include "kernels/sampling/grid.hpp"

#include "tests/catch.hpp"
#include "tests/kernels/attention_oracle.hpp"
#include "tests/kernels/packed_oracle.hpp"
#include "tests/kernels/verify_oracle.hpp"

namespace nibble::kernels {
namespace {

using emulator::Order;
using emulator::Session;
using packed_oracle::Packed;

/// Weights with all that can go wrong in some groups: zeros, a NaN, an infinity, one huge value,
/// and scales so small that they vanish.
std::vector<float> weights_for(const Job& job) {
    std::mt19937 generator(5);
    std::normal_distribution<float> draw(0.0f, 0.02f);
    std::vector<float> x(job.values());
    for (float& v : x) {
        v = draw(generator);
    }
    const std::size_t group = job.group_size == 0 ? job.columns : job.group_size;
    const auto group_of = [&](std::size_t g, auto change) {
        const std::size_t start = g * group;
        for (std::size_t i = start; i < std::min(start + group, x.size()); ++i) {
            change(x[i], i - start);
        }
    };
    group_of(1, [](float& v, std::size_t) { v = 0.0f; });
    group_of(2, [](float& v, std::size_t i) { v = i == 1 ? std::nanf("") : v; });
    group_of(3, [](float& v, std::size_t i) { v = i == 0 ? -INFINITY : v; });
    group_of(4, [](float& v, std::size_t i) { v = i == 1 ? 1e4f : v; });
    group_of(5, [](float& v, std::size_t i) { v = i % 2 == 0 ? 1e-45f : -0.0f; });
    group_of(6, [](float& v, std::size_t) { v *= 1e-37f; });
    return x;
}

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of_buffer(const Arena& arena, std::size_t i) {
    const std::vector<std::byte> bytes = arena.download(i);
    Bytes same(bytes.size());
    std::memcpy(same.data(), bytes.data(), bytes.size());
    return same;
}

template <class T>
std::vector<T> values_of(const Bytes& bytes) {
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
}

/// Equal bits, or both NaN: which NaN a product of a NaN is, machines do not agree on.
void require_same_floats(const std::vector<float>& a, const std::vector<float>& b) {
    REQUIRE(a.size() == b.size());
    std::size_t different = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const bool same = std::bit_cast<std::uint32_t>(a[i]) == std::bit_cast<std::uint32_t>(b[i]);
        different += same || (std::isnan(a[i]) && std::isnan(b[i])) ? 0 : 1;
    }
    REQUIRE(different == 0);
}

/// Says where arrays part, which Catch's print of all their bytes would not.
void require_same_bytes(const std::string& name, const Bytes& found, const Bytes& expected) {
    CAPTURE(name);
    REQUIRE(found.size() == expected.size());
    const auto [here, there] = std::mismatch(found.begin(), found.end(), expected.begin());
    if (here != found.end()) {
        FAIL("byte " << here - found.begin() << " is " << int{*here} << ", not " << int{*there});
    }
}

/// What a ladder's outputs must be, by the plainest computation.
struct Expected {
    std::map<std::string, Bytes> bytes;                // exactly these
    std::map<std::string, std::vector<float>> floats;  // these, any NaN for a NaN
    std::vector<double> attended;                      // outputs of attention, to a tolerance
};

struct Kind {
    PackedFormat format;
    bool back = false, tensor = false, whole_row = false;
};
/// The ladders of packed formats; others have oracles of their own below.
const std::map<std::string, Kind> packed_kinds = {
    {"quantize-int4-group", {PackedFormat::int4}},
    {"quantize-int8-row", {.format = PackedFormat::int8, .whole_row = true}},
    {"quantize-int8-tensor", {.format = PackedFormat::int8, .tensor = true}},
    {"quantize-int4-tensor", {.format = PackedFormat::int4, .tensor = true}},
    {"quantize-int8-group", {PackedFormat::int8}},
    {"quantize-uint8-group", {PackedFormat::uint8}},
    {"quantize-uint4-group", {PackedFormat::uint4}},
    {"quantize-nf4-block", {PackedFormat::nf4}},
    {"quantize-fp4-block", {PackedFormat::fp4}},
    {"quantize-fp8-e4m3-row", {PackedFormat::fp8_e4m3}},
    {"quantize-fp8-e5m2-row", {PackedFormat::fp8_e5m2}},
    {"quantize-fp8-e4m3-tensor", {.format = PackedFormat::fp8_e4m3, .tensor = true}},
    {"quantize-fp8-e5m2-tensor", {.format = PackedFormat::fp8_e5m2, .tensor = true}},
    {"quantize-mxfp4", {PackedFormat::mxfp4}},
    {"quantize-mxfp8", {PackedFormat::mxfp8_e4m3}},
    {"quantize-q4-0", {PackedFormat::q4_0}},
    {"quantize-q8-0", {PackedFormat::q8_0}},
    {"dequantize-int4-group", {PackedFormat::int4, true}},
    {"dequantize-int8-row", {PackedFormat::int8, true}},
    {"dequantize-int8-tensor", {PackedFormat::int8, true, true}},
    {"dequantize-int4-tensor", {PackedFormat::int4, true, true}},
    {"dequantize-uint8-group", {PackedFormat::uint8, true}},
    {"dequantize-uint4-group", {PackedFormat::uint4, true}},
    {"dequantize-nf4-block", {PackedFormat::nf4, true}},
    {"dequantize-fp4-block", {PackedFormat::fp4, true}},
    {"dequantize-fp8-e4m3-row", {PackedFormat::fp8_e4m3, true}},
    {"dequantize-fp8-e5m2-row", {PackedFormat::fp8_e5m2, true}},
    {"dequantize-fp8-e4m3-tensor", {PackedFormat::fp8_e4m3, true, true}},
    {"dequantize-fp8-e5m2-tensor", {PackedFormat::fp8_e5m2, true, true}},
    {"dequantize-mxfp4", {PackedFormat::mxfp4, true}},
    {"dequantize-mxfp8", {PackedFormat::mxfp8_e4m3, true}},
    {"dequantize-q4-0", {PackedFormat::q4_0, true}},
    {"dequantize-q8-0", {PackedFormat::q8_0, true}},
};

/// x as it comes back from `type`.
std::vector<float> rounded_to(InputType type, std::vector<float> x) {
    const formats::FloatFormat& format = type == InputType::f16 ? formats::fp16 : formats::bf16;
    for (float& v : x) {
        v = type == InputType::f32
                ? v
                : static_cast<float>(formats::decode(
                      format, formats::encode(format, v, formats::Overflow::standard)));
    }
    return x;
}

/// One scale for all: the codes are those of one long row, laid out in rows again.
Expected expected_tensor(const Kind& kind, const Job& job, const std::vector<float>& x) {
    const PackedShape long_row{kind.format, 1, job.values(), 0};
    const Packed packed = packed_oracle::quantize(long_row, x);
    if (kind.back) {
        return {{}, {{"y", packed_oracle::dequantize(long_row, packed)}}};
    }
    const PackedShape shape{kind.format, job.rows, job.columns, 0};
    Bytes codes(shape.code_bytes());
    const bool nibbles = shape.row_bytes() < job.columns || kind.format == PackedFormat::int4;
    for (std::size_t i = 0; i < job.values(); ++i) {
        const int code = packed_oracle::code_at(long_row, packed, 0, i);
        const std::size_t row = i / job.columns, column = i % job.columns;
        codes[row * shape.row_bytes() + column / (nibbles ? 2 : 1)] |=
            static_cast<std::uint8_t>(nibbles && column % 2 == 1 ? code << 4 : code);
    }
    return {{{"codes", codes}, {"scales", packed.scales}}, {}};
}

Expected expected_packed(const Kind& kind, const Job& job, const std::vector<float>& weights) {
    const std::vector<float> x = kind.back ? weights : rounded_to(job.input, weights);
    if (kind.tensor) {
        return expected_tensor(kind, job, x);
    }
    const PackedShape shape{kind.format, job.rows, job.columns,
                            kind.whole_row ? 0 : job.group_size};
    const Packed packed = packed_oracle::quantize(shape, x);
    if (kind.back) {
        return {{}, {{"y", packed_oracle::dequantize(shape, packed)}}};
    }
    return {
        {{"codes", packed.codes}, {"scales", packed.scales}, {"zero_points", packed.zero_points}},
        {}};
}

/// Bytes of the named buffer as a rung or the processor left it.
using Result = std::map<std::string, Bytes>;

Result run_on(const Device& on, const Ladder& ladder, RunLadder run, const Job& job,
              const std::vector<float>& weights) {
    Arena arena(on, ladder, job);
    arena.prepare(weights);
    run(job, arena.pointers());
    on.wait();
    Result result;
    for (std::size_t i = 0; i < arena.infos().size(); ++i) {
        if (!arena.infos()[i].is_scratch) {
            result[arena.infos()[i].name] = bytes_of_buffer(arena, i);
        }
    }
    return result;
}

float as_one_float(const Bytes& bytes) {
    return values_of<float>(bytes).at(0);
}

std::vector<std::uint32_t> plain_histogram(const std::vector<float>& x) {
    std::vector<std::uint32_t> counts(histogram_counts);
    for (const float v : x) {
        const double place = (static_cast<double>(v) - histogram_low) /
                             (static_cast<double>(histogram_high) - histogram_low) * histogram_bins;
        std::size_t bin = histogram_bins + 2;
        if (v < histogram_low) {
            bin = histogram_bins;
        } else if (v > histogram_high) {
            bin = histogram_bins + 1;
        } else if (!std::isnan(v)) {
            bin = std::min<std::size_t>(static_cast<std::size_t>(place), histogram_bins - 1);
        }
        ++counts[bin];
    }
    return counts;
}

void check_double_quantization(const Ladder& ladder, const Result& r,
                               const std::vector<float>& weights) {
    double sum = 0, finite = 0;
    for (const float w : weights) {
        sum += std::isfinite(w) ? std::fabs(w) : 0;
        finite += std::isfinite(w) ? 1 : 0;
    }
    const double mean = as_one_float(r.at("mean"));
    REQUIRE(std::fabs(mean - sum / finite) <= ladder.tolerance * sum / finite);
    const auto codes = r.at("codes");
    const auto block_scales = values_of<float>(r.at("block_scales"));
    const auto& map = dynamic_map();
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const std::size_t block = i / scale_block;
        const auto begin = weights.begin() + static_cast<long>(block * scale_block);
        const auto end = weights.begin() +
                         static_cast<long>(std::min(weights.size(), (block + 1) * scale_block));
        const bool bad = std::any_of(begin, end, [](float v) { return !std::isfinite(v); });
        wrong += bad == std::isnan(block_scales[block]) ? 0 : 1;
        if (bad) {
            continue;
        }
        // no level is nearer than the chosen one, but for a rounding of the quotient
        const double q = (std::fabs(weights[i]) - mean) / block_scales[block];
        double best = 1e9;
        for (const float level : map) {
            best = std::min(best, std::fabs(q - level));
        }
        wrong += std::fabs(q - map[codes[i]]) <= best + ladder.tolerance ? 0 : 1;
    }
    REQUIRE(wrong == 0);
}

/// From the inputs as the ladder filled them.
std::vector<double> expected_attention(const Job& job, const Result& r) {
    const AttentionShape shape{job.rows, ladder_heads, ladder_kv_heads, ladder_head_dim};
    const auto queries = values_of<float>(r.at("queries"));
    const auto lengths = values_of<std::int32_t>(r.at("lengths"));
    const auto keys = values_of<std::uint16_t>(r.at("keys"));
    const auto values = values_of<std::uint16_t>(r.at("values"));
    const bool paged = r.contains("table");
    const auto table = paged ? values_of<std::int32_t>(r.at("table")) : std::vector<std::int32_t>();
    const std::size_t block = paged && job.group_size > 0 ? job.group_size : job.columns;
    const std::size_t columns = (job.columns + block - 1) / block;
    return attention_oracle::attend(
        shape, {queries, lengths}, keys, values, [&](std::size_t s, std::size_t h, std::size_t t) {
            const std::size_t of_cache =
                paged ? static_cast<std::size_t>(table[s * columns + t / block]) : s;
            return (of_cache * ladder_kv_heads + h) * block + t % block;
        });
}

void check_verification(const Job& job, const Result& r) {
    const auto target = values_of<float>(r.at("target")), draft = values_of<float>(r.at("draft"));
    const auto uniforms = values_of<float>(r.at("uniforms"));
    const auto tokens = values_of<std::int32_t>(r.at("tokens"));
    const VerifyShape shape{job.rows, ladder_drafts, job.columns};
    const VerifyInput input{target, draft, tokens, uniforms};
    REQUIRE_NOTHROW(check_verification(shape, input));
    const verify_oracle::Decision expected = verify_oracle::decide(shape, input);
    REQUIRE(values_of<std::int32_t>(r.at("accepted")) == expected.accepted);
    REQUIRE(values_of<std::int32_t>(r.at("next")) == expected.next);
}

/// All that one job of a ladder is compared with, made once.
struct Truth {
    std::vector<float> weights;
    Expected expected;  // of packed formats
    Result processor;

    Truth(const Ladder& ladder, const Job& job) : weights(weights_for(job)) {
        if (packed_kinds.contains(ladder.id)) {
            expected = expected_packed(packed_kinds.at(ladder.id), job, weights);
        }
        processor = run_on(device(Machine::cpu), ladder, ladder.cpu, job, weights);
        if (ladder.family == "attention") {
            expected.attended = expected_attention(job, processor);
        }
    }
};

/// Against a plain computation in double.
void check_result(const Ladder& ladder, const Job& job, const Truth& truth, const Result& result) {
    const std::vector<float>& weights = truth.weights;
    if (packed_kinds.contains(ladder.id)) {
        const Expected& expected = truth.expected;
        for (const auto& [name, bytes] : expected.bytes) {
            if (result.contains(name)) {
                require_same_bytes(name, result.at(name), bytes);
            }
        }
        for (const auto& [name, floats] : expected.floats) {
            require_same_floats(values_of<float>(result.at(name)), floats);
        }
        return;
    }
    const std::vector<float> x = rounded_to(job.input, weights);
    if (ladder.id == "absmax") {
        const bool bad = std::any_of(x.begin(), x.end(), [](float v) { return std::isnan(v); });
        float largest = 0;
        for (const float v : x) {
            largest = std::max(largest, std::fabs(v));
        }
        require_same_floats(values_of<float>(result.at("largest")),
                            {bad ? std::nanf("") : largest});
    } else if (ladder.id == "histogram") {
        REQUIRE(values_of<std::uint32_t>(result.at("counts")) == plain_histogram(x));
    } else if (ladder.id == "squared-error") {
        const auto a = values_of<float>(result.at("a")), b = values_of<float>(result.at("b"));
        double sum = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
            sum += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
        }
        const double found = values_of<double>(result.at("sum")).at(0);
        REQUIRE((std::isnan(sum) ? std::isnan(found)
                                 : std::fabs(found - sum) <= ladder.tolerance * sum));
    } else if (ladder.id == "quantize-scales") {
        check_double_quantization(ladder, result, weights);
    } else if (ladder.id == "dequantize-scales") {
        const auto codes = result.at("codes");
        const auto block_scales = values_of<float>(result.at("block_scales"));
        const float mean = as_one_float(result.at("mean"));
        std::vector<float> scales;
        for (std::size_t i = 0; i < codes.size(); ++i) {
            const auto product = static_cast<float>(
                static_cast<double>(block_scales[i / scale_block]) * dynamic_map()[codes[i]]);
            const auto scale = static_cast<float>(static_cast<double>(mean) + product);
            scales.push_back(scale < 0 ? 0 : scale);
        }
        require_same_floats(values_of<float>(result.at("scales")), scales);
    } else if (ladder.id == "pack-nibbles" || ladder.id == "unpack-nibbles") {
        const Bytes &codes = result.at("codes"), &packed = result.at("packed");
        std::size_t wrong = codes.size() % 2 == 0 || packed.back() < 16 ? 0 : 1;
        for (std::size_t i = 0; i < codes.size(); ++i) {
            wrong += codes[i] == (packed[i / 2] >> (i % 2 == 0 ? 0 : 4) & 15) ? 0 : 1;
        }
        REQUIRE(wrong == 0);
    } else if (ladder.family == "attention") {
        const auto found = values_of<float>(result.at("outputs"));
        REQUIRE(found.size() == truth.expected.attended.size());
        double largest = 0;
        for (std::size_t i = 0; i < found.size(); ++i) {
            const double difference = std::fabs(found[i] - truth.expected.attended[i]);
            largest = difference <= largest ? largest : difference;  // NaN shows
        }
        REQUIRE(largest <= ladder.tolerance * 4);  // values lie within 4
    } else if (ladder.id == "verify-drafts") {
        check_verification(job, result);
    } else {
        FAIL("no oracle for " << ladder.id);
    }
}

/// Against the processor: the same bytes, or any NaN for a NaN.
void check_against_processor(const Ladder& ladder, const Truth& truth, const Result& result) {
    if (ladder.tolerance > 0) {
        return;  // sums, in another order
    }
    for (const auto& [name, bytes] : truth.processor) {
        const bool floats = name == "y" || name == "largest" || ladder.id == "dequantize-scales";
        if (floats && bytes.size() % 4 == 0) {
            require_same_floats(values_of<float>(result.at(name)), values_of<float>(bytes));
        } else {
            require_same_bytes(name, result.at(name), bytes);
        }
    }
}

void check_rung(const Device& on, const Ladder& ladder, RunLadder run, const Job& job,
                const Truth& truth) {
    const Result result = run_on(on, ladder, run, job, truth.weights);
    check_result(ladder, job, truth, result);
    check_against_processor(ladder, truth, result);
}

bool takes(const Ladder& ladder, const Job& job) {
    try {
        ladder.check(job);
        return true;
    } catch (const std::invalid_argument&) { return false; }
}

/// Sizes with tails of every kind: odd columns, groups cut short, one value, a whole row; rows that
/// fill lanes, warps, blocks and more than a block's registers.
std::vector<Job> jobs_for(const Ladder& ladder) {
    std::vector<Job> jobs;
    for (const InputType input : {InputType::f32, InputType::f16, InputType::bf16}) {
        for (Job job :
             {Job{3, 256, 32}, Job{5, 128, 16}, Job{2, 77, 32}, Job{3, 9, 4}, Job{9, 1, 2},
              Job{2, 130, 0}, Job{4, 512, 256}, Job{3, 384, 128}, Job{1, 2080, 0}}) {
            job.input = input;
            jobs.push_back(job);
        }
    }
    jobs.push_back(ladder.example);
    if (ladder.example.group_size == 0 && ladder.family == "quantize") {
        jobs.push_back({1, 8256, 0});  // for the largest blocks of threads
    }
    // a token of attention is two thousand operations: of the long ones only the example
    const bool is_heavy = ladder.family == "attention";
    std::erase_if(jobs, [&](const Job& job) {
        return !takes(ladder, job) || (is_heavy && job.values() > 2 * ladder.example.columns);
    });
    return jobs;
}

}  // namespace

TEST_CASE("every rung writes the oracle's bytes on the emulator, in every order", "[ladder]") {
    for (const Ladder& ladder : ladders()) {
        for (const Job& job : jobs_for(ladder)) {
            CAPTURE(ladder.id, job.rows, job.columns, job.group_size, name(job.input));
            const Truth truth(ladder, job);
            check_result(ladder, job, truth, truth.processor);
            for (const Rung& rung : ladder.rungs) {
                for (const Order order : {Order::forward, Order::reverse, Order::shuffled}) {
                    CAPTURE(rung.name, static_cast<int>(order));
                    const Session session({.order = order, .seed = 3});
                    check_rung(device(Machine::emulated), ladder, rung.emulated, job, truth);
                }
            }
        }
    }
}

TEST_CASE("every rung writes the oracle's bytes on the GPU", "[ladder][gpu]") {
    const Device& gpu = device(Machine::cuda);
    const DeviceInfo info = gpu.probe();
    if (!info.ready()) {
        WARN("skipped: " << info.reason);
        return;
    }
    for (const Ladder& ladder : ladders()) {
        for (const Job& job : jobs_for(ladder)) {
            CAPTURE(ladder.id, job.rows, job.columns, job.group_size, name(job.input));
            const Truth truth(ladder, job);
            for (const Rung& rung : ladder.rungs) {
                CAPTURE(rung.name);
                REQUIRE(rung.cuda != nullptr);
                check_rung(gpu, ladder, rung.cuda, job, truth);
            }
        }
    }
}

TEST_CASE("each rung's source is in the program, comment and all", "[ladder]") {
    for (const Ladder& ladder : ladders()) {
        for (const Rung& rung : ladder.rungs) {
            CAPTURE(ladder.id, rung.name);
            const SourceExcerpt excerpt = source_of(rung);
            REQUIRE(excerpt.text.starts_with("/// "));
            CHECK(excerpt.text.find("__global__ void") != std::string_view::npos);
            CHECK(excerpt.text.ends_with("\n}\n"));
            const std::string_view all = source_text(rung.source);
            std::size_t at = 0;
            for (unsigned line = 1; line < excerpt.first_line; ++line) {
                at = all.find('\n', at) + 1;
            }
            CHECK(all.substr(at).starts_with(excerpt.text));
        }
    }
    CHECK(source_text("kernels/quantize/nothing.cuh").empty());
    Rung absent = ladders().front().rungs.front();
    absent.kernel = "nothing";
    CHECK(source_of(absent).text.empty());
}

}  // namespace nibble::kernels
