// A model small enough to be checked with plain loops, and batches for it.
#pragma once

#include <filesystem>
#include <stdlib.h>
#include <string>
#include <string_view>

#include "sim/core/error.hpp"
#include "sim/core/rng.hpp"
#include "sim/model/network.hpp"

namespace nibble::testing {

/// A folder of one test's own, gone when the test is.
struct ScratchFolder {
    std::filesystem::path path;

    ScratchFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "nibble-XXXXXX").string();
        path = mkdtemp(name.data());
    }
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
};

/// What the Error thrown by `action` says; "" when none is thrown.
template <class Action>
std::string error_of(const Action& action) {
    try {
        action();
    } catch (const Error& e) { return e.line(); }
    return "";
}

inline ModelConfig tiny_config() {
    ModelConfig c;
    c.hidden = 12;
    c.inner = 20;
    c.layers = 2;
    c.heads = 4;
    c.kv_heads = 2;
    c.head_dim = 4;  // q is wider than the stream: 16
    c.vocab = 17;
    c.max_positions = 64;
    return c;
}

/// Weights large enough that every nonlinearity bends; gains near one.
template <class S>
std::vector<S> tiny_weights(const ModelConfig& config, std::uint64_t seed = 3) {
    std::vector<S> values;
    const Rng rng = Rng(seed).stream("tiny");
    for (const Parameter& p : parameters_of(config)) {
        for (Index i = 0; i < p.size(); ++i) {
            const auto at = static_cast<std::uint64_t>(p.offset + i);
            values.push_back(
                static_cast<S>(p.is_matrix ? 0.3 * rng.normal(at) : 1 + 0.2 * rng.normal(at)));
        }
    }
    return values;
}

inline TokenIds tiny_tokens(std::size_t count, std::uint64_t seed, Index vocab = 17) {
    TokenIds ids;
    for (std::size_t i = 0; i < count; ++i) {
        ids.push_back(static_cast<std::int32_t>(
            Rng(seed).stream("tokens").below(i, static_cast<std::uint64_t>(vocab))));
    }
    return ids;
}

}  // namespace nibble::testing
