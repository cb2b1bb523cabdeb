#include "sim/model/tokenizer.hpp"

#include "sim/model/corpus.hpp"
#include "sim/tensor/gguf.hpp"

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::tokenizer_test {

using nibble::testing::error_of;

namespace {

std::vector<std::string> words_of(std::string_view text, std::vector<SplitStep> steps) {
    const auto views = split_words(text, steps);
    return {views.begin(), views.end()};
}

const ByteBpe& small_bpe() {
    static const ByteBpe bpe = [] {
        std::vector<std::string> texts;
        for (const Domain domain : all_domains) {
            for (std::uint64_t i = 0; i < 30; ++i) {
                texts.push_back(make_document(1, Split::train, domain, i).text);
            }
        }
        return train_byte_bpe(texts, 400);
    }();
    return bpe;
}

std::string random_bytes(std::uint64_t seed, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        text += static_cast<char>(Rng(seed).below(i, 256));
    }
    return text;
}

/// "ab" is better than "bc"; bytes fall back for x, nothing for y.
SentencePieces small_pieces() {
    SentencePieces p;
    const auto add = [&](const char* piece, float score, std::int32_t type) {
        p.pieces.emplace_back(piece);
        p.scores.push_back(score);
        p.types.push_back(type);
    };
    add("<unk>", 0, 2);
    add("<s>", 0, 3);
    add("</s>", 0, 3);
    for (int byte = 0; byte < 256; ++byte) {
        char text[8];
        std::snprintf(text, sizeof text, "<0x%02X>", byte);
        add(text, 0, 6);
    }
    const char* pieces[] = {"ab",
                            "bc",
                            "abc",
                            "a",
                            "b",
                            "c",
                            "\xe2\x96\x81",
                            "\xe2\x96\x81"
                            "ab"};
    for (int i = 0; i < 8; ++i) {
        add(pieces[i], static_cast<float>(-i), 1);
    }
    return p;
}

}  // namespace

TEST_CASE("words are split as the published expressions split them", "[tokenizer]") {
    using Words = std::vector<std::string>;
    // Checked by hand against the expressions.
    CHECK(words_of("I've 2024 cats,  ok", {SplitStep::gpt2}) ==
          Words{"I", "'ve", " 2024", " cats", ",", " ", " ok"});
    CHECK(words_of("I'VE 2024\n\n cats?!\n x", {SplitStep::llama3}) ==
          Words{"I", "'VE", " ", "202", "4", "\n\n", " cats", "?!\n", " x"});
    CHECK(words_of("x=12;\n  y", {SplitStep::qwen2}) ==
          Words{"x", "=", "1", "2", ";\n", " ", " y"});
    CHECK(words_of("(a b", {SplitStep::qwen2}) == Words{"(a", " b"});
    CHECK(words_of("a 12 b", {SplitStep::digits, SplitStep::gpt2}) ==
          Words{"a", " ", "1", "2", " b"});
    CHECK(words_of("caf\xc3\xa9 \xe4\xbd\xa0\xe5\xa5\xbd", {SplitStep::gpt2}) ==
          Words{"caf\xc3\xa9", " \xe4\xbd\xa0\xe5\xa5\xbd"});
    CHECK(words_of("a   ", {SplitStep::gpt2}) == Words{"a", "   "});
    CHECK(words_of("", {SplitStep::gpt2}).empty());
}

TEST_CASE("any bytes come back from the trained tokenizer", "[tokenizer]") {
    const auto tokenizer = make_tokenizer(small_bpe());
    CHECK(tokenizer->size() == 400);
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const std::string text = random_bytes(seed, 1 + 7 * seed);
        CHECK(tokenizer->decode(tokenizer->encode(text)) == text);
    }
    const std::string text = make_document(9, Split::test, Domain::stories, 1).text;
    const TokenIds ids = tokenizer->encode(text);
    CHECK(tokenizer->decode(ids) == text);
    CHECK(ids.size() * 3 < text.size() * 2);
    CHECK(tokenizer->encode("").empty());
    // The special tokens' names are text like any other, and the tokens themselves no text.
    CHECK(tokenizer->encode(end_token).size() > 1);
    CHECK(tokenizer->decode(TokenIds{0, 1}).empty());
    CHECK(contains(error_of([&] { tokenizer->decode(TokenIds{400}); }), "token id 400"));
}

