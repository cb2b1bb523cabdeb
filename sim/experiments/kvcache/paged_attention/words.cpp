// The words, metrics and tables of the paged-attention lab. Sentences hold to what was counted and
// computed; times stand in the charts, the metrics and the tables that say so.
#include <algorithm>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/experiments/kvcache/paged_attention/figures.hpp"

namespace nibble::paged_attention_lab {
namespace {

/// The block table's sectors over those of keys and values.
double table_share(const RungCount& r) {
    return r.table / r.contiguous;
}

std::string finding(const Data& d, const RungCount& best, int block_size) {
    const std::string bits =
        d.largest_difference == 0
            ? "attention gives the same bits"
            : fmt::format("attention differs by up to {}", format_number(d.largest_difference));
    return fmt::format("In blocks of {} token{} anywhere {} and reads {} % more: the block table",
                       block_size, block_size == 1 ? "" : "s", bits,
                       format_number(100 * table_share(best), 2));
}

std::string explanation(const Data& d, const RungCount& naive, const RungCount& best,
                        int block_size) {
    return fmt::format(
        "A token's keys and values are never cut, so they cost the same sectors wherever their "
        "block lies: {} in the GPU kernel “{}”, {} in “{}”, paged or not. On average the last "
        "block leaves {} % of the room empty.",
        format_number(naive.cache), naive.rung, format_number(best.cache), best.rung,
        format_number(100 * empty_share(block_size, d.asked.context), 2));
}

std::vector<Metric> metrics(const Data& d, std::size_t size, const RungCount& best,
                            int block_size) {
    const SizeTiming& s = d.sizes[size];
    const Origin here{Origin::Kind::measured_here, d.where}, computed{};
    const auto timed = [&](const char* name, const char* label, double value, const char* unit,
                           Better better) {
        return Metric{name, label, value, unit, here, better, NumberStyle::plain, 3, true};
    };
    const double gb = d.measured.cache_bytes() / 1e9;
    return {timed("slowdown", "In blocks over in one piece", s.slowdown, "", Better::lower),
            timed("paged_ms", "In blocks", 1e3 * s.paged, "ms", Better::lower),
            timed("contiguous_ms", "In one piece", 1e3 * s.contiguous, "ms", Better::lower),
            timed("gathered_ms", "Copied together first", 1e3 * s.gathered, "ms", Better::lower),
            {"table_share", "Block table over the cache", table_share(best), "", computed,
             Better::lower, NumberStyle::percent},
            timed("paged_gb_per_s", "Cache read in blocks", gb / s.paged, "GB/s", Better::higher),
            timed("contiguous_gb_per_s", "Cache read in one piece", gb / s.contiguous, "GB/s",
                  Better::higher),
            {"largest_difference",
             "Largest difference, paged to contiguous",
             d.largest_difference,
             "",
             {Origin::Kind::measured_here, "every block size"},
             Better::lower},
            {"error",
             "Largest difference from double precision",
             d.error,
             "",
             {Origin::Kind::measured_here, "the heads of one KV head"},
             Better::lower},
            {"empty_share", "Room left empty", empty_share(block_size, d.asked.context), "",
             computed, Better::lower, NumberStyle::percent},
            {"cache_bytes", "Cache of the layer", d.asked.cache_bytes(), "B", computed,
             Better::neither, NumberStyle::bytes},
            {"sectors_per_token", "Sectors a token, best kernel", best.paged(), "", computed,
             Better::lower},
            {"contiguous_sectors_per_token", "The same in one piece", best.contiguous, "", computed,
             Better::lower}};
}

Table size_table(const Data& d) {
    Table t{"by_block_size",
            {{"block_size", "tokens"},
             {"contiguous", "ms"},
             {"paged", "ms"},
             {"gathered", "ms"},
             {"slowdown"},
             {"empty", "%"}},
            {},
            true};
    for (const SizeTiming& s : d.sizes) {
        t.rows.push_back({std::int64_t{s.block_size}, 1e3 * s.contiguous, 1e3 * s.paged,
                          1e3 * s.gathered, s.slowdown,
                          100 * empty_share(s.block_size, d.asked.context)});
    }
    return t;
}

Table context_table(const Data& d, std::size_t size) {
    Table t{"by_context", {{"context", "tokens"}, {"contiguous", "ms"}, {"paged", "ms"}}, {}, true};
    for (std::size_t i = 0; i < d.contexts.size(); ++i) {
        t.rows.push_back(
            {std::int64_t{d.contexts[i]}, 1e3 * d.contiguous[i], 1e3 * d.paged[size][i]});
    }
    return t;
}

Table rung_table(const std::vector<RungCount>& rungs) {
    Table t{"sectors_per_token",
            {{"rung"},
             {"contiguous"},
             {"paged"},
             {"keys_and_values"},
             {"block_table"},
             {"requests_contiguous"},
             {"requests_paged"},
             {"teaches"}},
            {}};
    for (const RungCount& r : rungs) {
        t.rows.push_back({r.rung, r.contiguous, r.paged(), r.cache, r.table, r.contiguous_requests,
                          r.requests, r.teaches});
    }
    return t;
}

Table recorded_table(const RecordedSeries& series) {
    Table t{"recorded",
            {{"machine"}, {"batch"}, {"context", "tokens"}, {"recorded", "us"}, {"roofline", "us"}},
            {}};
    for (const auto& row : series.rows) {
        t.rows.push_back({series.machine, static_cast<std::int64_t>(row.batch),
                          static_cast<std::int64_t>(row.context), 1e6 * row.seconds,
                          1e6 * row.roofline});
    }
    return t;
}

}  // namespace

void describe(const Data& data, const Focus& focus, Outcome& outcome) {
    const std::size_t size = data.nearest_size(focus.block_size);
    const int block_size = data.sizes[size].block_size;
    const std::vector<RungCount>& rungs = data.rungs[size];
    outcome.finding = finding(data, rungs.back(), block_size);
    outcome.explanation = explanation(data, rungs.front(), rungs.back(), block_size);
    outcome.metrics = metrics(data, size, rungs.back(), block_size);
    outcome.tables = {size_table(data), context_table(data, size), rung_table(rungs)};
    if (const RecordedSeries* series = recorded_on(data, focus.device)) {
        outcome.tables.push_back(recorded_table(*series));
    }
    outcome.equations = {
        {"row = (table[s, ⌊t / b⌋] · heads_{KV} + h) · b + t mod b",
         fmt::format("b = {}, heads_{{KV}} = {}", block_size, kv_heads),
         "where token t of sequence s lies, for KV head h"},
        {"o = Σ_{i} w_{i} o_{i} / Σ_{i} w_{i} l_{i}, w_{i} = exp(m_{i} - m)",
         fmt::format("{} stretches of 256 tokens", (data.asked.context + 255) / 256),
         "joining stretches by their largest logits m_{i}"}};
    if (data.measured.context != data.asked.context || data.measured.batch != data.asked.batch) {
        outcome.sampling =
            fmt::format("timed over {} of {} tokens", data.measured.context * data.measured.batch,
                        data.asked.context * data.asked.batch);
    }
}

}  // namespace nibble::paged_attention_lab
