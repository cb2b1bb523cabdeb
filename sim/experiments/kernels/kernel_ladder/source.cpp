// The source of the chosen rung, with what its lines ask of memory beside them.
#include <algorithm>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/kernels/kernel_ladder/figures.hpp"

namespace nibble::kernel_ladder_lab {
namespace {

using kernels::emulator::Space;

/// Waste below this share of all that the rung moves is not worth a warning.
constexpr double noticeable_waste = 0.05;

bool is_wasteful(const SiteCounts& site, const RungXray& xray) {
    if (site.space == Space::shared) {
        return site.bank_conflict() > 1.5;
    }
    const double moved = static_cast<double>(site.cost.sectors * kernels::emulator::sector_bytes);
    const double wasted = moved - static_cast<double>(site.cost.distinct_bytes);
    return wasted > noticeable_waste * xray.moved_bytes();
}

std::string note_of(const SiteCounts& site) {
    if (site.space == Space::shared) {
        const double ways = site.bank_conflict();
        return fmt::format("shared {}: {}", name(site.access),
                           ways > 1 ? format_number(ways) + "-way conflict" : "no conflict");
    }
    const double sectors = site.sectors_per_request();
    return fmt::format("{}: {} sector{}, {}×", name(site.access), format_number(sectors),
                       sectors == 1 ? "" : "s", format_number(site.moved_over_used()));
}

std::string label_of(const SiteCounts& site) {
    return fmt::format("{}\n{} B a lane, {} requests, {} active lanes", note_of(site),
                       site.bytes_per_lane, format_count(static_cast<double>(site.requests)),
                       format_number(site.active_lanes()));
}

/// The sites of one line, by their index.
std::vector<std::size_t> sites_at(const RungXray& xray, const std::string& file, unsigned line) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < xray.sites.size(); ++i) {
        if (xray.sites[i].line == line && xray.sites[i].file.ends_with(file)) {
            found.push_back(i);
        }
    }
    return found;
}

/// Clicking a line goes to its first site, and on from site to site when it is in focus already.
std::size_t next_site(const std::vector<std::size_t>& sites, std::size_t now) {
    const auto found = std::find(sites.begin(), sites.end(), now);
    return found == sites.end() || found + 1 == sites.end() ? sites.front() : *(found + 1);
}

void annotate(Listing::Item& line, const RungXray& xray, const std::vector<std::size_t>& sites,
              std::size_t focus) {
    line.role = Role::reference;
    std::size_t told = sites.front();
    for (const std::size_t i : sites) {
        const SiteCounts& site = xray.sites[i];
        if (is_wasteful(site, xray) && line.role != Role::limit) {
            line.role = Role::limit;
            told = i;
        }
        line.label += line.label.empty() ? "" : "\n";
        line.label += label_of(site);
    }
    if (std::find(sites.begin(), sites.end(), focus) != sites.end()) {
        told = focus;
    }
    line.note = note_of(xray.sites[told]);
    if (sites.size() > 1) {
        line.note += fmt::format("  +{}", sites.size() - 1);
    }
}

/// The kernel, or the whole file where the place in focus lies outside of it.
struct Source {
    std::string file;
    std::string_view text;
    unsigned first_line = 1;
};

Source source_around(const Data& data, const Focus& focus) {
    const kernels::Rung& rung = focus.rung_of(data);
    const SiteCounts& site = focus.site_of(data);
    const kernels::SourceExcerpt kernel = kernels::source_of(rung);
    const auto lines =
        static_cast<unsigned>(std::count(kernel.text.begin(), kernel.text.end(), '\n'));
    const bool inside = is_in_source(site, rung) && site.line >= kernel.first_line &&
                        site.line <= kernel.first_line + lines;
    if (inside) {
        return {rung.source, kernel.text, kernel.first_line};
    }
    const std::size_t kernels_folder = site.file.rfind("kernels/");
    const std::string path =
        kernels_folder == std::string::npos ? site.file : site.file.substr(kernels_folder);
    const std::string_view text = kernels::source_text(path);
    return text.empty() ? Source{rung.source, kernel.text, kernel.first_line}
                        : Source{path, text, 1};
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

}  // namespace

Figure source_figure(const Data& data, const Focus& focus) {
    const RungXray& xray = focus.xray(data);
    const Source source = source_around(data, focus);
    Listing listing;
    listing.first_line = source.first_line;
    listing.pick.param = "site";
    for (const std::string& text : lines_of(source.text)) {
        const auto index = listing.lines.size();
        const unsigned number = source.first_line + static_cast<unsigned>(index);
        Listing::Item line{text};
        const auto sites = sites_at(xray, source.file, number);
        std::int64_t picked = 0;
        if (!sites.empty()) {
            annotate(line, xray, sites, focus.site);
            picked = static_cast<std::int64_t>(next_site(sites, focus.site) + 1);
            const bool chosen = std::find(sites.begin(), sites.end(), focus.site) != sites.end();
            listing.chosen = chosen ? static_cast<int>(index) : listing.chosen;
        }
        listing.lines.push_back(std::move(line));
        listing.pick.values.emplace_back(picked);
    }
    Figure f;
    f.id = "source";
    f.title = source.file;
    f.alt_text = fmt::format("The source of {}, with the sectors that each load and store costs.",
                             focus.rung_of(data).kernel);
    f.x.hidden = f.y.hidden = true;
    f.footnote =
        "sectors of 32 bytes a request, and bytes moved over bytes asked for, counted "
        "before the caches";
    f.marks = {std::move(listing)};
    return f;
}

}  // namespace nibble::kernel_ladder_lab
