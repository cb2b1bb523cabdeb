// Decode attention on the processor and in the rungs: by hand, against the oracle in double, over
// both layouts of the cache, and what it refuses.
#include <limits>
#include <oneapi/tbb/global_control.h>
#include <stdexcept>

#include "kernels/attention/ladder_shape.hpp"
#include "kernels/ladder.hpp"

#include "tests/catch.hpp"
#include "tests/kernels/attention_oracle.hpp"

namespace nibble::kernels {
namespace {

using attention_oracle::value_of;

/// Binary16 of a number.
std::uint16_t half(float x) {
    return static_cast<std::uint16_t>(
        formats::encode(formats::fp16, x, formats::Overflow::standard));
}

/// Sequences of different lengths in a contiguous cache.
struct Batch {
    AttentionShape shape;
    std::size_t max_tokens = 0;
    std::vector<float> queries;
    std::vector<std::int32_t> lengths;
    std::vector<std::uint16_t> keys, values;

    Batch(const AttentionShape& of, std::vector<std::int32_t> tokens, std::size_t room)
        : shape(of), max_tokens(room), queries(of.query_values()), lengths(std::move(tokens)) {
        std::mt19937 generator(5);
        std::normal_distribution<float> draw(0.0f, 1.0f);
        for (float& q : queries) {
            q = draw(generator);
        }
        // what lies beyond a length is NaN: nothing may read it
        keys.assign(shape.sequences * shape.kv_heads * room * shape.head_dim, 0x7e00);
        values = keys;
        for (std::size_t s = 0; s < shape.sequences; ++s) {
            for (std::size_t h = 0; h < shape.kv_heads; ++h) {
                const std::size_t start = (s * shape.kv_heads + h) * room * shape.head_dim;
                const auto used = static_cast<std::size_t>(lengths[s]) * shape.head_dim;
                for (std::size_t i = start; i < start + used; ++i) {
                    keys[i] = half(draw(generator));
                    values[i] = half(draw(generator));
                }
            }
        }
    }
    AttentionQuery query() const { return {queries, lengths}; }
    ContiguousCache cache() const { return {keys, values, max_tokens}; }
    std::vector<float> attended() const {
        std::vector<float> outputs(shape.query_values(), -1.0f);
        attend(shape, query(), cache(), outputs);
        return outputs;
    }
    std::vector<double> oracle() const {
        return attention_oracle::attend(shape, query(), keys, values,
                                        [&](std::size_t s, std::size_t h, std::size_t t) {
                                            return (s * shape.kv_heads + h) * max_tokens + t;
                                        });
    }
};

/// The same tokens in blocks, in a random order among blocks that nobody uses.
struct Pages {
    PagedCache cache;
    std::vector<std::uint16_t> keys, values;
    std::vector<std::int32_t> table;

    Pages(const Batch& b, std::size_t block_tokens, unsigned seed) {
        const std::size_t columns = (b.max_tokens + block_tokens - 1) / block_tokens;
        const std::size_t blocks = b.shape.sequences * columns + 3;
        std::vector<std::int32_t> order(blocks);
        std::iota(order.begin(), order.end(), 0);
        std::shuffle(order.begin(), order.end(), std::mt19937(seed));
        keys.assign(blocks * b.shape.kv_heads * block_tokens * b.shape.head_dim, 0x7e00);
        values = keys;
        // entries that no length reaches are no blocks
        table.assign(b.shape.sequences * columns, std::numeric_limits<std::int32_t>::min());
        for (std::size_t s = 0; s < b.shape.sequences; ++s) {
            for (std::size_t t = 0; t < static_cast<std::size_t>(b.lengths[s]); ++t) {
                const std::size_t column = t / block_tokens;
                table[s * columns + column] = order[s * columns + column];
                const auto block = static_cast<std::size_t>(order[s * columns + column]);
                for (std::size_t h = 0; h < b.shape.kv_heads; ++h) {
                    const std::size_t dim = b.shape.head_dim;
                    const std::size_t from = ((s * b.shape.kv_heads + h) * b.max_tokens + t) * dim;
                    const std::size_t to =
                        ((block * b.shape.kv_heads + h) * block_tokens + t % block_tokens) * dim;
                    std::copy_n(b.keys.begin() + static_cast<std::ptrdiff_t>(from), dim,
                                keys.begin() + static_cast<std::ptrdiff_t>(to));
                    std::copy_n(b.values.begin() + static_cast<std::ptrdiff_t>(from), dim,
                                values.begin() + static_cast<std::ptrdiff_t>(to));
                }
            }
        }
        cache = {keys, values, table, blocks, block_tokens, columns};
    }
    std::vector<float> attended(const Batch& b) const {
        std::vector<float> outputs(b.shape.query_values(), -1.0f);
        attend(b.shape, b.query(), cache, outputs);
        return outputs;
    }
};

double largest_difference(const std::vector<float>& found, const std::vector<double>& expected) {
    double largest = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        const double difference = std::fabs(static_cast<double>(found[i]) - expected[i]);
        largest = difference <= largest ? largest : difference;  // NaN shows
    }
    return largest;
}

// Logits of unit size from up to 128 products and sums over up to 1000 tokens, each addition off by
// 2^-24 of what it adds to, values up to about 4: below 2^-17 unless they all err to one side.
constexpr double rounding = 0x1p-17;

}  // namespace

