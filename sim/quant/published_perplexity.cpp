#include "sim/quant/published_perplexity.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "sim/core/data_folder.hpp"
#include "sim/core/error.hpp"

namespace nibble {

const PublishedPerplexity& PublishedPerplexities::of(const std::string& model,
                                                     const std::string& method,
                                                     int weight_bits) const {
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const PublishedPerplexity& q) {
        return q.model == model && q.method == method && q.weight_bits == weight_bits;
    });
    NIBBLE_ASSERT(found != rows.end(), "a perplexity that was not printed");
    return *found;
}

PublishedPerplexities read_published_perplexity(const std::filesystem::path& path) {
    const TomlTable file = TomlTable::read(path);
    PublishedPerplexities p;
    p.title = file.text("title");
    for (const TomlTable& row : file.tables("rows")) {
        const std::int64_t bits = row.count("weight_bits");
        if (bits > 16) {
            row.refuse("weight_bits", fmt::format("{} bits", bits), "it is 1 to 16");
        }
        p.rows.push_back({row.text("model"), row.text("method"), static_cast<int>(bits),
                          row.positive("perplexity")});
    }
    static_cast<Citation&>(p) = citation_in(file);
    file.finish();
    return p;
}

const PublishedPerplexities& published_perplexity() {
    static const PublishedPerplexities read =
        read_published_perplexity(data_folder() / "published" / "perplexity" / "awq-2024.toml");
    return read;
}

}  // namespace nibble
