#include "sim/roofline/measurements.hpp"

#include <fmt/format.h>

namespace nibble {
namespace {

constexpr std::int64_t measured_head_dim = 128;

GemmSeries read_gemm(const TomlTable& t) {
    GemmSeries s{t.text("kernel"), t.positive("weight_bits"), t.positive("activation_bits"), {}};
    for (const auto& r : t.rows("rows", 4)) {
        s.rows.push_back({r[0], r[1], r[2], Seconds{r[3] * micro}});
    }
    return s;
}

AttentionSeries read_attention(const TomlTable& t) {
    const std::string phase = t.text("phase");
    if (phase != "decode" && phase != "prefill") {
        t.refuse("phase", fmt::format("\"{}\" is neither decode nor prefill", phase));
    }
    AttentionSeries s{phase == "decode", t.positive("kv_bits"), {}};
    for (const auto& r : t.rows("rows", 5)) {
        s.rows.push_back({r[0], r[1], r[2], r[3], Seconds{r[4] * micro}});
    }
    return s;
}

}  // namespace

Operator operator_of(const GemmSeries& series, const MeasuredGemm& row) {
    Operator o;
    o.op = Op::q_proj;
    o.count = 1;
    o.flops = {2 * row.tokens * row.inputs * row.outputs};
    o.weights = {row.inputs * row.outputs * series.weight_bits / 8};
    // Results come out in 16 bits whatever goes in.
    o.activations = {row.tokens * (row.inputs * series.activation_bits + row.outputs * 16) / 8};
    o.tokens = row.tokens;
    o.inputs = row.inputs;
    o.outputs = row.outputs;
    return o;
}

Operator operator_of(const AttentionSeries& series, const MeasuredAttention& row) {
    const auto context = static_cast<std::int64_t>(row.context);
    const double pairs = row.batch * attended_pairs(series.decode ? 1 : context, context, 0);
    Operator o;
    o.op = Op::attention;
    o.count = 1;
    o.flops = {4 * row.heads * measured_head_dim * pairs};
    o.kv_read = {2 * row.batch * row.context * row.kv_heads * measured_head_dim * series.kv_bits /
                 8};
    return o;
}

Precision precision_of(const GemmSeries& series) {
    return {series.weight_bits, series.activation_bits};
}

Measurements read_measurements(const std::filesystem::path& path) {
    const TomlTable file = TomlTable::read(path);
    Measurements m;
    m.device = path.stem().string();
    m.machine = file.text("machine");
    static_cast<Citation&>(m) = citation_in(file);
    for (const TomlTable& t : file.tables("gemm")) {
        m.gemms.push_back(read_gemm(t));
    }
    for (const TomlTable& t : file.tables("attention")) {
        m.attentions.push_back(read_attention(t));
    }
    file.finish();
    return m;
}

}  // namespace nibble
