// `nibble generate`, `perplexity` and `capture`: a model of ours or of the reader's, at work.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/utf8.hpp"
#include "sim/model/generate.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/method_input.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/model_input.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

void add_run_flags(CommandLine& line) {
    line.add(whole_flag("threads", 0, {0, 1024},
                        "Threads to compute with, 0 for one a core. The result does not change"),
             "Run");
    line.add(switch_flag("json", "As JSON, for programs."), "Output");
}

Json to_json(const GeneratedToken& token, const Tokenizer& tokenizer) {
    Json likeliest = Json::array();
    for (const Candidate& c : token.likeliest) {
        likeliest.push_back({{"id", c.id},
                             {"piece", valid_utf8(tokenizer.piece(c.id))},
                             {"probability", c.probability}});
    }
    return {{"id", token.id},
            {"piece", valid_utf8(tokenizer.piece(token.id))},
            {"probability", token.probability},
            {"likeliest", likeliest}};
}

/// What --method and its flags ask of the model.
ModelQuantization quantization_from(const CommandLine& line, const ModelFiles& files) {
    ModelQuantization how;
    how.settings = settings_from(line);
    how.all = line.is_on("all");
    if (needs_calibration(how.settings.method)) {
        how.calibration = calibration_from(line, "calib_", files).sequences;
    }
    return how;
}

Json method_json(const MethodSettings& settings, const std::vector<LayerReport>& reports) {
    Json json = settings_json(settings);
    const Json total = to_json(total_of(reports));
    for (const char* key :
         {"output_error", "weight_mse", "sqnr_db", "bits_per_weight", "seconds"}) {
        if (total.contains(key)) {
            json[key] = total[key];
        }
    }
    return json;
}

}  // namespace

