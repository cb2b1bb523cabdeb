#include "sim/model/model_files.hpp"

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/model/evaluate.hpp"
#include "sim/model/train.hpp"

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::model_files_test {

using namespace nibble::testing;
namespace fs = std::filesystem;

namespace {

/// A GGUF file, written by hand: what a loader has to understand.
class GgufWriter {
public:
    void text(const std::string& key, const std::string& value) {
        begin(key, 8);
        put_text(value);
    }
    void number(const std::string& key, std::uint32_t value) {
        begin(key, 4);
        put(value);
    }
    void real(const std::string& key, float value) {
        begin(key, 6);
        put(value);
    }
    void texts(const std::string& key, const std::vector<std::string>& values) {
        begin(key, 9);
        put(std::uint32_t{8});
        put(static_cast<std::uint64_t>(values.size()));
        for (const std::string& value : values) {
            put_text(value);
        }
    }
    void reals(const std::string& key, const std::vector<float>& values) {
        begin(key, 9);
        put(std::uint32_t{6});
        put(static_cast<std::uint64_t>(values.size()));
        for (const float value : values) {
            put(value);
        }
    }
    void tensor(const std::string& name, const std::vector<Index>& shape,
                const std::vector<float>& values) {
        tensors_.push_back({name, shape, values});
    }
    void write(const fs::path& path) {
        std::string head = "GGUF";
        const auto add = [&head](const auto& value) {
            head.append(reinterpret_cast<const char*>(&value), sizeof value);
        };
        add(std::uint32_t{3});
        add(static_cast<std::uint64_t>(tensors_.size()));
        add(entries_);
        head += metadata_;
        std::string data;
        for (const auto& [name, shape, values] : tensors_) {
            add(static_cast<std::uint64_t>(name.size()));
            head += name;
            add(static_cast<std::uint32_t>(shape.size()));
            for (auto i = shape.rbegin(); i != shape.rend(); ++i) {
                add(static_cast<std::uint64_t>(*i));
            }
            add(std::uint32_t{0});
            add(static_cast<std::uint64_t>(data.size()));
            data.append(reinterpret_cast<const char*>(values.data()), values.size() * 4);
            data.append((32 - data.size() % 32) % 32, '\0');
        }
        head.append((32 - head.size() % 32) % 32, '\0');
        std::ofstream(path, std::ios::binary) << head << data;
    }

private:
    struct Tensor {
        std::string name;
        std::vector<Index> shape;
        std::vector<float> values;
    };
    template <class T>
    void put(T value) {
        metadata_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void put_text(const std::string& value) {
        put(static_cast<std::uint64_t>(value.size()));
        metadata_ += value;
    }
    void begin(const std::string& key, std::uint32_t type) {
        put_text(key);
        put(type);
        ++entries_;
    }
    std::string metadata_;
    std::uint64_t entries_ = 0;
    std::vector<Tensor> tensors_;
};

ModelConfig config() {
    ModelConfig c = tiny_config();
    c.tied_head = false;
    c.bos = 0;
    c.eos = {1};
    return c;
}

std::vector<float> values_of(const Parameter& p, const std::vector<float>& all) {
    return {all.begin() + p.offset, all.begin() + p.offset + p.size()};
}

/// Rows of q and k as GGUF Llama files order them: the two halves of each head interleaved.
std::vector<float> interleaved(const Parameter& p, const std::vector<float>& rows, Index head_dim) {
    std::vector<float> out(rows.size());
    for (Index r = 0; r < p.rows; ++r) {
        const Index head = r / head_dim, i = r % head_dim, half = head_dim / 2;
        const Index to = head * head_dim + (i < half ? 2 * i : 2 * (i - half) + 1);
        std::copy_n(rows.begin() + r * p.cols, p.cols, out.begin() + to * p.cols);
    }
    return out;
}

void write_gguf(const fs::path& path, const ModelConfig& c, const std::vector<float>& all,
                const std::string& architecture = "llama", bool whole = true) {
    GgufWriter gguf;
    gguf.text("general.architecture", architecture);
    gguf.number("llama.embedding_length", static_cast<std::uint32_t>(c.hidden));
    gguf.number("llama.feed_forward_length", static_cast<std::uint32_t>(c.inner));
    gguf.number("llama.block_count", static_cast<std::uint32_t>(c.layers));
    gguf.number("llama.attention.head_count", static_cast<std::uint32_t>(c.heads));
    gguf.number("llama.attention.head_count_kv", static_cast<std::uint32_t>(c.kv_heads));
    gguf.number("llama.attention.key_length", static_cast<std::uint32_t>(c.head_dim));
    gguf.number("llama.rope.dimension_count", static_cast<std::uint32_t>(c.head_dim));
    gguf.number("llama.context_length", static_cast<std::uint32_t>(c.max_positions));
    gguf.real("llama.attention.layer_norm_rms_epsilon", static_cast<float>(c.norm_eps));
    gguf.text("tokenizer.ggml.model", "llama");
    std::vector<std::string> pieces;
    for (Index i = 0; i < c.vocab; ++i) {
        pieces.push_back(i == 0 ? "<s>" : std::string(1, static_cast<char>('a' + i)));
    }
    gguf.texts("tokenizer.ggml.tokens", pieces);
    gguf.reals("tokenizer.ggml.scores", std::vector<float>(pieces.size()));
    gguf.number("tokenizer.ggml.bos_token_id", 0);
    gguf.number("tokenizer.ggml.eos_token_id", 1);
    const std::map<std::string, std::string> parts = {
        {"input_layernorm", "attn_norm"},    {"self_attn.q_proj", "attn_q"},
        {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
        {"self_attn.o_proj", "attn_output"}, {"post_attention_layernorm", "ffn_norm"},
        {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
        {"mlp.down_proj", "ffn_down"}};
    for (const Parameter& p : parameters_of(c)) {
        std::vector<float> values = values_of(p, all);
        std::string name = p.name == "model.embed_tokens.weight" ? "token_embd.weight"
                           : p.name == "model.norm.weight"       ? "output_norm.weight"
                                                                 : "output.weight";
        if (p.name.starts_with("model.layers.")) {
            const std::string part = p.name.substr(15, p.name.size() - 15 - 7);
            name = "blk." + p.name.substr(13, 1) + "." + parts.at(part) + ".weight";
            if (part == "self_attn.q_proj" || part == "self_attn.k_proj") {
                values = interleaved(p, values, c.head_dim);
            }
        }
        if (whole || name != "blk.1.ffn_up.weight") {
            gguf.tensor(name,
                        p.is_matrix ? std::vector<Index>{p.rows, p.cols} : std::vector{p.cols},
                        values);
        }
    }
    gguf.write(path);
}

void write_text(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

struct Folder : ScratchFolder {
    ModelConfig c = config();
    std::vector<float> all = tiny_weights<float>(c);

    Folder() {
        write_text(path / "config.json", config_to_json(c));
        write_shards();
    }
    /// Two files and their index, as large models come.
    void write_shards(const std::string& without = "") const {
        std::map<std::string, std::vector<float>> keep;
        std::vector<NamedTensor> shards[2];
        nlohmann::json map;
        const auto parameters = parameters_of(c);
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            const Parameter& p = parameters[i];
            if (p.name == without) {
                continue;
            }
            keep[p.name] = values_of(p, all);
            const std::size_t shard = i < parameters.size() / 2 ? 0 : 1;
            shards[shard].push_back(
                {p.name, p.is_matrix ? std::vector<Index>{p.rows, p.cols} : std::vector{p.cols},
                 keep[p.name]});
            map[p.name] = shard == 0 ? "a.safetensors" : "b.safetensors";
        }
        write_safetensors(path / "a.safetensors", shards[0]);
        write_safetensors(path / "b.safetensors", shards[1]);
        write_text(path / "model.safetensors.index.json",
                   nlohmann::json{{"weight_map", map}}.dump());
    }
    std::string error() const {
        return error_of([this] { ModelFiles::open(path)->load(); });
    }
    void change_config(const std::string& from, const std::string& to) const {
        std::string text = config_to_json(c);
        REQUIRE(contains(text, from));
        text.replace(text.find(from), from.size(), to);
        write_text(path / "config.json", text);
    }
};

const std::vector<TokenIds>& some_batch() {
    static const std::vector<TokenIds> batch = {tiny_tokens(20, 1), tiny_tokens(3, 2)};
    return batch;
}

}  // namespace

TEST_CASE("shards, GGUF and streaming give the logits of the weights they hold", "[model]") {
    const Folder folder;
    const auto expected = logits<float>(model_owning<float>(folder.c, folder.all), some_batch());
    const auto files = ModelFiles::open(folder.path);
    CHECK(logits<float>(files->load(), some_batch()).values() == expected.values());
    CHECK(logits<float>(files->stream(), some_batch()).values() == expected.values());
    CHECK(files->float_bytes() == 4 * folder.all.size());
    const Parameter p = parameters_of(folder.c)[7];
    CHECK(files->read(p.name).values() == values_of(p, folder.all));

    const fs::path path = folder.path / "m.gguf";
    write_gguf(path, folder.c, folder.all);
    const auto gguf = ModelFiles::open(path);
    CHECK(gguf->config().rotary_pairs == RotaryPairs::interleaved);
    CHECK(gguf->needed_tokenizer().size() == folder.c.vocab);
    const auto from_gguf = logits<float>(gguf->load(), some_batch());
    for (std::size_t i = 0; i < expected.values().size(); ++i) {
        // Scores are summed in another order.
        CHECK(from_gguf.values()[i] == Approx(expected.values()[i]).margin(1e-5));
    }
    // One replaced layer in a streamed model.
    const Matrix<float> zero(folder.c.hidden, folder.c.inner);
    CHECK(
        logits<float>(with_weights(files->stream(), {1, Linear::down}, zero), some_batch())
            .values() ==
        logits<float>(with_weights(files->load(), {1, Linear::down}, zero), some_batch()).values());
}

TEST_CASE("a saved model comes back, in FP16 to its rounding", "[model]") {
    const ScratchFolder folder;
    ModelConfig c = config();
    c.rotary_scaling = RotaryScaling::llama3;
    c.rotary_factor = 8;
    c.sliding_window = 7;
    const auto all = tiny_weights<float>(c);
    save_model(folder.path, c, all, to_json(train_byte_bpe({}, 258)), false);
    // 258 pieces are more than this model's 17 embeddings.
    CHECK(contains(error_of([&] { ModelFiles::open(folder.path); }), "258 pieces"));
    fs::remove(folder.path / "tokenizer.json");
    const auto files = ModelFiles::open(folder.path);
    c.architecture = "mistral";
    CHECK(files->config() == c);
    CHECK(logits<float>(files->load(), some_batch()).values() ==
          logits<float>(model_owning<float>(c, all), some_batch()).values());
    CHECK(contains(error_of([&] { files->needed_tokenizer(); }), "tokenizer.json"));

    save_model(folder.path, c, all, "{}", true);
    const auto half = ModelFiles::open(folder.path);
    for (const Parameter& p : parameters_of(c)) {
        const auto read = half->read(p.name).values();
        const auto expected = values_of(p, all);
        for (std::size_t i = 0; i < read.size(); ++i) {
            // Half a unit of 11 bits, or of the subnormals' 2^-24.
            CHECK(std::abs(read[i] - expected[i]) <=
                  std::max(std::abs(expected[i]) * 0x1p-11F, 0x1p-25F));
        }
    }
}

TEST_CASE("a model with something wrong is refused by what is wrong", "[model]") {
    const Folder folder;
    folder.write_shards("model.layers.1.mlp.up_proj.weight");
    CHECK(contains(folder.error(), "model.layers.1.mlp.up_proj.weight is missing"));
    folder.write_shards();
    folder.change_config("\"intermediate_size\": 20", "\"intermediate_size\": 24");
    CHECK(contains(folder.error(), "gate_proj.weight is 20 x 12, the config makes it 24 x 12"));
    folder.change_config("\"vocab_size\": 17", "\"vocab_size\": 19");
    CHECK(contains(folder.error(), "embed_tokens.weight is 17 x 12, the config makes it 19 x 12"));
    folder.change_config("\"llama\"", "\"qwen2\"");
    CHECK(contains(folder.error(), "\"qwen2\""));
    CHECK(contains(folder.error(), "biases"));
    folder.change_config("\"silu\"", "\"gelu\"");
    CHECK(contains(folder.error(), "gelu"));
    folder.change_config("\"hidden_size\": 12", "\"hidden_size\": \"12\"");
    CHECK(contains(folder.error(), "hidden_size"));
    folder.change_config("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3");
    CHECK(contains(folder.error(), "share 3"));
    folder.change_config("\"hidden_act\"",
                         "\"rope_scaling\": {\"rope_type\": \"yarn\", "
                         "\"factor\": 2}, \"hidden_act\"");
    CHECK(contains(folder.error(), "yarn"));
    write_text(folder.path / "config.json", "{");
    CHECK(contains(folder.error(), "line 1, column 2: not JSON"));
    fs::remove(folder.path / "config.json");
    CHECK(contains(folder.error(), "has no config.json"));
    CHECK(contains(error_of([] { ModelFiles::open("/nowhere/at/all"); }), "there is no model"));
}

TEST_CASE("a NaN or an infinity in the weights is found and named", "[model]") {
    Folder folder;
    const Parameter p = parameters_of(folder.c)[5];
    folder.all[static_cast<std::size_t>(p.offset + 3)] = std::nanf("");
    folder.write_shards();
    CHECK(contains(folder.error(), p.name + " holds a NaN"));
    folder.all[static_cast<std::size_t>(p.offset + 3)] = -INFINITY;
    folder.write_shards();
    CHECK(contains(folder.error(), p.name + " holds an infinity"));
    // The other layers can still be lent.
    CHECK_NOTHROW(ModelFiles::open(folder.path)->read(parameters_of(folder.c)[12].name));
}

TEST_CASE("a GGUF file that is no whole Llama is refused by name", "[model]") {
    const Folder folder;
    const fs::path path = folder.path / "m.gguf";
    const auto error = [&] { return error_of([&] { ModelFiles::open(path); }); };
    write_gguf(path, folder.c, folder.all, "llama", false);
    CHECK(contains(error(), "model.layers.1.mlp.up_proj.weight is missing"));
    write_gguf(path, folder.c, folder.all, "gemma2");
    CHECK(contains(error(), "\"gemma2\""));
    GgufWriter extra;
    extra.text("general.architecture", "llama");
    extra.tensor("x", {1}, {1});
    extra.write(path);
    CHECK(contains(error(), "llama.embedding_length"));
}

TEST_CASE("perplexity counts every token after the first once", "[model]") {
    ModelConfig c = tiny_config();
    c.max_positions = 16;
    const auto model = model_owning<float>(c, tiny_weights<float>(c));
    const std::vector<TokenIds> sequences = {tiny_tokens(17, 1), tiny_tokens(50, 2),
                                             tiny_tokens(2, 3), tiny_tokens(1, 4)};
    const Score s = score(model, sequences);
    CHECK(s.tokens == 16 + 49 + 1);
    const auto direct = token_losses<float>(model, std::vector<TokenIds>{sequences[0]});
    CHECK(std::equal(direct.begin(), direct.end(), s.losses.begin()));
    double sum = 0;
    for (const float loss : s.losses) {
        sum += static_cast<double>(loss);
    }
    CHECK(s.perplexity() == Approx(std::exp(sum / 66)).epsilon(1e-12));
    // A long sequence's last token is predicted from the sixteen before it.
    const TokenIds tail(sequences[1].end() - 17, sequences[1].end());
    CHECK(token_losses<float>(model, std::vector<TokenIds>{tail}).back() ==
          Approx(s.losses[16 + 48]).epsilon(1e-5));
    CHECK(contains(error_of([&] { score(model, std::vector<TokenIds>{{3}}); }), "no token is"));
    CHECK(contains(error_of([&] { score(model, std::vector<TokenIds>{{3, 17}}); }), "token id 17"));
}

TEST_CASE("a domain's floor is that of the documents scored", "[corpus]") {
    ModelConfig c = draft_config();
    c.layers = 1;
    const auto tokenizer = make_tokenizer(corpus_tokenizer(1, 300, 10));
    c.vocab = tokenizer->size();
    const auto model = model_owning<float>(c, initial_weights(c, 1));
    for (const Domain domain : all_domains) {
        const DomainScore s = score_domain(model, *tokenizer, domain, Split::validation, 1, 5);
        double nats = 0;
        for (std::uint64_t i = 0; i < 5; ++i) {
            nats += make_document(1, Split::validation, domain, i).nats;
        }
        CHECK(s.floor_nats <= nats + 1e-9);
        CHECK(s.floor_loss() < s.score.loss());
        CHECK(s.excess() == Approx(s.score.perplexity() / s.floor_perplexity() - 1));
    }
}

}  // namespace nibble::model_files_test
