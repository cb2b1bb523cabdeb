// The sentences, metrics, equations and tables of the kernel-ladder lab, all from the X-rays.
#include <algorithm>
#include <bit>
#include <cctype>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/kernels/kernel_ladder/figures.hpp"

namespace nibble::kernel_ladder_lab {
namespace {

using kernels::emulator::sector_bytes;
using kernels::emulator::Space;
using kernels::emulator::warp_size;

/// Two factors closer than this are not worth a comparison.
constexpr double noticeable_factor = 1.05;
/// Three digits write anything closer to 1 as 1.
constexpr double next_to_nothing = 1.005;

std::string num(double value) {
    return format_number(value);
}

/// A rung's name in a sentence: "per warp" would be read as part of it.
std::string quoted(const std::string& name) {
    return "“" + name + "”";
}

/// "15.6 times the bytes it needs", "no more than the bytes it needs"
std::string of_needed(double factor) {
    return factor < next_to_nothing ? "no more than the bytes it needs"
                                    : num(factor) + " times the bytes it needs";
}

/// The same of another rung, said in the same sentence.
std::string as_much(double factor) {
    return factor < next_to_nothing ? "no more" : num(factor) + " times";
}

std::size_t leanest(const Data& d) {
    const auto less = [](const RungXray& a, const RungXray& b) { return a.sectors < b.sectors; };
    return static_cast<std::size_t>(std::min_element(d.rungs.begin(), d.rungs.end(), less) -
                                    d.rungs.begin());
}

std::size_t greediest(const Data& d) {
    const auto less = [](const RungXray& a, const RungXray& b) { return a.sectors < b.sectors; };
    return static_cast<std::size_t>(std::max_element(d.rungs.begin(), d.rungs.end(), less) -
                                    d.rungs.begin());
}

std::string finding(const Data& d, const Focus& focus) {
    const double now = d.moved_over_needed(focus.rung);
    const std::size_t best = leanest(d), worst = greediest(d);
    const std::string subject = quoted(words_of(focus.rung_of(d).name));
    const double least = d.moved_over_needed(best), most = d.moved_over_needed(worst);
    const std::string start = fmt::format("{} moves {}", subject, of_needed(now));
    if (now > least * noticeable_factor) {
        return fmt::format("{}, {} {}", start, quoted(spoken(d.ladder->rungs[best])),
                           as_much(least));
    }
    if (most > now * noticeable_factor) {
        return fmt::format("{}, {} {}", start, quoted(spoken(d.ladder->rungs[worst])),
                           as_much(most));
    }
    return d.rungs.size() > 1 ? start + ", as every rung does" : start;
}

/// What the rung's requests have in common: how many sectors each brings, and how many there are.
std::string explanation(const Data& d, const Focus& focus) {
    const RungXray& xray = focus.xray(d);
    std::string text = fmt::format(
        "{} A request of a warp brings {} sectors of {} bytes on average, and 32 values cost {} "
        "requests to global memory",
        focus.rung_of(d).teaches, num(xray.sectors_per_request()), sector_bytes,
        num(warp_size * d.per_value(static_cast<double>(xray.global_requests))));
    if (xray.shared_requests > 0) {
        text +=
            fmt::format(", {} to shared memory",
                        num(warp_size * d.per_value(static_cast<double>(xray.shared_requests))));
    }
    text += ".";
    if (xray.barriers > 0) {
        const std::string each =
            num(static_cast<double>(xray.barriers) / static_cast<double>(xray.blocks));
        text += fmt::format(" A block waits at {} barrier{}.", each, each == "1" ? "" : "s");
    }
    return text;
}

std::vector<Metric> metrics(const Data& d, const Focus& focus) {
    const RungXray& xray = focus.xray(d);
    const SiteCounts& site = focus.site_of(d);
    const auto a_warp = [&](std::uint64_t count) {
        return warp_size * d.per_value(static_cast<double>(count));
    };
    const Origin computed{Origin::Kind::computed};
    return {
        {"moved_over_needed", "Moved over needed", d.moved_over_needed(focus.rung), "×", computed,
         Better::lower},
        {"sectors_per_request", "Sectors a request", xray.sectors_per_request(), "", computed},
        {"requests", "Requests for 32 values", a_warp(xray.global_requests), "", computed,
         Better::lower},
        {"moved_per_value", "Moved", d.per_value(xray.moved_bytes()), "B/value", computed,
         Better::lower},
        {"needed_per_value", "Needed", d.per_value(d.needed_bytes), "B/value", computed},
        {"active_lanes", "Active lanes a request", xray.active_lanes(), "of 32", computed,
         Better::higher},
        {"shared_requests", "Shared-memory requests for 32 values", a_warp(xray.shared_requests),
         "", computed, Better::lower},
        {"bank_conflict", "Worst bank conflict", xray.bank_conflict(), "-way", computed,
         Better::lower},
        {"barriers", "Barriers", static_cast<double>(xray.barriers), "", computed, Better::lower},
        {"collectives", "Shuffles and votes for 32 values", a_warp(xray.collectives), "", computed},
        {"launches", "Launches", static_cast<double>(xray.launches), "", computed, Better::lower},
        {"site_sectors_per_request", "Sectors a request, chosen line", site.sectors_per_request(),
         "", computed, Better::lower},
        {"site_moved_over_used", "Moved over asked for, chosen line", site.moved_over_used(), "×",
         computed, Better::lower},
        {"moved_bytes", "Moved in all", xray.moved_bytes(), "B", computed, Better::lower,
         NumberStyle::bytes},
        {"needed_bytes", "Needed in all", d.needed_bytes, "B", computed, Better::neither,
         NumberStyle::bytes},
    };
}

std::vector<Equation> equations(const Data& d, const Focus& focus) {
    const RungXray& xray = focus.xray(d);
    const SiteCounts& site = focus.site_of(d);
    std::vector<Equation> list = {
        {"moved / needed = 32 B · sectors / needed",
         fmt::format("{} = 32 · {} / {}", num(d.moved_over_needed(focus.rung)), xray.sectors,
                     d.needed_bytes),
         "rung " + spoken(focus.rung_of(d))}};
    if (focus.requests.empty()) {
        return list;
    }
    const Request& request = focus.request();
    const auto cost = cost_of(site, request);
    const auto lanes = static_cast<unsigned>(std::popcount(request.active));
    if (site.space == Space::global) {
        const double asked = lanes * request.bytes_per_lane;
        list.push_back({"moved / asked = 32 B · sectors / (lanes · bytes)",
                        fmt::format("{} = 32 · {} / ({} · {})",
                                    num(static_cast<double>(cost.sectors * sector_bytes) / asked),
                                    cost.sectors, lanes, request.bytes_per_lane),
                        "this request"});
    } else {
        list.push_back({"conflict = passes / least passes",
                        fmt::format("{} = {} / {}",
                                    num(static_cast<double>(cost.wavefronts) /
                                        static_cast<double>(cost.ideal_wavefronts)),
                                    cost.wavefronts, cost.ideal_wavefronts),
                        "this request"});
    }
    return list;
}

Table rungs_table(const Data& d) {
    Table t{"rungs",
            {{"rung"},
             {"teaches"},
             {"moved_per_value", "B"},
             {"moved_over_needed"},
             {"sectors_per_request"},
             {"requests_per_32_values"},
             {"shared_requests_per_32_values"},
             {"bank_conflict"},
             {"active_lanes"},
             {"barriers"},
             {"collectives"},
             {"launches"}},
            {}};
    for (std::size_t i = 0; i < d.rungs.size(); ++i) {
        const RungXray& x = d.rungs[i];
        const auto a_warp = [&d](std::uint64_t count) {
            return warp_size * d.per_value(static_cast<double>(count));
        };
        t.rows.push_back(
            {d.ladder->rungs[i].name, d.ladder->rungs[i].teaches, d.per_value(x.moved_bytes()),
             d.moved_over_needed(i), x.sectors_per_request(), a_warp(x.global_requests),
             a_warp(x.shared_requests), x.bank_conflict(), x.active_lanes(),
             static_cast<std::int64_t>(x.barriers), static_cast<std::int64_t>(x.collectives),
             static_cast<std::int64_t>(x.launches)});
    }
    return t;
}

/// The X-ray of the chosen rung: one row a load or store.
Table sites_table(const Data& d, const Focus& focus) {
    Table t{"xray",
            {{"site"},
             {"place"},
             {"access"},
             {"space"},
             {"bytes_per_lane", "B"},
             {"requests"},
             {"sectors_per_request"},
             {"moved_over_used"},
             {"bank_conflict"},
             {"active_lanes"}},
            {}};
    const RungXray& xray = focus.xray(d);
    for (std::size_t i = 0; i < xray.sites.size(); ++i) {
        const SiteCounts& s = xray.sites[i];
        const bool shared = s.space == Space::shared;
        t.rows.push_back({static_cast<std::int64_t>(i + 1), place_of(s),
                          std::string(name(s.access)), std::string(shared ? "shared" : "global"),
                          std::int64_t{s.bytes_per_lane}, static_cast<std::int64_t>(s.requests),
                          s.sectors_per_request(), s.moved_over_used(), s.bank_conflict(),
                          s.active_lanes()});
    }
    return t;
}

/// Request by request of the warp looked at; a mark where one costs more than the cheapest.
Timeline timeline(const Data& data, const Focus& focus) {
    Timeline t;
    t.param = "step";
    t.first = 1;
    t.last = std::max<std::int64_t>(1, static_cast<std::int64_t>(focus.requests.size()));
    t.step_name = "request";
    t.steps_a_second = 4;
    t.marks_meaning = "requests that cost more than others";
    const SiteCounts& site = focus.site_of(data);
    const bool shared = site.space == kernels::emulator::Space::shared;
    const auto cost = [&](const Request* request) {
        const auto c = cost_of(site, *request);
        return shared ? c.wavefronts : c.sectors;
    };
    const auto cheapest =
        std::min_element(focus.requests.begin(), focus.requests.end(),
                         [&](const Request* a, const Request* b) { return cost(a) < cost(b); });
    for (std::size_t i = 0; i < focus.requests.size(); ++i) {
        if (cost(focus.requests[i]) > cost(*cheapest)) {
            t.marks.push_back(
                {static_cast<std::int64_t>(i) + 1, balance_of(site, *focus.requests[i])});
        }
    }
    return t;
}

}  // namespace

std::string spoken(const kernels::Rung& rung) {
    std::string words = rung.name;
    std::replace(words.begin(), words.end(), '_', ' ');
    return words;
}

Focus look_at(const Data& data, int rung, int site, int step) {
    const auto index = [](int from_one, std::size_t count) {
        return static_cast<std::size_t>(
            std::clamp<std::ptrdiff_t>(from_one - 1, 0, static_cast<std::ptrdiff_t>(count) - 1));
    };
    Focus focus;
    focus.rung = index(rung, data.rungs.size());
    const RungXray& xray = focus.xray(data);
    const bool known = site >= 1 && static_cast<std::size_t>(site) <= xray.sites.size();
    focus.site = known ? static_cast<std::size_t>(site) - 1 : xray.costliest_site();
    const std::vector<Request>& shown = focus.site_of(data).shown;
    focus.warp = shown.empty() ? 0 : shown.front().warp;
    for (const Request& request : shown) {
        if (request.warp == focus.warp) {
            focus.requests.push_back(&request);
        }
    }
    focus.step = shown.empty() ? 0 : index(step, focus.requests.size());
    return focus;
}

void describe(const Data& data, const Focus& focus, Outcome& outcome) {
    outcome.finding = finding(data, focus);
    outcome.explanation = explanation(data, focus);
    outcome.metrics = metrics(data, focus);
    outcome.equations = equations(data, focus);
    outcome.tables = {rungs_table(data), sites_table(data, focus)};
    outcome.timeline = timeline(data, focus);
    if (data.asked_rows > data.job.rows) {
        outcome.sampling = fmt::format("counted on {} of {} rows", data.job.rows, data.asked_rows);
    }
}

}  // namespace nibble::kernel_ladder_lab
