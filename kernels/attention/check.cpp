#include "kernels/attention/check.hpp"

#include <stdexcept>
#include <string>

namespace nibble::kernels {
namespace {

[[noreturn]] void refuse(const std::string& what) {
    throw std::invalid_argument(what);
}

void check_size(const char* name, std::size_t found, std::size_t expected) {
    if (found != expected) {
        refuse(std::string(name) + " holds " + std::to_string(found) + " values where " +
               std::to_string(expected) + " belong");
    }
}

void check_shape(const AttentionShape& shape, const AttentionQuery& query, std::size_t outputs) {
    if (shape.heads == 0 || shape.kv_heads == 0 || shape.heads % shape.kv_heads != 0) {
        refuse(std::to_string(shape.heads) + " query heads cannot share " +
               std::to_string(shape.kv_heads) + " KV heads; give a multiple of them");
    }
    if (shape.head_dim == 0 || shape.head_dim % 16 != 0 || shape.head_dim > 256) {
        refuse("head_dim " + std::to_string(shape.head_dim) +
               " is not handled; give a multiple of 16 up to 256");
    }
    check_size("queries", query.queries.size(), shape.query_values());
    check_size("lengths", query.lengths.size(), shape.sequences);
    check_size("outputs", outputs, shape.query_values());
}

void check_lengths(const AttentionQuery& query, std::size_t most) {
    for (std::size_t s = 0; s < query.lengths.size(); ++s) {
        const std::int32_t length = query.lengths[s];
        if (length < 0 || static_cast<std::size_t>(length) > most) {
            refuse("the length of sequence " + std::to_string(s) + " is " + std::to_string(length) +
                   "; the cache has room for 0 to " + std::to_string(most) + " tokens");
        }
    }
}

}  // namespace

void check_attention(const AttentionShape& shape, const AttentionQuery& query,
                     const ContiguousCache& cache, std::size_t outputs) {
    check_shape(shape, query, outputs);
    const std::size_t values = shape.sequences * shape.kv_heads * cache.max_tokens * shape.head_dim;
    check_size("keys", cache.keys.size(), values);
    check_size("values", cache.values.size(), values);
    check_lengths(query, cache.max_tokens);
}

void check_attention(const AttentionShape& shape, const AttentionQuery& query,
                     const PagedCache& cache, std::size_t outputs) {
    check_shape(shape, query, outputs);
    if (cache.block_tokens == 0) {
        refuse("block_tokens 0 hold no token; give at least 1");
    }
    const std::size_t values = cache.blocks * shape.kv_heads * cache.block_tokens * shape.head_dim;
    check_size("keys", cache.keys.size(), values);
    check_size("values", cache.values.size(), values);
    check_size("table", cache.table.size(), shape.sequences * cache.table_columns);
    check_lengths(query, cache.table_columns * cache.block_tokens);
    for (std::size_t s = 0; s < shape.sequences; ++s) {
        const std::size_t used =
            (static_cast<std::size_t>(query.lengths[s]) + cache.block_tokens - 1) /
            cache.block_tokens;
        for (std::size_t c = 0; c < used; ++c) {
            const std::int32_t block = cache.table[s * cache.table_columns + c];
            if (block < 0 || static_cast<std::size_t>(block) >= cache.blocks) {
                refuse("block " + std::to_string(c) + " of sequence " + std::to_string(s) +
                       " is said to be block " + std::to_string(block) +
                       " of the cache, which has " + std::to_string(cache.blocks));
            }
        }
    }
}

}  // namespace nibble::kernels
