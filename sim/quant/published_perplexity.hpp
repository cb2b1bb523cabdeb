// Perplexities on WikiText-2 that papers print for 7B Llamas, weights in groups of 128. One file,
// data/published/perplexity/awq-2024.toml.
#pragma once

#include <string>
#include <vector>

#include "sim/published/published_file.hpp"

namespace nibble {

struct PublishedPerplexity {
    std::string model;   // an id of the catalogue
    std::string method;  // "fp16": as released; "rtn", "awq"
    int weight_bits = 16;
    double perplexity = 0;
};

struct PublishedPerplexities : Citation {
    std::string title;
    std::vector<PublishedPerplexity> rows;

    /// Throws BrokenInvariant when it was not printed.
    const PublishedPerplexity& of(const std::string& model, const std::string& method,
                                  int weight_bits) const;
};

/// Throws Error::bad_file naming the line and key, Error::io when unreadable.
PublishedPerplexities read_published_perplexity(const std::filesystem::path& path);
/// The file that comes with the program, read once.
const PublishedPerplexities& published_perplexity();

}  // namespace nibble
