// tokenizer.json, the format of Hugging Face's tokenizers library, for byte-level BPE.
//
// Bytes are written as printable characters there: the 188 that print stand for themselves, the
// other 68 for U+0100 and on, in order (the encoder of GPT-2).
#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "sim/core/json_object.hpp"
#include "sim/core/text.hpp"
#include "sim/core/utf8.hpp"
#include "sim/model/byte_characters.hpp"
#include "sim/model/tokenizer.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view contractions = "'s|'t|'re|'ve|'m|'ll|'d";

const std::string& pattern_of(SplitStep step) {
    static const std::array<std::string, 3> patterns = {
        fmt::format(R"({}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+)",
                    contractions),
        fmt::format(R"((?i:{})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|)"
                    R"( ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
                    contractions),
        fmt::format(R"((?i:{})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|)"
                    R"( ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
                    contractions),
    };
    return patterns[static_cast<std::size_t>(step)];
}

[[noreturn]] void bad_tokenizer(const std::string& path, const std::string& what) {
    throw Error(Error::Code::bad_file, fmt::format("{}: {}", path, what),
                "a tokenizer.json with a byte-level BPE model is expected");
}

[[noreturn]] void unsupported_tokenizer(const std::string& path, const std::string& what) {
    throw Error(Error::Code::unsupported, fmt::format("{}: {} is not supported", path, what),
                "byte-level BPE with the splitting rules of GPT-2, Llama 3 or Qwen 2 is; a GGUF "
                "file's own tokenizer may be an alternative");
}

std::string text_at(const Json& object, const char* key) {
    return object.is_object() && object.contains(key) && object.at(key).is_string()
               ? object.at(key).get<std::string>()
               : "";
}

bool is_true(const Json& object, const char* key) {
    return object.is_object() && object.contains(key) && object.at(key).is_boolean() &&
           object.at(key).get<bool>();
}

const Json& member(const Json& object, const char* key) {
    static const Json null;
    return object.is_object() && object.contains(key) ? object.at(key) : null;
}

/// Appends the steps of a pre-tokenizer.
void read_split(const Json& j, const std::string& path, std::vector<SplitStep>& steps) {
    const std::string type = text_at(j, "type");
    if (type == "Sequence") {
        for (const Json& part : member(j, "pretokenizers")) {
            read_split(part, path, steps);
        }
    } else if (type == "ByteLevel") {
        if (is_true(j, "add_prefix_space")) {
            unsupported_tokenizer(path, "add_prefix_space");
        }
        if (!member(j, "use_regex").is_boolean() || is_true(j, "use_regex")) {
            steps.push_back(SplitStep::gpt2);
        }
    } else if (type == "Digits" && is_true(j, "individual_digits")) {
        steps.push_back(SplitStep::digits);
    } else if (type == "Split") {
        const std::string pattern = text_at(member(j, "pattern"), "Regex");
        for (const SplitStep step : {SplitStep::gpt2, SplitStep::llama3, SplitStep::qwen2}) {
            if (pattern == pattern_of(step)) {
                steps.push_back(step);
                return;
            }
        }
        unsupported_tokenizer(path, fmt::format("the splitting rule \"{}\"", pattern));
    } else {
        unsupported_tokenizer(path, fmt::format("the pre-tokenizer \"{}\"", type));
    }
}

/// `most`: bytes of the file; a vocabulary has no more ids than that.
void read_vocabulary(const Json& vocabulary, const Json& added, std::size_t most,
                     const std::string& path, ByteBpe& bpe) {
    const auto place = [&](const Json& id, std::string bytes) {
        if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= most) {
            bad_tokenizer(path, fmt::format("id {} is not one of a vocabulary", id.dump()));
        }
        const auto at = id.get<std::size_t>();
        if (at >= bpe.pieces.size()) {
            bpe.pieces.resize(at + 1);
        }
        bpe.pieces[at] = std::move(bytes);
        return static_cast<std::int32_t>(at);
    };
    for (const auto& [text, id] : vocabulary.items()) {
        const auto bytes = bytes_of_characters(text);
        place(id, bytes ? *bytes : text);
    }
    for (const Json& token : added) {
        const std::string content = text_at(token, "content");
        const std::int32_t id = place(member(token, "id"), content);
        bpe.special[id] = content;
    }
}

std::pair<std::string, std::string> merge_parts(const Json& merge, const std::string& path) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
        return {merge[0].get<std::string>(), merge[1].get<std::string>()};
    }
    if (merge.is_string()) {
        const std::string text = merge.get<std::string>();
        if (const std::size_t space = text.find(' '); space != std::string::npos) {
            return {text.substr(0, space), text.substr(space + 1)};
        }
    }
    bad_tokenizer(path, fmt::format("{} is no merge of two pieces", merge.dump()));
}

}  // namespace