TEST_CASE("attention over two tokens, by hand", "[attention]") {
    // Logits: q . k / sqrt(16) = 4 ln 3 * 1 / 4 and 0, so the weights are 3/4 and 1/4.
    const AttentionShape shape{1, 1, 1, 16};
    Batch b(shape, {2}, 2);
    std::fill(b.queries.begin(), b.queries.end(), 0.0f);
    b.queries[0] = 4 * std::log(3.0f);
    std::fill(b.keys.begin(), b.keys.end(), half(0));
    b.keys[0] = half(1);
    std::fill(b.values.begin(), b.values.end(), half(0));
    b.values[0] = half(1);       // of the first token
    b.values[16 + 1] = half(8);  // of the second
    const std::vector<float> o = b.attended();
    CHECK(o[0] == Approx(0.75));
    CHECK(o[1] == Approx(2.0));
    CHECK(o[2] == 0);
}

TEST_CASE("the processor agrees with the oracle, at any length and any grouping of heads",
          "[attention]") {
    // no token, one, tails of tiles of 16 and of stretches of 256, several stretches
    const std::vector<std::int32_t> lengths = {0, 1, 15, 16, 17, 255, 257, 1000};
    for (const auto& [heads, kv_heads, head_dim] : {std::array<std::size_t, 3>{1, 1, 16},
                                                    {8, 2, 64},
                                                    {6, 6, 80},
                                                    {12, 4, 128},
                                                    {3, 1, 256}}) {
        CAPTURE(heads, kv_heads, head_dim);
        const Batch b({lengths.size(), heads, kv_heads, head_dim}, lengths, 1000);
        const std::vector<float> found = b.attended();
        CHECK(largest_difference(found, b.oracle()) < rounding);
        CHECK(std::all_of(found.begin(), found.begin() + heads * head_dim,
                          [](float v) { return v == 0; }));  // the empty sequence
    }
}

TEST_CASE("a paged cache gives the bits of a contiguous one", "[attention]") {
    const Batch b({6, 4, 2, 64}, {0, 1, 31, 33, 300, 517}, 517);
    const std::vector<float> contiguous = b.attended();
    for (const std::size_t block_tokens : {1, 2, 7, 16, 128, 517, 1024}) {
        for (const unsigned seed : {1U, 2U}) {
            CAPTURE(block_tokens, seed);
            CHECK(Pages(b, block_tokens, seed).attended(b) == contiguous);
        }
    }
}

TEST_CASE("one thread gives the bits of many", "[attention]") {
    const Batch b({3, 4, 2, 64}, {700, 9, 256}, 700);
    const std::vector<float> many = b.attended();
    const oneapi::tbb::global_control one(oneapi::tbb::global_control::max_allowed_parallelism, 1);
    CHECK(b.attended() == many);
}

TEST_CASE("large logits neither overflow nor hide each other", "[attention]") {
    Batch b({1, 1, 1, 16}, {300}, 300);
    for (float& q : b.queries) {
        q *= 1000;  // logits of thousands, as float's exp cannot take them
    }
    // Logits of up to 2^14 are off by 2^-24 of that each time: weights by 2^-8 of themselves.
    CHECK(largest_difference(b.attended(), b.oracle()) < 0x1p-7);
}

