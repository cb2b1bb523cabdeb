// Drafted tokens read in one pass: the same bits as one at a time, whatever stands beside them.
#include <numeric>

#include "sim/core/one_thread.hpp"
#include "sim/model/network.hpp"
#include "sim/model/shipped.hpp"

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::tree_test {

using namespace nibble::testing;

namespace {

std::vector<Index> chain(std::size_t count) {
    std::vector<Index> parents(count);
    std::iota(parents.begin(), parents.end(), Index{-1});
    return parents;
}

template <class S>
std::vector<S> row_of(const Matrix<S>& m, Index row) {
    return {m.row(row), m.row(row) + m.cols()};
}

/// Logits after each of `ids`, read one by one behind the prompt.
template <class S>
std::vector<std::vector<S>> one_by_one(const Model<S>& model, const TokenIds& prompt,
                                       const TokenIds& ids) {
    KvCache<S> cache(model.config);
    extend<S>(model, cache, prompt);
    std::vector<std::vector<S>> rows;
    for (const std::int32_t id : ids) {
        rows.push_back(row_of(extend<S>(model, cache, std::span(&id, 1)), 0));
    }
    return rows;
}

template <class S>
void check_chain(const Model<S>& model, std::size_t prompt_tokens, std::size_t drafts) {
    const TokenIds prompt = tiny_tokens(prompt_tokens, 1, model.config.vocab);
    const TokenIds ids = tiny_tokens(drafts, 2, model.config.vocab);
    const auto expected = one_by_one(model, prompt, ids);
    KvCache<S> cache(model.config);
    extend<S>(model, cache, prompt);
    const Matrix<S> together = extend_tree<S>(model, cache, ids, chain(drafts));
    for (std::size_t i = 0; i < drafts; ++i) {
        CHECK(row_of(together, static_cast<Index>(i)) == expected[i]);
    }
}

}  // namespace

TEST_CASE("a chain read in one pass has the bits of one token at a time", "[model][tree]") {
    const OneThread small_loops;
    for (const Index window : {Index{0}, Index{5}}) {
        ModelConfig config = tiny_config();
        config.sliding_window = window;
        const auto small = model_owning<float>(config, tiny_weights<float>(config));
        check_chain(small, 9, 5);
        check_chain(small, 1, 12);  // more rows than the product for few rows takes at once
        check_chain(model_owning<double>(config, tiny_weights<double>(config)), 4, 10);
    }
    for (const std::string_view name : shipped_models) {
        check_chain(open_model(name)->load(), 40, 11);
    }
}

TEST_CASE("every branch of a tree sees its own path only", "[model][tree]") {
    const OneThread small_loops;
    const ModelConfig config = tiny_config();
    const auto model = model_owning<float>(config, tiny_weights<float>(config));
    const TokenIds prompt = tiny_tokens(7, 1);
    //  0 - 2 - 4
    //    - 3
    //  1 - 5 - 6
    const TokenIds ids{3, 8, 11, 2, 5, 11, 16};
    const std::vector<Index> parents{-1, -1, 0, 0, 2, 1, 5};
    KvCache<float> cache(config);
    extend<float>(model, cache, prompt);
    const Matrix<float> tree = extend_tree<float>(model, cache, ids, parents);
    for (const std::vector<Index>& path :
         {std::vector<Index>{0, 2, 4}, std::vector<Index>{0, 3}, std::vector<Index>{1, 5, 6}}) {
        TokenIds tokens;
        for (const Index node : path) {
            tokens.push_back(ids[static_cast<std::size_t>(node)]);
        }
        const auto expected = one_by_one(model, prompt, tokens);
        for (std::size_t depth = 0; depth < path.size(); ++depth) {
            CHECK(row_of(tree, path[depth]) == expected[depth]);
        }
        // The path that is kept is a cache like any other.
        KvCache<float> kept = cache;
        kept.keep(static_cast<Index>(prompt.size()), path);
        CHECK(kept.length() == static_cast<Index>(prompt.size() + path.size()));
        TokenIds whole = prompt;
        whole.insert(whole.end(), tokens.begin(), tokens.end());
        const std::int32_t next = 4;
        tokens.push_back(next);
        CHECK(row_of(extend<float>(model, kept, std::span(&next, 1)), 0) ==
              one_by_one(model, prompt, tokens).back());
    }
}

TEST_CASE("trees that are none are refused", "[model][tree]") {
    const ModelConfig config = tiny_config();
    const auto model = model_owning<float>(config, tiny_weights<float>(config));
    const auto read = [&](const TokenIds& ids, const std::vector<Index>& parents) {
        return error_of([&] {
            KvCache<float> cache(config);
            extend_tree<float>(model, cache, ids, parents);
        });
    };
    CHECK(contains(read({1, 2}, {-1, 1}), "token 1 of the tree follows token 1"));
    CHECK(contains(read({1, 2}, {-2, 0}), "token 0 of the tree follows token -2"));
    CHECK(contains(read({1, 99}, {-1, 0}), "token id 99"));
}

}  // namespace nibble::tree_test
