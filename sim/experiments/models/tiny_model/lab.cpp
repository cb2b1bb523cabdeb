// A tiny Llama at work: what it expects, token by token, where its heads look, and how large its
// channels are when outliers are made to order. Parameters and the run; the reading is in
// tiny_model_data, the pictures in tiny_model_figures, the words in tiny_model_words.
#include <fmt/format.h>
#include <optional>

#include "sim/core/one_thread.hpp"
#include "sim/experiments/models/tiny_model/figures.hpp"

namespace nibble::tiny_model_lab {
namespace {

using tiny_model::Data;

enum class Source { target, draft, file };
enum class Text { stories, arithmetic, code, records, own };

struct Params {
    Source model = Source::target;
    std::string file;
    Text text = Text::records;
    std::string prompt = "Last summer, Nan and Hugo met Zoe at the harbour.\nNan had a red";
    double temperature = 0.8;
    double outlier_factor = 40;

    bool wrong_word = true;
    int tokens = 24;
    double top_p = 1;
    int outlier_channels = 3;

    int token = -1, layer = 0, head = 3;
    Site site = Site::attention_in;
    tiny_model::Tint tint = tiny_model::Tint::surprise;
};

constexpr Index preview_tokens = 4;
/// The loops of a smaller model are too short to be shared out, above all token by token.
constexpr std::uint64_t bytes_worth_sharing = std::uint64_t{64} << 20;

std::string model_of(const Params& p) {
    if (p.model != Source::file) {
        return p.model == Source::target ? "target" : "draft";
    }
    if (p.file.empty()) {
        throw Error(Error::Code::bad_param, "no model of yours is named",
                    "--file takes a .gguf file, or a folder with config.json and *.safetensors");
    }
    return p.file;
}

Data run(const Params& p, const RunContext& context) {
    const auto loaded = loaded_model(model_of(p), context);
    context.check();
    std::optional<OneThread> alone;
    if (loaded->files->float_bytes() < bytes_worth_sharing) {
        alone.emplace();
    }
    const tiny_model::Prompt prompt =
        p.text == Text::own ? tiny_model::Prompt{p.prompt, {}}
                            : tiny_model::corpus_prompt(static_cast<Domain>(p.text), p.wrong_word,
                                                        *loaded, context.seed);
    const Index count = context.preview ? std::min<Index>(p.tokens, preview_tokens) : p.tokens;
    const Sampling sampling{p.temperature, 0, context.seed, p.top_p};
    Data data;
    data.is_preview = count < p.tokens;
    data.reading = context.memo<tiny_model::Reading>(
        fmt::format("read {} {} {} {} {} {}", model_of(p), count, p.temperature, context.seed,
                    p.top_p, prompt.text),
        [&] { return tiny_model::read(*loaded, prompt, count, sampling, context); },
        [](const tiny_model::Reading& r) {
            return 4 * (r.attention.size() + r.logits.values().size());
        });
    context.progress(0.7);
    tiny_model::make_outlying(*loaded, {p.outlier_channels, p.outlier_factor}, data, context);
    return data;
}

Outcome show(const Params& p, const Data& data) {
    const auto look = tiny_model::look_at(data, p.token, p.layer, p.head, p.site, p.tint);
    Outcome outcome;
    tiny_model::describe(data, look, outcome);
    outcome.rows = tiny_model::figures(data, look);
    return outcome;
}

/// Chosen on the figures, or behind "More parameters".
void add_views(Schema<Params>& schema) {
    schema.push_back(integer("token", &Params::token, {-1, 511})
                         .help("The token looked at closely, by its position; -1 is the wrong "
                               "word, or the most surprising one. Clicking a token chooses it.")
                         .view()
                         .advanced());
    schema.push_back(integer("layer", &Params::layer, {0, 127})
                         .help("Whose attention and activations are shown; 0 reads the text first.")
                         .view()
                         .advanced());
    schema.push_back(integer("head", &Params::head, {0, 127})
                         .help("Which attention head of the layer is shown.")
                         .view()
                         .advanced());
    schema.push_back(choice("site", &Params::site,
                            {{"attention_in", "into q, k, v"},
                             {"attention_out", "into the output of attention"},
                             {"mlp_in", "into gate and up"},
                             {"mlp_out", "into down"},
                             {"head_in", "into the head"}})
                         .label("Activations")
                         .help("Which linear layers' input the channels are shown of.")
                         .view()
                         .advanced());
    schema.push_back(
        choice("tint", &Params::tint, {{"surprise", "surprise"}, {"attention", "attention"}})
            .label("Colour the text by")
            .help("How unexpected each token is, or how much the head looks at it to "
                  "predict the chosen one.")
            .view()
            .advanced());
}

Schema<Params> schema() {
    const auto own_text = [](const Params& p) { return p.text == Text::own; };
    Schema<Params> all = {
        choice("model", &Params::model,
               {{"target", "target"}, {"draft", "draft"}, {"file", "a model of yours"}})
            .help("The larger one is surprised less often; the small one is the draft of "
                  "speculative decoding."),
        file("file", &Params::file, {".gguf", ".safetensors", ".json"})
            .label("Model file")
            .help("A .gguf file, or a folder with config.json and *.safetensors, of a Llama-type "
                  "model.")
            .when([](const Params& p) { return p.model == Source::file; }),
        choice("text", &Params::text,
               {{"stories", "a story"},
                {"arithmetic", "sums"},
                {"code", "code"},
                {"records", "records"},
                {"own", "your own"}})
            .help("What the model reads: a text of its corpus that it has not been trained on, or "
                  "yours."),
        text("prompt", &Params::prompt)
            .label("Your text")
            .help("The model reads this, then goes on.")
            .when(own_text),
        real("temperature", &Params::temperature, {0, 2})
            .help("0 takes the likeliest token every time; more lets unlikely ones through, and "
                  "the text goes astray."),
        real("outlier_factor", &Params::outlier_factor, {1, 1000, Scale::log10})
            .unit("x")
            .help("Multiplies some channels behind every norm and divides the weights that read "
                  "them: the output stays, the range grows."),
        boolean("wrong_word", &Params::wrong_word)
            .help("Ends the text with a word that its rules forbid, to see whether the model has "
                  "kept track.")
            .when([](const Params& p) { return p.text != Text::own; })
            .advanced(),
        integer("tokens", &Params::tokens, {0, 64})
            .label("Tokens to generate")
            .help("How far the model goes on by itself; it may end earlier.")
            .advanced(),
        real("top_p", &Params::top_p, {0.05, 1})
            .help("Draws only from the likeliest tokens that together reach this probability.")
            .advanced(),
        integer("outlier_channels", &Params::outlier_channels, {0, 16})
            .help("How many channels are made large; 0 leaves the model alone.")
            .advanced(),
    };
    add_views(all);
    return all;
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "tiny-model", "Models", "Tiny model",
        "What does a language model expect next, and what is inside while it decides?", schema(),
        run, show);
}

}  // namespace nibble::tiny_model_lab
