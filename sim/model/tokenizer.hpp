// Text to token ids and back, for the models we train and for those that people bring.
//
// Two kinds. Byte-level BPE (Sennrich et al. 2016; Radford et al. 2019): text is split into words
// by a rule, words into bytes, and adjacent pieces are merged by rank; any bytes can be encoded.
// SentencePiece as Llama uses it (Kudo and Richardson 2018): spaces become U+2581, adjacent pieces
// are merged by score, and what is no piece falls back to bytes.
//
// Special tokens are never made from text: a prompt cannot smuggle them in.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/model/network.hpp"

namespace nibble {

struct GgufMetadata;

class Tokenizer {
public:
    virtual ~Tokenizer() = default;

    virtual TokenIds encode(std::string_view text) const = 0;
    /// Special tokens decode to nothing. Throws Error::bad_param for an id out of range.
    virtual std::string decode(std::span<const std::int32_t> ids) const = 0;
    /// The bytes of one piece; a special token's name.
    virtual std::string piece(std::int32_t id) const = 0;
    virtual Index size() const = 0;
    virtual bool is_special(std::int32_t id) const = 0;
};

/// How text falls into words before pieces are merged; steps are applied one after another.
enum class SplitStep : std::uint8_t {
    gpt2,    // contractions, letters, numbers, the rest, each with one space before it
    llama3,  // at most three digits together
    qwen2,   // every digit alone
    digits,  // only: every digit alone
};

/// The words of a text under a rule; together they are the text.
std::vector<std::string_view> split_words(std::string_view text, std::span<const SplitStep> steps);

struct ByteBpe {
    std::vector<std::string> pieces;                            // by id, as bytes
    std::vector<std::pair<std::int32_t, std::int32_t>> merges;  // by rank
    std::map<std::int32_t, std::string> special;
    std::vector<SplitStep> split = {SplitStep::qwen2};
    bool whole_words_first = false;  // a word that is a piece is not merged (Llama 3)
};

/// Throws Error::bad_file when merges and pieces disagree.
std::shared_ptr<const Tokenizer> make_tokenizer(ByteBpe parts);

inline constexpr std::string_view begin_token = "<|begin|>", end_token = "<|end|>";

/// Learns merges from texts until there are `pieces` pieces, the 256 bytes and the two special
/// tokens (ids 0 and 1) included, or until no pair comes twice. The most frequent pair first, the
/// one whose bytes come first among equals.
ByteBpe train_byte_bpe(std::span<const std::string> texts, std::size_t pieces);

/// A Hugging Face tokenizer.json.
std::string to_json(const ByteBpe& parts);
/// Reads such a file. Throws Error::bad_file for what is malformed, Error::unsupported naming the
/// kind, rule or normalizer that is not here.
std::shared_ptr<const Tokenizer> tokenizer_from_json(std::string_view text,
                                                     const std::string& path);
ByteBpe byte_bpe_from_json(std::string_view text, const std::string& path);

struct SentencePieces {
    std::vector<std::string> pieces;  // U+2581 for a space
    std::vector<float> scores;
    std::vector<std::int32_t> types;  // 1 normal, 2 unknown, 3 control, 4 user, 5 unused, 6 byte
    bool space_first = true;          // a space is put before the text
};
std::shared_ptr<const Tokenizer> make_tokenizer(SentencePieces parts);

/// From the metadata of a GGUF file: "llama" or "gpt2". Throws as tokenizer_from_json() does.
std::shared_ptr<const Tokenizer> tokenizer_from_gguf(const GgufMetadata& metadata,
                                                     const std::string& path);

/// Throws Error::bad_file when the tokenizer has ids that the model does not.
void check_vocabulary(const Tokenizer& tokenizer, const ModelConfig& config,
                      const std::string& path);

}  // namespace nibble