int generate_command(const Words& words) {
    CommandLine line("generate --model MODEL --prompt TEXT [--flags]",
                     "Lets a model go on with a text.");
    add_model_flag(line);
    line.add(text_flag("prompt", "What the text begins with."), "Text");
    line.add(whole_flag("count", 200, {1, 1e6}, "Tokens to generate, at most"), "Text");
    line.add(real_flag("temperature", 0.8, {0, 100}, "0 takes the likeliest token"), "Text");
    line.add(whole_flag("top_k", 0, {0, 1e7}, "Only the k likeliest tokens; 0 for all"), "Text");
    line.add(real_flag("top_p", 1, {0.01, 1},
                       "Only the likeliest tokens that together reach this probability"),
             "Text");
    line.add(whole_flag("seed", 1, {0, 0x1p53}, "The same seed gives the same text"), "Text");
    add_run_flags(line);
    line.footer("Examples", {"nibble generate --model target --prompt \"One morning,\""});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    use_threads(line);
    const Sampling sampling{line.get<double>("temperature"), line.get<std::int64_t>("top_k"),
                            static_cast<std::uint64_t>(line.get<std::int64_t>("seed")),
                            line.get<double>("top_p")};
    const auto files = model_of(line);
    const Tokenizer& tokenizer = files->needed_tokenizer();
    const std::string prompt = line.text("prompt");
    TokenIds ids;
    if (files->config().bos >= 0) {
        ids.push_back(static_cast<std::int32_t>(files->config().bos));
    }
    const TokenIds rest = tokenizer.encode(prompt);
    ids.insert(ids.end(), rest.begin(), rest.end());
    const auto count = line.get<std::int64_t>("count");
    const Model<float> model = files->fitting();
    const bool json = line.is_on("json");
    const Interruptible interruptible;
    TokenIds made;
    std::string shown;
    if (!json) {
        print(prompt);
    }
    // Decoded together with the prompt, so that spaces are where the tokenizer puts them.
    const std::string start = tokenizer.decode(ids);
    const auto tokens = generate(model, ids, count, sampling, [&](const GeneratedToken& token) {
        ids.push_back(token.id);
        const std::string now = tokenizer.decode(ids).substr(start.size());
        if (!json && is_utf8(now)) {  // a character may take several tokens
            print(now.substr(shown.size()));
            shown = now;
        }
        return !Interruptible::asked();
    });
    const std::string text = tokenizer.decode(ids).substr(start.size());
    if (!json) {
        print(text.substr(shown.size()) + "\n");
        return 0;
    }
    Json list = Json::array();
    for (const GeneratedToken& token : tokens) {
        list.push_back(to_json(token, tokenizer));
    }
    const Json all = {{"prompt", prompt}, {"text", valid_utf8(text)}, {"tokens", list}};
    print(all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return 0;
}

int perplexity_command(const Words& words) {
    CommandLine line("perplexity --model MODEL (--text FILE | --tokens FILE.json | --domain NAME)",
                     "How surprised a model is: exp of the mean negative log-likelihood over all "
                     "predicted tokens; every token after the first of a sequence is predicted "
                     "once. With --method, of the model with its linear layers quantized on the "
                     "fly.");
    add_model_flag(line);
    add_token_flags(line);
    add_method_flags(line);
    line.add(switch_flag("all", "With --method: also the embeddings and the head."), "Method");
    add_calibration_flags(line, "calib_");
    line.add(switch_flag("per_token", "Also the loss of every token, in nats."), "Output");
    add_run_flags(line);
    line.footer("Examples", {"nibble perplexity --model model.gguf --text book.txt",
                             "nibble perplexity --model target --domain code --json",
                             "nibble perplexity --model target --domain code --method rtn --bits 4 "
                             "--group_size 32 --symmetric"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    for (const auto& p : method_schema()) {
        if (line.given(p.name) && !line.given("method")) {
            throw Error(Error::Code::bad_param, fmt::format("--{} goes with a method", p.name),
                        fmt::format("--method {}", method_schema()[0].accepts()));
        }
    }
    use_threads(line);
    const auto files = model_of(line);
    const TokenInput input = tokens_from(line, *files);
    const Interruptible interruptible;
    std::stop_source stop;
    Progress progress("perplexity");
    const auto show = [&](double share) {
        progress.show(share, fmt::format("{:.0f} %", 100 * share));
        if (Interruptible::asked()) {
            stop.request_stop();
        }
    };
    Model<float> model = files->fitting();
    Hooks<float> hooks;
    Json method;
    if (line.given("method")) {
        RunContext context;
        context.stop = stop.get_token();
        context.progress = show;
        const ModelQuantization how = quantization_from(line, *files);
        QuantizedModel quantized = quantize_model(model, how, context);
        method = method_json(how.settings, quantized.reports);
        model = std::move(quantized.model);
        hooks = std::move(quantized.hooks);
    }
    const Score s = score(model, input.sequences, hooks, stop.get_token(), show);
    Json all = {{"model", line.text("model")},  {"input", input.what},
                {"perplexity", s.perplexity()}, {"loss", s.loss()},
                {"tokens", s.tokens},           {"seconds", s.seconds}};
    std::string text = fmt::format("perplexity {:.6g}\ntokens     {}\nseconds    {:.3g}\n",
                                   s.perplexity(), s.tokens, s.seconds);
    if (!method.is_null()) {
        all["quantization"] = method;
        text += fmt::format("method     {}, {:.4g} bits a weight in the quantized layers\n",
                            method["method"].get<std::string>(),
                            method["bits_per_weight"].get<double>());
    }
    if (line.given("domain")) {
        double nats = 0;
        const Domain domain = find_domain(line.get<std::string>("domain"));
        for (std::size_t i = 0; i < input.sequences.size(); ++i) {
            nats += make_document(1, split_of(line), domain, i).nats;
        }
        const double floor = std::exp(nats / static_cast<double>(s.tokens));
        all["floor_perplexity"] = floor;
        text += fmt::format("floor      {:.6g} (a reader who knows the corpus's rules)\n", floor);
    }
    if (line.is_on("per_token")) {
        all["losses"] = s.losses;
        for (const float loss : s.losses) {
            text += fmt::format("{:.6f}\n", loss);
        }
    }
    print(line.is_on("json") ? all.dump(2) + "\n" : text);
    return 0;
}

int capture_command(const Words& words) {
    CommandLine line("capture --model MODEL --layer NAME --out FILE.safetensors [--flags]",
                     "Saves what a linear layer reads, (tokens, channels), and its weights: the "
                     "input of calibration. Without a source of tokens, documents of all domains "
                     "go through the model.");
    add_model_flag(line);
    line.add(text_flag("layer", "A linear layer, as `model.layers.0.mlp.up_proj`."), "Model",
             "NAME");
    add_token_flags(line);
    line.add(whole_flag("rows", 2048, {1, 1e7}, "Tokens to save, at most"), "Output");
    line.add(text_flag("out", "Where to save it."), "Output", "FILE.safetensors");
    add_run_flags(line);
    line.footer("Examples", {"nibble capture --model target --layer model.layers.1.mlp.down_proj "
                             "--domain stories --out x.safetensors"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    for (const char* flag : {"layer", "out"}) {
        if (!line.given(flag)) {
            throw Error(Error::Code::bad_param, fmt::format("no {} is named", flag),
                        fmt::format("--{} is needed", flag));
        }
    }
    check_output(line.text("out"), {".safetensors"});
    use_threads(line);
    const auto files = model_of(line);
    const LinearId id = find_linear(files->config(), line.text("layer"));
    TokenInput input;
    if (line.given("text") || line.given("tokens") || line.given("domain")) {
        input = tokens_from(line, *files);
    } else {
        const auto count = static_cast<std::uint64_t>(line.get<std::int64_t>("documents"));
        input.what = fmt::format("{} documents of all domains", count);
        for (std::uint64_t i = 0; i < count; ++i) {
            input.sequences.push_back(
                tokens_of(make_document(1, split_of(line), all_domains[i % 4], i / 4),
                          files->needed_tokenizer(), files->config()));
        }
    }
    const Matrix<float> rows =  // of a stream only the layers up to this one are read
        capture(files->stream(), id, input.sequences, line.get<std::int64_t>("rows"));
    const bool is_embedding = id.kind == Linear::head && files->config().tied_head;
    const Matrix<float> weights =
        files->read(is_embedding ? "model.embed_tokens.weight" : name(id) + ".weight");
    write_safetensors(line.text("out"),
                      {{"activations", {rows.rows(), rows.cols()}, rows.values()},
                       {"weights", {weights.rows(), weights.cols()}, weights.values()}},
                      {{"model", line.text("model")}, {"layer", name(id)}, {"input", input.what}});
    const Json all = {{"file", line.text("out")},
                      {"layer", name(id)},
                      {"input", input.what},
                      {"rows", rows.rows()},
                      {"channels", rows.cols()}};
    print(line.is_on("json")
              ? all.dump(2) + "\n"
              : fmt::format("{}: {} rows of {} channels into {}, from {}\n", line.text("out"),
                            rows.rows(), rows.cols(), name(id), input.what));
    return 0;
}

}  // namespace nibble
