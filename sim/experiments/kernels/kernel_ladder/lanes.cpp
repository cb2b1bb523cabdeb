// Which lane asks for which word of memory: one row for 128 bytes, which is four sectors of global
// memory, or once around the 32 banks of shared memory.
#include <algorithm>
#include <array>
#include <bit>
#include <fmt/format.h>
#include <map>
#include <set>

#include "sim/core/text.hpp"
#include "sim/experiments/kernels/kernel_ladder/figures.hpp"

namespace nibble::kernel_ladder_lab {
namespace {

using kernels::emulator::Space;
using kernels::emulator::warp_size;

constexpr std::int64_t word_bytes = 4, row_bytes = 128;
constexpr int words_in_row = row_bytes / word_bytes, words_in_sector = 8;
constexpr std::size_t most_rows = 32;

/// Who wants a word, and which of its bytes.
struct Word {
    std::uint32_t lanes = 0;
    unsigned bytes = 0;  // bit i: byte i of the word
};
using Words = std::map<std::int64_t, Word>;  // by index

void add(const Request& request, Words& words) {
    for (int lane = 0; lane < warp_size; ++lane) {
        if ((request.active >> lane & 1U) == 0) {
            continue;
        }
        const std::int64_t first = request.offset[static_cast<std::size_t>(lane)];
        for (std::int64_t byte = first; byte < first + request.bytes_per_lane; ++byte) {
            Word& word = words[byte / word_bytes];
            word.lanes |= 1U << lane;
            word.bytes |= 1U << (byte % word_bytes);
        }
    }
}

std::set<std::int64_t> rows_of(const Words& words) {
    std::set<std::int64_t> rows;
    for (const auto& [index, word] : words) {
        rows.insert(index / words_in_row);
    }
    return rows;
}

/// The rows of every step where they fit, so that the picture holds still; else those of this one.
std::vector<std::int64_t> shown_rows(const Focus& focus, const Words& now) {
    Words all;
    for (const Request* request : focus.requests) {
        add(*request, all);
    }
    std::set<std::int64_t> rows = rows_of(all);
    if (rows.size() > most_rows) {
        rows = rows_of(now);
    }
    std::vector<std::int64_t> list(rows.begin(), rows.end());
    list.resize(std::min(list.size(), most_rows));
    return list;
}

/// "3", "4-7", "0, 2, 4 ..."
std::string lanes_text(std::uint32_t lanes) {
    const int first = std::countr_zero(lanes), count = std::popcount(lanes);
    const bool in_a_row = count + first + std::countl_zero(lanes) == warp_size;
    if (count == 1) {
        return std::to_string(first);
    }
    return in_a_row ? fmt::format("{}-{}", first, first + count - 1) : fmt::format("{}×", count);
}

/// What is drawn into the grid, and what of it the sectors carry along.
struct Picture {
    Words now, before;
    std::set<std::int64_t> sectors;  // that this step moves; none of shared memory
};

Picture picture_of(const SiteCounts& site, const Focus& focus) {
    Picture p;
    for (std::size_t i = 0; i < focus.step; ++i) {
        add(*focus.requests[i], p.before);
    }
    add(focus.request(), p.now);
    for (const auto& [index, word] : p.now) {
        if (site.space == Space::global) {
            p.sectors.insert(index / words_in_sector);
        }
    }
    return p;
}

Cells::Item cell_of(const Picture& p, std::int64_t index, bool shared) {
    const std::string place =
        fmt::format("bytes {} to {}", index * word_bytes, (index + 1) * word_bytes - 1) +
        (shared ? fmt::format("\nbank {}", index % words_in_row)
                : fmt::format("\nsector {}", index / words_in_sector));
    if (const auto found = p.now.find(index); found != p.now.end()) {
        const Word& word = found->second;
        // Neighbouring lanes in two shades, so that one sees where a wide access ends.
        const bool odd = std::countr_zero(word.lanes) % 2 == 1;
        const std::string lanes = lanes_text(word.lanes);
        return {odd ? Role::category4 : Role::category0, std::popcount(word.bytes) / 4.0, lanes,
                fmt::format("{}\n{} of lane {}", place,
                            std::popcount(word.bytes) == 4
                                ? std::string("all")
                                : fmt::format("{} bytes", std::popcount(word.bytes)),
                            lanes)};
    }
    if (p.sectors.contains(index / words_in_sector)) {
        return {Role::limit, 0, "", place + "\nmoved, not asked for"};
    }
    if (p.before.contains(index)) {
        return {Role::muted, 0, "", place + "\nasked for in an earlier step"};
    }
    return {Role::muted, 0, "", place, true};
}

std::string plural(std::uint64_t count, const char* one) {
    return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

/// "Load of x", "Store to shared memory"
std::string access_of(const SiteCounts& site, const Request& request) {
    const std::string what = words_of(name(site.access));
    const std::string where = site.space == Space::shared ? "shared memory"
                              : request.buffer.empty()    ? "memory"
                                                          : request.buffer;
    return fmt::format("{} {} {}", what,
                       site.access == kernels::emulator::Access::store ? "to" : "of", where);
}

}  // namespace

kernels::emulator::Cost cost_of(const SiteCounts& site, const Request& request) {
    std::array<std::uintptr_t, warp_size> address{};
    for (std::size_t lane = 0; lane < address.size(); ++lane) {
        address[lane] = static_cast<std::uintptr_t>(request.offset[lane]);
    }
    return kernels::emulator::cost_of(site.space, site.access, request.active, address,
                                      request.bytes_per_lane);
}

std::string balance_of(const SiteCounts& site, const Request& request) {
    const auto cost = cost_of(site, request);
    const auto lanes = static_cast<unsigned>(std::popcount(request.active));
    const std::string asked = fmt::format("{} × {} B = {} B asked for", plural(lanes, "lane"),
                                          request.bytes_per_lane, lanes * request.bytes_per_lane);
    if (site.space == Space::shared) {
        const std::string passes =
            cost.wavefronts == 1 ? "1 pass" : fmt::format("{} passes", cost.wavefronts);
        return cost.wavefronts == cost.ideal_wavefronts
                   ? fmt::format("{}, {} over the banks", asked, passes)
                   : fmt::format("{}, {} over the banks where {} would do", asked, passes,
                                 cost.ideal_wavefronts);
    }
    return fmt::format("{}, {} × 32 B = {} B moved", asked, plural(cost.sectors, "sector"),
                       cost.sectors * kernels::emulator::sector_bytes);
}

Figure lanes_figure(const Data& data, const Focus& focus) {
    const SiteCounts& site = focus.site_of(data);
    Figure f;
    f.id = "lanes";
    f.x.hidden = f.y.hidden = true;
    if (focus.requests.empty()) {
        f.title = fmt::format("Block 0 never comes by {}", place_of(site));
        f.alt_text = f.title;
        f.marks = {Cells{}};
        return f;
    }
    const Request& request = focus.request();
    const bool shared = site.space == Space::shared;
    const Picture picture = picture_of(site, focus);
    Cells cells;
    cells.columns = words_in_row;
    cells.gap_every = words_in_sector;
    cells.stretch = 3;
    const std::vector<std::int64_t> rows = shown_rows(focus, picture.now);
    for (const std::int64_t row : rows) {
        cells.row_names.push_back(format_count(static_cast<double>(row * row_bytes)) + " B");
        for (int column = 0; column < words_in_row; ++column) {
            cells.items.push_back(cell_of(picture, row * words_in_row + column, shared));
        }
    }
    const std::string balance = balance_of(site, request);
    f.title = fmt::format("{}: {}", access_of(site, request), balance);
    f.alt_text = fmt::format(
        "Words of memory, {} in a row; those that warp {} asks for in request {} are filled. {}.",
        words_in_row, focus.warp, focus.step + 1, balance);
    f.footnote = fmt::format(
        "{}, warp {}, request {} of {} · a row: {} · blue: asked for{} · grey: "
        "asked for before",
        place_of(site), focus.warp, focus.step + 1, focus.requests.size(),
        shared ? "once around the 32 banks" : "128 bytes, four sectors",
        shared ? "" : " · red: moved along");
    f.marks = {std::move(cells)};
    return f;
}

}  // namespace nibble::kernel_ladder_lab
