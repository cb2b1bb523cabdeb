// SentencePiece's BPE as Llama models carry it in GGUF files, and the choice between the two kinds.
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <unordered_map>

#include "sim/core/utf8.hpp"
#include "sim/model/byte_characters.hpp"
#include "sim/model/merge_pieces.hpp"
#include "sim/model/tokenizer.hpp"
#include "sim/tensor/gguf.hpp"

namespace nibble {
namespace {

constexpr std::string_view space_mark = "\xe2\x96\x81";  // U+2581
constexpr std::int32_t normal_type = 1, unknown_type = 2, control_type = 3, user_type = 4,
                       unused_type = 5, byte_type = 6;

class SentencePieceTokenizer : public Tokenizer {
public:
    explicit SentencePieceTokenizer(SentencePieces parts) : parts_(std::move(parts)) {
        bytes_.fill(-1);
        for (std::size_t i = 0; i < parts_.pieces.size(); ++i) {
            const auto id = static_cast<std::int32_t>(i);
            const std::string& text = parts_.pieces[i];
            unsigned byte = 0;
            if (parts_.types[i] == byte_type) {
                if (std::sscanf(text.c_str(), "<0x%2X>", &byte) == 1 && byte < 256) {
                    bytes_[byte] = id;
                }
            } else if (parts_.types[i] == normal_type || parts_.types[i] == user_type) {
                ids_.try_emplace(text, id);
            } else if (parts_.types[i] == unknown_type) {
                unknown_ = id;
            }
        }
    }

    TokenIds encode(std::string_view text) const override {
        if (text.empty()) {
            return {};
        }
        std::string marked(parts_.space_first ? space_mark : "");
        for (const char c : text) {
            if (c == ' ') {
                marked += space_mark;
            } else {
                marked += c;
            }
        }
        std::vector<Symbol> characters;
        for (std::size_t at = 0; at < marked.size();) {
            const std::size_t start = at;
            next_character(marked, at);
            characters.push_back({start, at - start});
        }
        const std::string_view whole = marked;
        const auto merged = merge_pieces(
            whole, std::move(characters), [&](std::string_view left, std::string_view right) {
                const auto found = ids_.find(std::string(left).append(right));
                return found == ids_.end()
                           ? std::nan("")
                           : static_cast<double>(
                                 parts_.scores[static_cast<std::size_t>(found->second)]);
            });
        TokenIds ids;
        for (const Symbol& symbol : merged) {
            const std::string piece_text(whole.substr(symbol.begin, symbol.length));
            if (const auto found = ids_.find(piece_text); found != ids_.end()) {
                ids.push_back(found->second);
            } else {
                for (const char c : piece_text) {
                    ids.push_back(byte_id(c));
                }
            }
        }
        return ids;
    }

    std::string decode(std::span<const std::int32_t> ids) const override {
        std::string text;
        for (const std::int32_t id : ids) {
            if (check(id); !is_special(id)) {
                text += piece(id);
            }
        }
        if (parts_.space_first && text.starts_with(' ')) {
            text.erase(0, 1);
        }
        return text;
    }

    std::string piece(std::int32_t id) const override {
        check(id);
        const std::string& stored = parts_.pieces[static_cast<std::size_t>(id)];
        unsigned byte = 0;
        if (parts_.types[static_cast<std::size_t>(id)] == byte_type &&
            std::sscanf(stored.c_str(), "<0x%2X>", &byte) == 1) {
            return std::string(1, static_cast<char>(byte));
        }
        std::string text;
        for (std::size_t at = 0; at < stored.size();) {
            if (stored.compare(at, space_mark.size(), space_mark) == 0) {
                text += ' ';
                at += space_mark.size();
            } else {
                text += stored[at++];
            }
        }
        return text;
    }

    Index size() const override { return static_cast<Index>(parts_.pieces.size()); }
    bool is_special(std::int32_t id) const override {
        const std::int32_t type = parts_.types.at(static_cast<std::size_t>(id));
        return type == control_type || type == unknown_type || type == unused_type;
    }

private:
    void check(std::int32_t id) const {
        if (id < 0 || id >= size()) {
            throw Error(Error::Code::bad_param,
                        fmt::format("token id {} is not in the tokenizer", id),
                        fmt::format("ids run from 0 to {}", size() - 1));
        }
    }
    std::int32_t byte_id(char c) const {
        const std::int32_t id = bytes_[static_cast<unsigned char>(c)];
        if (id < 0 && unknown_ < 0) {
            throw Error(Error::Code::bad_param,
                        fmt::format("the tokenizer has no piece for byte {:#04x}",
                                    static_cast<unsigned char>(c)),
                        "it has neither byte pieces nor an unknown piece");
        }
        return id >= 0 ? id : unknown_;
    }

