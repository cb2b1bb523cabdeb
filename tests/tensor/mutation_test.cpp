// Every file that is nearly right must be read or refused, and nothing else: no crash, no hang, no
// allocation that its size does not justify. Run it under the asan preset as well.
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/tensor/files.hpp"

namespace nibble::mutation_test {

using namespace nibble::test;
using namespace std::string_literals;

namespace {

struct Tally {
    int read = 0, refused = 0;
};

/// Opens the bytes, reads and summarises every tensor. Whatever is thrown but Error fails the test,
/// by leaving it.
void attempt(const TempFolder& folder, const std::string& name, const std::string& bytes,
             Tally& tally) {
    if (bytes.empty()) {
        return;
    }
    try {
        const auto file = open_bytes(folder, name, bytes);
        for (const TensorInfo& tensor : file->tensors()) {
            CHECK(tensor.offset + tensor.bytes <= bytes.size());
            try {
                const std::vector<float> values = file->read_all(tensor);
                CHECK(std::ssize(values) == tensor.elements());
                summarize(*file, tensor);
            } catch (const Error& error) { CHECK(error.code() == Error::Code::unsupported); }
        }
        for (const MetadataEntry& entry : file->metadata()) {
            CHECK(entry.value.size() < 10 * bytes.size() + 100);
        }
        ++tally.read;
    } catch (const Error& error) {
        CHECK(std::string(error.what()).find(name) != std::string::npos);
        ++tally.refused;
    }
}

/// Cuts the file at every 7th byte and at each of `borders` and its neighbours; flips every bit of
/// the first `header` bytes and one bit of every 11th byte after; sets header bytes to their
/// extremes.
Tally mutate(const std::string& name, const std::string& good, std::size_t header,
             const std::vector<std::size_t>& borders) {
    const TempFolder folder;
    Tally whole, tally;
    attempt(folder, name, good, whole);
    REQUIRE(whole.read == 1);
    for (std::size_t cut = 1; cut < good.size(); cut += 7) {
        attempt(folder, name, good.substr(0, cut), tally);
    }
    for (const std::size_t border : borders) {
        for (std::size_t cut = border > 2 ? border - 2 : 0; cut <= border + 2; ++cut) {
            attempt(folder, name, good.substr(0, std::min(cut, good.size() - 1)), tally);
        }
    }
    CHECK(tally.read == 0);  // every byte of these files is needed
    const auto with = [&](std::size_t at, int value) {
        std::string changed = good;
        changed[at] = static_cast<char>(value);
        attempt(folder, name, changed, tally);
    };
    for (std::size_t at = 0; at < good.size(); at += at < header ? 1 : 11) {
        const auto byte = static_cast<unsigned char>(good[at]);
        for (int bit = 0; bit < (at < header ? 8 : 1); ++bit) {
            with(at, byte ^ 1 << bit);
        }
        if (at < header) {
            with(at, 0x00);
            with(at, 0xff);
        }
    }
    return tally;
}

}  // namespace

TEST_CASE("no mutation of an npy file does harm", "[tensor][mutation]") {
    const std::string header = npy_header("<f4", "(3, 5)", true);
    const std::string good =
        npy(header, floats({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
    const Tally tally = mutate("w.npy", good, 10 + header.size(), {6, 8, 10, 10 + header.size()});
    CHECK(tally.refused > 300);
    CHECK(tally.read > 10);
}

TEST_CASE("no mutation of a safetensors file does harm", "[tensor][mutation]") {
    const std::string json =
        R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
        R"("b":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[24,28]},)"
        R"("c":{"dtype":"BF16","shape":[],"data_offsets":[28,30]}})";
    const std::string good =
        safetensors(json, floats({1, 2, 3, 4, 5, 6}) + "\x11\x22\x33\x44\x80?");
    const Tally tally = mutate("w.safetensors", good, 8 + json.size(), {8, 8 + json.size()});
    CHECK(tally.refused > 1000);
    CHECK(tally.read > 10);
}

TEST_CASE("no mutation of a GGUF file does harm", "[tensor][mutation]") {
    const std::string block = "\x00\x34"s + std::string(32, '\x21');
    std::string data = floats({1, 2, 3, 4, 5, 6});
    data.resize(32, '\0');
    data += block + block;
    data.resize(128, '\0');
    data += std::string(144, '\x17');  // one block of Q4_K
    const std::string head =
        gguf({gguf_pair("general.alignment", 4, le(32u)),
              gguf_pair("tokens", 9, le(8u) + le(2ull) + gguf_string("<s>") + gguf_string("hello")),
              gguf_pair("scores", 9, le(6u) + le(3ull) + floats({1, 2, 3})),
              gguf_pair("flag", 7, "\x01"), gguf_pair("name", 8, gguf_string("tiny"))},
             {gguf_tensor("w", {3, 2}, 0, 0), gguf_tensor("q", {32, 2}, 8, 32),
              gguf_tensor("k", {256}, 12, 128)},
             "");
    const Tally tally = mutate("w.gguf", head + data, head.size(), {4, 8, 16, 24, head.size()});
    CHECK(tally.refused > 1000);
    CHECK(tally.read > 10);
}

}  // namespace nibble::mutation_test