std::string to_json(const ByteBpe& bpe) {
    Json added = Json::array(), vocabulary = Json::object(), merges = Json::array();
    for (const auto& [id, content] : bpe.special) {
        added.push_back({{"id", id},
                         {"content", content},
                         {"single_word", false},
                         {"lstrip", false},
                         {"rstrip", false},
                         {"normalized", false},
                         {"special", true}});
    }
    const auto characters = [&](std::int32_t id) {
        const std::string& bytes = bpe.pieces.at(static_cast<std::size_t>(id));
        return bpe.special.contains(id) ? bytes : characters_of_bytes(bytes);
    };
    for (std::size_t id = 0; id < bpe.pieces.size(); ++id) {
        vocabulary[characters(static_cast<std::int32_t>(id))] = id;
    }
    for (const auto& [left, right] : bpe.merges) {
        merges.push_back(characters(left) + " " + characters(right));
    }
    Json steps = Json::array();
    for (const SplitStep step : bpe.split) {
        if (step == SplitStep::digits) {
            steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
        } else {
            steps.push_back({{"type", "Split"},
                             {"pattern", {{"Regex", pattern_of(step)}}},
                             {"behavior", "Isolated"},
                             {"invert", false}});
        }
    }
    const Json byte_level = {{"type", "ByteLevel"},
                             {"add_prefix_space", false},
                             {"trim_offsets", true},
                             {"use_regex", false}};
    steps.push_back(byte_level);
    const Json all = {{"version", "1.0"},
                      {"truncation", nullptr},
                      {"padding", nullptr},
                      {"added_tokens", added},
                      {"normalizer", nullptr},
                      {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", steps}}},
                      {"post_processor", nullptr},
                      {"decoder", byte_level},
                      {"model",
                       {{"type", "BPE"},
                        {"dropout", nullptr},
                        {"unk_token", nullptr},
                        {"continuing_subword_prefix", nullptr},
                        {"end_of_word_suffix", nullptr},
                        {"fuse_unk", false},
                        {"byte_fallback", false},
                        {"ignore_merges", bpe.whole_words_first},
                        {"vocab", vocabulary},
                        {"merges", merges}}}};
    return all.dump(1) + "\n";
}

std::shared_ptr<const Tokenizer> tokenizer_from_json(std::string_view text,
                                                     const std::string& path) {
    return make_tokenizer(byte_bpe_from_json(text, path));
}

ByteBpe byte_bpe_from_json(std::string_view text, const std::string& path) {
    const Json all = parse_json(text, path, "a tokenizer.json is expected");
    if (!all.is_object() || !member(all, "model").is_object()) {
        bad_tokenizer(path, "there is no JSON object with a \"model\"");
    }
    const Json& model = member(all, "model");
    if (text_at(model, "type") != "BPE") {
        unsupported_tokenizer(path, fmt::format("a tokenizer of type \"{}\"", text_at(model, "type")));
    }
    if (is_true(model, "byte_fallback")) {
        unsupported_tokenizer(path, "BPE over characters (byte_fallback)");
    }
    const std::string normalizer = text_at(member(all, "normalizer"), "type");
    if (!normalizer.empty() && normalizer != "NFC") {  // composed text is what people type
        unsupported_tokenizer(path, fmt::format("the normalizer \"{}\"", normalizer));
    }
    if (!member(model, "vocab").is_object() || !member(model, "merges").is_array()) {
        bad_tokenizer(path, "\"vocab\" or \"merges\" is missing");
    }
    ByteBpe bpe;
    bpe.split.clear();
    read_split(member(all, "pre_tokenizer"), path, bpe.split);
    bpe.whole_words_first = is_true(model, "ignore_merges");
    read_vocabulary(member(model, "vocab"), member(all, "added_tokens"), text.size(), path, bpe);
    std::unordered_map<std::string, std::int32_t> ids;
    for (std::size_t id = 0; id < bpe.pieces.size(); ++id) {
        ids.try_emplace(bpe.pieces[id], static_cast<std::int32_t>(id));
    }
    for (const Json& merge : member(model, "merges")) {
        const auto [left, right] = merge_parts(merge, path);
        const auto id_of = [&](const std::string& part) {
            const auto bytes = bytes_of_characters(part);
            const auto found = bytes ? ids.find(*bytes) : ids.end();
            if (found == ids.end()) {
                bad_tokenizer(path, fmt::format("the merge of \"{}\" is not in the vocabulary", part));
            }
            return found->second;
        };
        bpe.merges.emplace_back(id_of(left), id_of(right));
    }
    return bpe;
}

void check_vocabulary(const Tokenizer& tokenizer, const ModelConfig& config,
                      const std::string& path) {
    if (tokenizer.size() > config.vocab) {
        throw Error(Error::Code::bad_file,
                    fmt::format("{}: the tokenizer has {} pieces, the model {} embeddings", path,
                                tokenizer.size(), config.vocab),
                    "the two are from different models");
    }
}

}  // namespace nibble