TEST_CASE("every rung agrees with the oracle on sequences of any length, over both layouts",
          "[attention]") {
    const Device& emulator = device(Machine::emulated);
    const AttentionShape shape{5, ladder_heads, ladder_kv_heads, ladder_head_dim};
    const Batch b(shape, {0, 1, 130, 37, 145}, 145);
    const Pages pages(b, 7, 3);
    const std::vector<double> expected = b.oracle();
    const Ladder& contiguous = *find_ladder("attention-contiguous");
    const Ladder& paged = *find_ladder("attention-paged");
    REQUIRE(contiguous.rungs.size() == paged.rungs.size());
    DeviceArray<float> queries(emulator, b.queries),
        partials(emulator, std::size_t{5} * ladder_heads * 2 * (ladder_head_dim + 4));
    DeviceArray<std::int32_t> lengths(emulator, b.lengths), table(emulator, pages.table);
    const auto run = [&](const Rung& rung, const Job& job, std::span<const std::uint16_t> k,
                         std::span<const std::uint16_t> v) {
        DeviceArray<std::uint16_t> keys(emulator, k, "keys"), values(emulator, v, "values");
        DeviceArray<float> outputs(emulator, b.queries.size(), "outputs");
        const std::vector<void*> pointers = {queries.data(), keys.data(),    values.data(),
                                             lengths.data(), outputs.data(), partials.data(),
                                             table.data()};
        rung.emulated(job, pointers);
        return outputs.download();
    };
    for (std::size_t i = 0; i < paged.rungs.size(); ++i) {
        CAPTURE(paged.rungs[i].name);
        const auto whole = run(contiguous.rungs[i], {5, 145, 0}, b.keys, b.values);
        const auto in_blocks = run(paged.rungs[i], {5, 145, 7}, pages.keys, pages.values);
        CHECK(largest_difference(whole, expected) < rounding);
        CHECK(in_blocks == whole);  // the same tokens in the same order: the same bits
    }
}

TEST_CASE("what attention cannot do is refused by name", "[attention]") {
    const auto refusal = [](auto change) -> std::string {
        Batch b({2, 4, 2, 16}, {3, 5}, 8);
        Pages pages(b, 2, 1);
        std::vector<float> outputs(b.shape.query_values());
        change(b, pages);
        pages.cache.table = pages.table;
        try {
            attend(b.shape, b.query(), pages.cache, outputs);
            attend(b.shape, b.query(), b.cache(), outputs);
        } catch (const std::invalid_argument& e) { return e.what(); }
        return {};
    };
    CHECK(refusal([](Batch&, Pages&) {}).empty());
    CHECK(refusal([](Batch&, Pages& p) { p.table[5] = 11; }) ==
          "block 1 of sequence 1 is said to be block 11 of the cache, which has 11");
    CHECK(refusal([](Batch&, Pages& p) { p.table[0] = -1; }).find("block -1") != std::string::npos);
    CHECK(refusal([](Batch& b, Pages&) { b.lengths[1] = 9; }) ==
          "the length of sequence 1 is 9; the cache has room for 0 to 8 tokens");
    CHECK(refusal([](Batch& b, Pages&) { b.lengths[0] = -1; }).find("is -1") != std::string::npos);
    CHECK(refusal([](Batch& b, Pages&) { b.shape.kv_heads = 3; }) ==
          "4 query heads cannot share 3 KV heads; give a multiple of them");
    CHECK(refusal([](Batch& b, Pages&) { b.shape.head_dim = 24; }).find("head_dim 24") !=
          std::string::npos);
    CHECK(refusal([](Batch&, Pages& p) { p.cache.block_tokens = 0; }) ==
          "block_tokens 0 hold no token; give at least 1");
    CHECK(refusal([](Batch& b, Pages&) { b.queries.pop_back(); }) ==
          "queries holds 127 values where 128 belong");
    CHECK(refusal([](Batch& b, Pages&) { b.max_tokens = 7; }).starts_with("keys holds"));
}

}  // namespace nibble::kernels
