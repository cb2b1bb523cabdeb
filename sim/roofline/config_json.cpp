// A Hugging Face config.json as the shape of a model.
#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

#include "sim/core/error.hpp"
#include "sim/model/config_fields.hpp"
#include "sim/roofline/model_shape.hpp"

namespace nibble {

ModelShape read_config_json(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    if (!in) {
        throw Error(Error::Code::io, fmt::format("{} cannot be read", path.string()));
    }
    const ConfigFields f = read_config_fields(text.str(), path.string());
    const std::string folder = path.parent_path().filename().string();
    const bool old = f.type == "gpt2" || f.type == "opt";  // before RMS norms and gates
    ModelShape m;
    m.id = m.name = !f.name.empty() ? f.name : !folder.empty() ? folder : path.string();
    m.family = f.type;
    m.source = path.string();
    m.layers = f.layers;
    m.hidden = f.hidden;
    m.heads = f.heads;
    m.kv_heads = f.kv_heads;
    m.head_dim = f.head_dim;
    m.inner = f.inner;
    m.vocab = f.vocab;
    m.embedding_width = f.embedding_width;
    m.max_positions = f.max_positions;
    m.tied = f.tied;
    m.gated = !old;
    m.linear_bias = m.norm_has_bias = old;
    m.final_norm = f.final_norm;
    // OPT's first two rows are for padding.
    m.position_rows = old ? f.max_positions + (f.type == "opt" ? 2 : 0) : 0;
    m.qkv_bias = f.attention_bias || f.type == "qwen2";
    m.qk_norm = f.type == "qwen3";
    m.norms_per_layer = f.type == "gemma2" ? 4 : 2;
    m.window = f.window;
    m.full_layers = std::count(f.windowed.begin(), f.windowed.end(), false);
    if (f.experts) {
        m.experts = Experts{f.experts->count,  f.experts->active,      f.experts->inner,
                            f.experts->shared, f.experts->first_layer, f.latent.has_value()};
    }
    if (f.latent) {
        m.latent = LatentAttention{f.latent->query_rank, f.latent->rank, f.latent->rotary,
                                   f.latent->head_dim, f.latent->value_dim};
    }
    return m;
}

}  // namespace nibble