TEST_CASE("training merges the most frequent pair first", "[tokenizer]") {
    const std::vector<std::string> texts = {"abab abab cd"};
    const ByteBpe bpe = train_byte_bpe(texts, 300);
    const auto piece = [&](std::size_t i) { return bpe.pieces.at(258 + i); };
    CHECK(piece(0) == "ab");    // four times
    CHECK(piece(1) == "abab");  // twice, and so is nothing else
    CHECK(bpe.pieces.size() == 260);
    CHECK(to_json(train_byte_bpe(texts, 300)) == to_json(bpe));
}

TEST_CASE("a long run of one letter is merged quickly", "[tokenizer]") {
    const auto tokenizer =
        make_tokenizer(train_byte_bpe(std::vector<std::string>{"aaaa aaaa"}, 262));
    const std::string text(200000, 'a');  // quadratic merging would take minutes
    CHECK(tokenizer->decode(tokenizer->encode(text)) == text);
}

TEST_CASE("tokenizer.json gives the same tokenizer back", "[tokenizer]") {
    const auto written = make_tokenizer(small_bpe());
    const auto read = tokenizer_from_json(to_json(small_bpe()), "t.json");
    CHECK(read->size() == written->size());
    for (const Domain domain : all_domains) {
        const std::string text = make_document(3, Split::test, domain, 0).text;
        CHECK(read->encode(text) == written->encode(text));
    }
    const std::string bytes = random_bytes(4, 3000);
    CHECK(read->encode(bytes) == written->encode(bytes));
    CHECK(read->is_special(1));
    CHECK(read->piece(1) == end_token);
}

TEST_CASE("a tokenizer.json that is broken or not ours to read is refused by name", "[tokenizer]") {
    const std::string good = to_json(small_bpe());
    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        REQUIRE(contains(text, from));
        text.replace(text.find(from), from.size(), to);
        return error_of([&] { tokenizer_from_json(text, "t.json"); });
    };
    CHECK(contains(error_of([] { tokenizer_from_json("{", "t.json"); }), "t.json"));
    CHECK(contains(error_of([] { tokenizer_from_json("[]", "t.json"); }), "model"));
    CHECK(contains(changed("\"BPE\"", "\"Unigram\""), "Unigram"));
    CHECK(
        contains(changed("\"byte_fallback\": false", "\"byte_fallback\": true"), "byte_fallback"));
    CHECK(contains(changed("\"normalizer\": null", "\"normalizer\": {\"type\": \"Lowercase\"}"),
                   "Lowercase"));
    CHECK(contains(changed("(?!", "(?="), "splitting rule"));
    CHECK(contains(changed("\"merges\": [", "\"merges\": [\"zz qq\","), "the merge of"));
    CHECK(contains(changed("\"!\": 35", "\"!\": -3"), "-3"));
    CHECK(contains(changed("\"!\": 35", "\"!!!\": 35"), "byte 33"));
}

TEST_CASE("SentencePiece merges by score and falls back to bytes", "[tokenizer]") {
    const auto tokenizer = make_tokenizer(small_pieces());
    const auto pieces = [&](std::string_view text) {
        std::vector<std::string> out;
        for (const auto id : tokenizer->encode(text)) {
            out.push_back(tokenizer->piece(id));
        }
        return out;
    };
    using Words = std::vector<std::string>;
    CHECK(pieces("abc") == Words{" ", "abc"});  // ab, then abc: both beat " ab"
    CHECK(pieces("bc b") == Words{" ", "bc", " ", "b"});
    CHECK(pieces("x") == Words{" ", "x"});
    CHECK(tokenizer->encode("\xc3\xa9").size() == 3);  // a space and two bytes
    for (const std::string text : {"abc ab", "  a ", " \xf0\x9f\x99\x82 x", "\xff\x80"}) {
        CHECK(tokenizer->decode(tokenizer->encode(text)) == text);
    }
    CHECK(tokenizer->decode(TokenIds{1, 2}).empty());
}

