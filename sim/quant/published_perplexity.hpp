// Perplexities on WikiText-2 that papers print for 7B Llamas, weights in groups of 128. The first
// Llama and Llama 2 start from different ones, and tables are easily mixed up.
#pragma once

#include <array>

namespace nibble {

inline constexpr const char* published_perplexity_source =
    "Lin et al. 2024, AWQ, arXiv:2306.00978, table 4";

struct PublishedPerplexity {
    int weight_bits;
    double perplexity;
};
inline constexpr PublishedPerplexity llama_7b_fp16 = {16, 5.68};
inline constexpr PublishedPerplexity llama_2_7b_fp16 = {16, 5.47};
inline constexpr PublishedPerplexity llama_2_7b_rtn3 = {3, 6.66};
/// AWQ, and what it starts from.
inline constexpr std::array<PublishedPerplexity, 3> llama_2_7b_awq = {
    {llama_2_7b_fp16, {4, 5.60}, {3, 6.24}}};

}  // namespace nibble
