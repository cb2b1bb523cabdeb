#include "sim/kvcache/published_vllm.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "sim/core/data_folder.hpp"
#include "sim/core/error.hpp"

namespace nibble {
namespace {

Placement placement_in(const TomlTable& row) {
    const std::string name = row.text("placement");
    const std::vector<Choice> choices = placement_choices();
    const auto found = std::find_if(choices.begin(), choices.end(),
                                    [&](const Choice& c) { return c.name == name; });
    if (found == choices.end()) {
        row.refuse("placement", fmt::format("\"{}\" is no placement", name));
    }
    return static_cast<Placement>(found - choices.begin());
}

std::optional<double> share_if(const TomlTable& row, const std::string& key) {
    const auto percent = row.positive_if(key);
    if (percent && *percent > 100) {
        row.refuse(key, fmt::format("{} percent is more than all", *percent));
    }
    return percent ? std::optional(*percent / 100) : std::nullopt;
}

PrintedMemory memory_in(const TomlTable& row) {
    PrintedMemory m;
    m.placement = placement_in(row);
    m.name = row.text("name");
    row.positive("token_states");
    m.token_states = *share_if(row, "token_states");
    m.reservation = share_if(row, "reservation");
    m.internal = share_if(row, "internal");
    m.external = share_if(row, "external");
    return m;
}

void add_savings(const TomlTable& table, std::vector<PrintedSaving>& savings) {
    const std::string method = table.text("method"), lengths = table.text("dataset");
    if (method != "parallel" && method != "beam") {
        table.refuse("method", fmt::format("\"{}\" is neither parallel nor beam", method));
    }
    if (lengths != "alpaca" && lengths != "sharegpt") {
        table.refuse("dataset", fmt::format("\"{}\" is neither alpaca nor sharegpt", lengths));
    }
    for (const auto& row : table.rows("rows", 2)) {
        if (row[0] < 2 || row[0] > 64 || row[1] > 100) {
            table.refuse("rows", fmt::format("[{}, {}]", row[0], row[1]),
                         "2 to 64 sequences, at most 100 percent");
        }
        savings.push_back({method == "beam" ? SharingMethod::beam : SharingMethod::parallel,
                           lengths == "alpaca" ? SharingLengths::alpaca : SharingLengths::sharegpt,
                           static_cast<int>(row[0]), row[1] / 100});
    }
}

void read_block_sizes(const TomlTable& table, PublishedVllm& p) {
    p.chosen_block_size = table.count("chosen");
    const auto range = [&](const char* from, const char* to, double* ends) {
        ends[0] = table.positive(from);
        ends[1] = table.positive(to);
    };
    range("sharegpt_from", "sharegpt_to", p.best_block_size);
    range("alpaca_from", "alpaca_to", p.best_block_size_alpaca);
}

}  // namespace

const PrintedBatch& PublishedVllm::batch_of(Placement placement) const {
    const auto found = std::find_if(batched.begin(), batched.end(), [&](const PrintedBatch& b) {
        return b.placement == placement;
    });
    NIBBLE_ASSERT(found != batched.end(), "a batch that was not printed");
    return *found;
}

PublishedVllm read_published_vllm(const std::filesystem::path& path) {
    const TomlTable file = TomlTable::read(path);
    PublishedVllm p;
    p.title = file.text("title");
    p.setup = file.text("setup");
    for (const TomlTable& row : file.tables("memory")) {
        p.memory.push_back(memory_in(row));
    }
    for (const TomlTable& row : file.tables("batched")) {
        p.batched.push_back({placement_in(row), row.positive("sharegpt"), row.positive("alpaca")});
    }
    for (const TomlTable& table : file.tables("sharing")) {
        add_savings(table, p.savings);
    }
    read_block_sizes(file.table("block_size"), p);
    const TomlTable lengths = file.table("lengths");
    p.sharegpt_prompt = lengths.positive("sharegpt_prompt");
    p.sharegpt_output = lengths.positive("sharegpt_output");
    p.alpaca_prompt = lengths.positive("alpaca_prompt");
    p.alpaca_output = lengths.positive("alpaca_output");
    static_cast<Citation&>(p) = citation_in(file);
    file.finish();
    return p;
}

const PublishedVllm& published_vllm() {
    static const PublishedVllm read =
        read_published_vllm(data_folder() / "published" / "kv-cache" / "vllm-2023.toml");
    return read;
}

}  // namespace nibble
