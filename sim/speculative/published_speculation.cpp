#include "sim/speculative/published_speculation.hpp"

#include <fmt/format.h>

#include "sim/core/data_folder.hpp"
#include "sim/core/error.hpp"
#include "sim/speculative/closed_forms.hpp"

namespace nibble {
namespace {

constexpr std::int64_t most_drafts = 1000;

std::vector<PublishedSpeculation> read_all() {
    std::vector<PublishedSpeculation> all;
    for (const auto& file : data_files(data_folder() / "published" / "speculation")) {
        all.push_back(read_published_speculation(file));
    }
    return all;
}

}  // namespace

std::optional<double> PublishedSpeedUp::computed() const {
    return alpha ? std::optional(walltime_factor(*alpha, k, cost)) : std::nullopt;
}

double PublishedSpeedUp::most() const {
    return walltime_factor(1, k, cost);
}

double PublishedSpeedUp::implied_alpha() const {
    return acceptance_for(speed_up * (k * cost + 1), k);
}

PublishedSpeculation read_published_speculation(const std::filesystem::path& path) {
    const TomlTable file = TomlTable::read(path);
    PublishedSpeculation p;
    p.id = path.stem().string();
    p.title = file.text("title");
    p.setup = file.text("setup");
    for (const TomlTable& row : file.tables("rows")) {
        PublishedSpeedUp r;
        r.setting = row.text("setting");
        const std::int64_t k = row.count("k");
        if (k < 1 || k > most_drafts) {
            row.refuse("k", fmt::format("{} drafts a step", k),
                       fmt::format("it is 1 to {}", most_drafts));
        }
        r.k = static_cast<int>(k);
        r.alpha = row.positive_if("alpha");
        if (r.alpha && *r.alpha > 1) {
            row.refuse("alpha", fmt::format("{} is no chance", *r.alpha), "it is at most 1");
        }
        r.cost = row.positive("cost");
        r.speed_up = row.positive("speed_up");
        p.rows.push_back(r);
    }
    if (p.rows.empty()) {
        file.refuse("rows", "none", "give at least one [[rows]]");
    }
    static_cast<Citation&>(p) = citation_in(file);
    file.finish();
    return p;
}

const std::vector<PublishedSpeculation>& published_speculation() {
    static const std::vector<PublishedSpeculation> all = read_all();
    return all;
}

}  // namespace nibble
