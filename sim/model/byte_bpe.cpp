// Byte-level BPE: encoding, training, and the tokenizer.json that holds it.
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <unordered_map>

#include "sim/model/merge_pieces.hpp"
#include "sim/model/tokenizer.hpp"

namespace nibble {
namespace {

class ByteBpeTokenizer : public Tokenizer {
public:
    explicit ByteBpeTokenizer(ByteBpe parts) : parts_(std::move(parts)) {
        for (std::size_t id = 0; id < parts_.pieces.size(); ++id) {
            if (!parts_.special.contains(static_cast<std::int32_t>(id))) {
                ids_.try_emplace(parts_.pieces[id], static_cast<std::int32_t>(id));
            }
        }
        for (int byte = 0; byte < 256; ++byte) {
            if (!ids_.contains(std::string(1, static_cast<char>(byte)))) {
                throw Error(Error::Code::bad_file,
                            fmt::format("the tokenizer has no piece for byte {}", byte),
                            "byte-level BPE starts from all 256");
            }
        }
        for (std::size_t rank = 0; rank < parts_.merges.size(); ++rank) {
            const auto& [left, right] = parts_.merges[rank];
            const std::string both = text_of(left) + text_of(right);
            if (!ids_.contains(both)) {
                throw Error(
                    Error::Code::bad_file,
                    fmt::format("merge {} makes a piece that is not in the vocabulary", rank),
                    "merges and vocabulary are from different tokenizers");
            }
            ranks_.try_emplace(key(left, right), static_cast<double>(rank));
        }
    }

    TokenIds encode(std::string_view text) const override {
        TokenIds ids;
        for (const std::string_view word : split_words(text, parts_.split)) {
            if (parts_.whole_words_first) {
                if (const auto found = ids_.find(std::string(word)); found != ids_.end()) {
                    ids.push_back(found->second);
                    continue;
                }
            }
            std::vector<Symbol> bytes;
            for (std::size_t i = 0; i < word.size(); ++i) {
                bytes.push_back({i, 1});
            }
            const auto merged = merge_pieces(
                word, std::move(bytes), [&](std::string_view left, std::string_view right) {
                    const auto found = ranks_.find(key(id_of(left), id_of(right)));
                    return found == ranks_.end() ? std::nan("") : -found->second;
                });
            for (const Symbol& symbol : merged) {
                ids.push_back(id_of(word.substr(symbol.begin, symbol.length)));
            }
        }
        return ids;
    }

    std::string decode(std::span<const std::int32_t> ids) const override {
        std::string text;
        for (const std::int32_t id : ids) {
            if (const std::string& bytes = text_of(id); !is_special(id)) {
                text += bytes;
            }
        }
        return text;
    }

    std::string piece(std::int32_t id) const override { return text_of(id); }
    Index size() const override { return static_cast<Index>(parts_.pieces.size()); }
    bool is_special(std::int32_t id) const override { return parts_.special.contains(id); }

private:
    static std::uint64_t key(std::int32_t left, std::int32_t right) {
        return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
    }
    const std::string& text_of(std::int32_t id) const {
        if (id < 0 || id >= size()) {
            throw Error(Error::Code::bad_param,
                        fmt::format("token id {} is not in the tokenizer", id),
                        fmt::format("ids run from 0 to {}", size() - 1));
        }
        return parts_.pieces[static_cast<std::size_t>(id)];
    }
    std::int32_t id_of(std::string_view bytes) const { return ids_.at(std::string(bytes)); }

    ByteBpe parts_;
    std::unordered_map<std::string, std::int32_t> ids_;
    std::unordered_map<std::uint64_t, double> ranks_;
};

/// A distinct word of the training text and how often it came.
struct Word {
    TokenIds ids;
    std::int64_t count;
};

void merge_in(TokenIds& ids, std::pair<std::int32_t, std::int32_t> pair, std::int32_t merged) {
    std::size_t to = 0;
    for (std::size_t from = 0; from < ids.size(); ++to) {
        const bool here =
            from + 1 < ids.size() && ids[from] == pair.first && ids[from + 1] == pair.second;
        ids[to] = here ? merged : ids[from];
        from += here ? 2 : 1;
    }
    ids.resize(to);
}

}  // namespace

std::shared_ptr<const Tokenizer> make_tokenizer(ByteBpe parts) {
    return std::make_shared<const ByteBpeTokenizer>(std::move(parts));
}

ByteBpe train_byte_bpe(std::span<const std::string> texts, std::size_t pieces) {
    ByteBpe bpe;
    for (const std::string_view special : {begin_token, end_token}) {
        bpe.special[static_cast<std::int32_t>(bpe.pieces.size())] = special;
        bpe.pieces.emplace_back(special);
    }
    const auto first_byte = static_cast<std::int32_t>(bpe.pieces.size());
    for (int byte = 0; byte < 256; ++byte) {
        bpe.pieces.emplace_back(1, static_cast<char>(byte));
    }
    std::map<std::string_view, std::int64_t> counts;
    for (const std::string& text : texts) {
        for (const std::string_view word : split_words(text, bpe.split)) {
            ++counts[word];
        }
    }
    std::vector<Word> words;
    for (const auto& [text, count] : counts) {
        Word word{{}, count};
        for (const char c : text) {
            word.ids.push_back(first_byte + static_cast<unsigned char>(c));
        }
        words.push_back(std::move(word));
    }
    while (bpe.pieces.size() < pieces) {
        std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> pairs;
        for (const Word& word : words) {
            for (std::size_t i = 0; i + 1 < word.ids.size(); ++i) {
                pairs[{word.ids[i], word.ids[i + 1]}] += word.count;
            }
        }
        const auto bytes = [&](const auto& pair) {
            return std::pair(bpe.pieces[static_cast<std::size_t>(pair.first)],
                             bpe.pieces[static_cast<std::size_t>(pair.second)]);
        };
        auto best = pairs.end();
        for (auto i = pairs.begin(); i != pairs.end(); ++i) {
            if (best == pairs.end() || i->second > best->second ||
                (i->second == best->second && bytes(i->first) < bytes(best->first))) {
                best = i;
            }
        }
        if (best == pairs.end() || best->second < 2) {
            break;
        }
        const auto [left, right] = bytes(best->first);
        bpe.merges.push_back(best->first);
        for (Word& word : words) {
            merge_in(word.ids, best->first, static_cast<std::int32_t>(bpe.pieces.size()));
        }
        bpe.pieces.push_back(left + right);
    }
    return bpe;
}

}  // namespace nibble
