#include "viz/cli/model_input.hpp"

#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sim/core/json_object.hpp"
#include "sim/model/shipped.hpp"

namespace nibble {

std::vector<std::string> domain_names() {
    std::vector<std::string> names;
    for (const Domain domain : all_domains) {
        names.emplace_back(name(domain));
    }
    return names;
}

std::string valid_utf8(const std::string& bytes) {
    using Json = nlohmann::json;
    return Json::parse(Json(bytes).dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::vector<TokenIds> token_ids_of_json(const std::string& path) {
    const JsonObject file(read_text(path), path, "{\"seqs\": [[ids], [ids]]} is expected");
    const auto refuse = [&](const nlohmann::json& what, const char* wanted) {
        throw Error(Error::Code::bad_file,
                    fmt::format("{}: \"seqs\" holds {}, which is no {}", path, shown(what), wanted),
                    "{\"seqs\": [[ids], [ids]]} is expected");
    };
    std::vector<TokenIds> sequences;
    for (const auto& ids : file.list("seqs")) {
        TokenIds sequence;
        if (!ids.is_array()) {
            refuse(ids, "list");
        }
        for (const auto& id : ids) {
            if (!id.is_number_integer() || id < 0 || id > INT32_MAX) {
                refuse(id, "token id");
            }
            sequence.push_back(id.get<std::int32_t>());
        }
        sequences.push_back(std::move(sequence));
    }
    return sequences;
}

TokenIds token_ids_of_text(const std::string& path, const ModelFiles& files) {
    const std::string text = read_text(path);
    if (text.empty()) {
        throw Error(Error::Code::bad_param, fmt::format("{} is empty", path), "give some text");
    }
    TokenIds ids;
    if (files.config().bos >= 0) {
        ids.push_back(static_cast<std::int32_t>(files.config().bos));
    }
    const TokenIds rest = files.needed_tokenizer().encode(text);
    ids.insert(ids.end(), rest.begin(), rest.end());
    return ids;
}

void add_model_flag(CommandLine& line) {
    line.add(text_flag("model",
                       "target or draft, the models that come with the program; or a folder with "
                       "config.json and *.safetensors; or a .gguf file."),
             "Model", "NAME|PATH");
}

void add_token_flags(CommandLine& line) {
    const char* heading = "Tokens";
    line.add(text_flag("text", "A text file, through the model's own tokenizer."), heading, "FILE");
    line.add(text_flag("tokens", "A file of token ids: {\"seqs\": [[ids]]}."), heading,
             "FILE.json");
    line.add(choice_flag("domain", domain_names(),
                         "Documents of a domain of the corpus that `nibble train` learns"),
             heading);
    line.add(choice_flag("split", {"validation", "test", "train"}, "Which documents of the domain"),
             heading);
    line.add(whole_flag("documents", 100, {1, 1e6}, "How many of them"), heading);
}

std::shared_ptr<const ModelFiles> model_of(const CommandLine& line) {
    if (!line.given("model")) {
        throw Error(Error::Code::bad_param, "no model is named",
                    "--model target, --model draft, or a folder or .gguf file of yours");
    }
    return open_model(line.text("model"));
}

TokenInput tokens_from(const CommandLine& line, const ModelFiles& files) {
    const int sources = line.given("text") + line.given("tokens") + line.given("domain");
    if (sources != 1) {
        throw Error(
            Error::Code::bad_param,
            sources == 0 ? "no tokens are named" : "more than one source of tokens is named",
            "one of --text FILE, --tokens FILE.json and --domain NAME");
    }
    if (line.given("text")) {
        return {{token_ids_of_text(line.text("text"), files)}, line.text("text")};
    }
    if (line.given("tokens")) {
        return {token_ids_of_json(line.text("tokens")), line.text("tokens")};
    }
    const Domain domain = find_domain(std::get<std::string>(line.value("domain")));
    const auto count = static_cast<std::uint64_t>(std::get<std::int64_t>(line.value("documents")));
    TokenInput input;
    input.what = fmt::format("{} documents of {}", count, name(domain));
    for (std::uint64_t i = 0; i < count; ++i) {
        input.sequences.push_back(tokens_of(make_document(1, split_of(line), domain, i),
                                            files.needed_tokenizer(), files.config()));
    }
    return input;
}

Split split_of(const CommandLine& line) {
    const Value value = line.value("split");
    for (const Split split : {Split::train, Split::test}) {
        if (std::get<std::string>(value) == name(split)) {
            return split;
        }
    }
    return Split::validation;
}

std::string read_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    if (!in) {
        throw Error(Error::Code::io, fmt::format("{} cannot be read", path), "is the path right?");
    }
    return text;
}

}  // namespace nibble
