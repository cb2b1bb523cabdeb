// What the vLLM paper prints of memory (Kwon et al. 2023, arXiv:2309.06180): what the replays are
// held against. One file, data/published/kv-cache/vllm-2023.toml.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sim/kvcache/placement.hpp"
#include "sim/published/published_file.hpp"

namespace nibble {

/// Shares of the room, 0 .. 1; a part that is not printed is absent.
struct PrintedMemory {
    Placement placement = Placement::paged;
    std::string name;  // "Orca (Max)"
    double token_states = 0;
    std::optional<double> reservation, internal, external;
};

struct PrintedBatch {
    Placement placement = Placement::paged;
    double sharegpt = 0, alpaca = 0;  // mean requests at a time
};

enum class SharingMethod { parallel, beam };
enum class SharingLengths { alpaca, sharegpt };

struct PrintedSaving {
    SharingMethod method = SharingMethod::parallel;
    SharingLengths lengths = SharingLengths::alpaca;
    int sequences = 2;
    double saved = 0;  // share of the blocks, 0 .. 1
};

struct PublishedVllm : Citation {
    std::string title, setup;
    std::vector<PrintedMemory> memory;
    std::vector<PrintedBatch> batched;
    std::vector<PrintedSaving> savings;
    std::int64_t chosen_block_size = 0;
    double best_block_size[2] = {}, best_block_size_alpaca[2] = {};  // the ends of a range
    double sharegpt_prompt = 0, sharegpt_output = 0, alpaca_prompt = 0, alpaca_output = 0;

    /// Throws BrokenInvariant when it was not printed.
    const PrintedBatch& batch_of(Placement placement) const;
};

/// Throws Error::bad_file naming the line and key, Error::io when unreadable.
PublishedVllm read_published_vllm(const std::filesystem::path& path);
/// The file that comes with the program, read once.
const PublishedVllm& published_vllm();

}  // namespace nibble