    SentencePieces parts_;
    std::unordered_map<std::string, std::int32_t> ids_;
    std::array<std::int32_t, 256> bytes_{};
    std::int32_t unknown_ = -1;
};

template <class T>
const std::vector<T>* array_at(const GgufMetadata& metadata, const char* key) {
    const GgufValue* value = metadata.find(key);
    const auto* array = value ? std::get_if<GgufArray>(value) : nullptr;
    return array ? std::get_if<std::vector<T>>(array) : nullptr;
}

std::string text_at(const GgufMetadata& metadata, const char* key) {
    const GgufValue* value = metadata.find(key);
    const auto* text = value ? std::get_if<std::string>(value) : nullptr;
    return text ? *text : "";
}

[[noreturn]] void bad_sentencepiece(const std::string& path, const std::string& what) {
    throw Error(Error::Code::bad_file, fmt::format("{}: {}", path, what),
                "the tokenizer's metadata are not whole");
}

std::vector<SplitStep> steps_of(const std::string& pre, const std::string& path) {
    static const std::map<std::string, std::vector<SplitStep>> known = {
        {"", {SplitStep::gpt2}},
        {"default", {SplitStep::gpt2}},
        {"gpt-2", {SplitStep::gpt2}},
        {"llama3", {SplitStep::llama3}},
        {"llama-v3", {SplitStep::llama3}},
        {"llama-bpe", {SplitStep::llama3}},
        {"qwen2", {SplitStep::qwen2}},
        {"smollm", {SplitStep::digits, SplitStep::gpt2}},
        {"starcoder", {SplitStep::digits, SplitStep::gpt2}},
        {"refact", {SplitStep::digits, SplitStep::gpt2}},
        {"command-r", {SplitStep::digits, SplitStep::gpt2}},
    };
    const auto found = known.find(pre);
    if (found == known.end()) {
        throw Error(Error::Code::unsupported,
                    fmt::format("{}: the splitting rule \"{}\" is not supported", path, pre),
                    "those of GPT-2, Llama 3, Qwen 2 and SmolLM are");
    }
    return found->second;
}

std::shared_ptr<const Tokenizer> byte_bpe_from(const GgufMetadata& metadata,
                                               const std::vector<std::string>& pieces,
                                               const std::vector<std::int32_t>& types,
                                               const std::string& path) {
    const auto* merges = array_at<std::string>(metadata, "tokenizer.ggml.merges");
    if (!merges) {
        bad_sentencepiece(path, "\"tokenizer.ggml.merges\" is missing");
    }
    const std::string pre = text_at(metadata, "tokenizer.ggml.pre");
    ByteBpe bpe;
    bpe.split = steps_of(pre, path);
    bpe.whole_words_first = bpe.split[0] == SplitStep::llama3;
    std::unordered_map<std::string, std::int32_t> ids;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const auto bytes = bytes_of_characters(pieces[i]);
        bpe.pieces.push_back(bytes ? *bytes : pieces[i]);
        ids.try_emplace(bpe.pieces.back(), static_cast<std::int32_t>(i));
        if (types[i] != normal_type && types[i] != user_type) {
            bpe.special[static_cast<std::int32_t>(i)] = pieces[i];
        }
    }
    for (const std::string& merge : *merges) {
        const std::size_t space = merge.find(' ', 1);
        const auto id_of = [&](const std::string& part) {
            const auto bytes = bytes_of_characters(part);
            const auto found = bytes ? ids.find(*bytes) : ids.end();
            if (found == ids.end()) {
                bad_sentencepiece(path, fmt::format("the merge of \"{}\" is not in the vocabulary", part));
            }
            return found->second;
        };
        if (space == std::string::npos) {
            bad_sentencepiece(path, fmt::format("\"{}\" is no merge of two pieces", merge));
        }
        bpe.merges.emplace_back(id_of(merge.substr(0, space)), id_of(merge.substr(space + 1)));
    }
    return make_tokenizer(std::move(bpe));
}

}  // namespace

std::shared_ptr<const Tokenizer> make_tokenizer(SentencePieces parts) {
    return std::make_shared<const SentencePieceTokenizer>(std::move(parts));
}

std::shared_ptr<const Tokenizer> tokenizer_from_gguf(const GgufMetadata& metadata,
                                                     const std::string& path) {
    const std::string kind = text_at(metadata, "tokenizer.ggml.model");
    if (kind.empty()) {
        bad_sentencepiece(path, "\"tokenizer.ggml.model\" is missing");
    }
    if (kind != "llama" && kind != "gpt2") {
        throw Error(Error::Code::unsupported,
                    fmt::format("{}: a tokenizer of kind \"{}\" is not supported", path, kind),
                    "llama (SentencePiece) and gpt2 (byte-level BPE) are");
    }
    const auto* pieces = array_at<std::string>(metadata, "tokenizer.ggml.tokens");
    if (!pieces) {
        bad_sentencepiece(path, "\"tokenizer.ggml.tokens\" is missing");
    }
    const auto* stored_types = array_at<std::int32_t>(metadata, "tokenizer.ggml.token_type");
    const std::vector<std::int32_t> types =
        stored_types ? *stored_types : std::vector<std::int32_t>(pieces->size(), normal_type);
    if (types.size() != pieces->size()) {
        bad_sentencepiece(path, fmt::format("{} pieces have {} types", pieces->size(), types.size()));
    }
    if (kind == "gpt2") {
        return byte_bpe_from(metadata, *pieces, types, path);
    }
    const auto* scores = array_at<float>(metadata, "tokenizer.ggml.scores");
    if (!scores || scores->size() != pieces->size()) {
        bad_sentencepiece(path,
            fmt::format("{} pieces have {} scores", pieces->size(), scores ? scores->size() : 0));
    }
    SentencePieces parts{*pieces, *scores, types, true};
    if (const GgufValue* value = metadata.find("tokenizer.ggml.add_space_prefix")) {
        if (const bool* flag = std::get_if<bool>(value)) {
            parts.space_first = *flag;
        }
    }
    return make_tokenizer(std::move(parts));
}

}  // namespace nibble
