#include "sim/roofline/model_shape.hpp"

#include <fmt/format.h>

#include "sim/roofline/toml_table.hpp"

namespace nibble {
namespace {

std::int64_t attention_matrices(const ModelShape& m) {
    if (!m.latent) {
        return 2 * m.hidden * m.heads * m.head_dim + 2 * m.hidden * m.kv_heads * m.head_dim;
    }
    const LatentAttention& a = *m.latent;
    const std::int64_t queries = m.heads * (a.head_dim + a.rotary);
    const std::int64_t q =
        a.query_rank ? m.hidden * a.query_rank + a.query_rank * queries : m.hidden * queries;
    return q + m.hidden * a.cached() + a.rank * m.heads * (a.head_dim + a.value_dim) +
           m.heads * a.value_dim * m.hidden;
}

std::int64_t feed_forward(const ModelShape& m, std::int64_t inner) {
    return (m.gated ? 3 : 2) * m.hidden * inner;
}

Experts read_experts(const TomlTable& t) {
    Experts e;
    e.count = t.count("count");
    e.active = t.count("active");
    e.inner = t.count("inner");
    e.shared = t.count_or("shared", 0);
    e.first_layer = t.count_or("first_layer", 0);
    e.router_bias = t.flag_or("router_bias", false);
    if (e.active > e.count) {
        t.refuse("active", fmt::format("{} of {} experts", e.active, e.count));
    }
    return e;
}

LatentAttention read_latent(const TomlTable& t) {
    return {t.count_or("query_rank", 0), t.count("rank"), t.count("rotary"), t.count("head_dim"),
            t.count("value_dim")};
}

}  // namespace

std::int64_t ModelShape::layer_matrix_parameters() const {
    std::int64_t sum = layers * attention_matrices(*this) +
                       (layers - expert_layers()) * feed_forward(*this, inner);
    if (experts) {
        sum +=
            expert_layers() * (hidden * experts->count + (experts->count + experts->shared) *
                                                             feed_forward(*this, experts->inner));
    }
    return sum;
}

std::int64_t ModelShape::small_parameters() const {
    const std::int64_t norm = norm_has_bias ? 2 * hidden : hidden;
    std::int64_t sum =
        (layers * norms_per_layer + (final_norm ? 1 : 0)) * norm + position_rows * hidden;
    const std::int64_t qkv = (heads + 2 * kv_heads) * head_dim;
    sum += qkv_bias || linear_bias ? layers * qkv : 0;
    sum += linear_bias ? layers * (hidden + inner + hidden) : 0;
    sum += qk_norm ? layers * 2 * head_dim : 0;
    if (embedding_width != hidden) {  // projections into the stream and out of it
        sum += 2 * embedding_width * hidden;
    }
    if (latent) {  // a norm after each projection into a smaller space
        sum += layers * (latent->query_rank + latent->rank);
    }
    return sum + (experts && experts->router_bias ? expert_layers() * experts->count : 0);
}

std::int64_t ModelShape::parameters() const {
    return layer_matrix_parameters() + small_parameters() + (tied ? 1 : 2) * embedding_parameters();
}

std::int64_t ModelShape::active_parameters() const {
    const std::int64_t idle = experts ? expert_layers() * (experts->count - experts->active) *
                                            feed_forward(*this, experts->inner)
                                      : 0;
    return parameters() - idle;
}

ModelShape read_model(const std::filesystem::path& path) {
    const TomlTable file = TomlTable::read(path);
    ModelShape m;
    m.id = path.stem().string();
    m.name = file.text("name");
    m.family = file.text("family");
    m.layers = file.count("layers");
    m.hidden = file.count("hidden");
    m.heads = file.count("heads");
    m.kv_heads = file.count("kv_heads");
    m.head_dim = file.count("head_dim");
    m.inner = file.count("inner");
    m.vocab = file.count("vocab");
    m.embedding_width = m.hidden;
    m.max_positions = file.count_or("max_positions", 0);
    m.tied = file.flag_or("tied", false);
    m.gated = file.flag_or("gated", true);
    m.window = file.count_or("window", 0);
    m.full_layers =
        file.has("full_attention_every") ? m.layers / file.count("full_attention_every") : 0;
    const std::string norm = file.text_or("norm", "rms");
    if (norm != "rms" && norm != "layer") {
        file.refuse("norm", fmt::format("\"{}\" is neither rms nor layer", norm));
    }
    m.norm_has_bias = norm == "layer";
    m.norms_per_layer = file.count_or("norms_per_layer", 2);
    m.qkv_bias = file.flag_or("qkv_bias", false);
    m.linear_bias = file.flag_or("linear_bias", false);
    m.position_rows = file.count_or("position_rows", 0);
    if (m.kv_heads > m.heads || m.heads % m.kv_heads != 0) {
        file.refuse("kv_heads",
                    fmt::format("{} do not share {} heads evenly", m.kv_heads, m.heads));
    }
    if (const auto experts = file.table_if("experts")) {
        m.experts = read_experts(*experts);
        if (m.experts->first_layer >= m.layers) {
            experts->refuse("first_layer", fmt::format("is past the {} layers", m.layers));
        }
    }
    if (const auto latent = file.table_if("latent")) {
        m.latent = read_latent(*latent);
    }
    const TomlTable source = file.table("source");
    m.source = source.text("shape");
    if (source.has("parameters")) {
        m.published_parameters = source.count("parameters");
        m.counted_in = source.text("counted_in");
    }
    file.finish();
    return m;
}

}  // namespace nibble