TEST_CASE("GGUF metadata give both kinds of tokenizer", "[tokenizer]") {
    const SentencePieces parts = small_pieces();
    GgufMetadata m;
    m.entries = {{"tokenizer.ggml.model", std::string("llama")},
                 {"tokenizer.ggml.tokens", GgufArray(parts.pieces)},
                 {"tokenizer.ggml.scores", GgufArray(parts.scores)},
                 {"tokenizer.ggml.token_type", GgufArray(parts.types)}};
    CHECK(tokenizer_from_gguf(m, "m.gguf")->encode("abc x") ==
          make_tokenizer(parts)->encode("abc x"));

    GgufMetadata broken = m;
    broken.entries[2].second = GgufArray(std::vector<float>{1});
    CHECK(contains(error_of([&] { tokenizer_from_gguf(broken, "m.gguf"); }), "scores"));
    broken.entries = {{"tokenizer.ggml.model", std::string("rwkv")}};
    CHECK(contains(error_of([&] { tokenizer_from_gguf(broken, "m.gguf"); }), "rwkv"));
    broken.entries.clear();
    CHECK(contains(error_of([&] { tokenizer_from_gguf(broken, "m.gguf"); }), "missing"));

    // Byte-level: 256 byte characters as GPT-2 writes them, and one merge of two of them.
    std::vector<std::string> pieces;
    for (int byte = 0; byte < 256; ++byte) {
        const bool prints =
            (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
        static int next;
        next = byte == 0 ? 0x100 : next;
        const int c = prints ? byte : next++;
        pieces.push_back(c < 128 ? std::string(1, static_cast<char>(c))
                                 : std::string{static_cast<char>(0xc0 | c >> 6),
                                               static_cast<char>(0x80 | (c & 63))});
    }
    pieces.emplace_back("\xc4\xa0t");  // a space is U+0120
    pieces.emplace_back("<|endoftext|>");
    std::vector<std::int32_t> types(pieces.size(), 1);
    types.back() = 3;
    GgufMetadata bpe;
    bpe.entries = {{"tokenizer.ggml.model", std::string("gpt2")},
                   {"tokenizer.ggml.tokens", GgufArray(pieces)},
                   {"tokenizer.ggml.token_type", GgufArray(types)},
                   {"tokenizer.ggml.merges", GgufArray(std::vector<std::string>{"\xc4\xa0 t"})}};
    const auto tokenizer = tokenizer_from_gguf(bpe, "m.gguf");
    CHECK(tokenizer->encode("a t") == TokenIds{'a', 256});
    CHECK(tokenizer->decode(TokenIds{'a', 256, 257}) == "a t");
    bpe.entries.emplace_back("tokenizer.ggml.pre", std::string("tekken"));
    CHECK(contains(error_of([&] { tokenizer_from_gguf(bpe, "m.gguf"); }), "tekken"));
}

TEST_CASE("a tokenizer with more pieces than the model has embeddings is refused", "[tokenizer]") {
    const auto tokenizer = make_tokenizer(small_bpe());
    ModelConfig c;
    c.vocab = 399;
    CHECK(contains(error_of([&] { check_vocabulary(*tokenizer, c, "m"); }), "400 pieces"));
    c.vocab = 400;
    CHECK(error_of([&] { check_vocabulary(*tokenizer, c, "m"); }).empty());
}

}  // namespace nibble::tokenizer_test
