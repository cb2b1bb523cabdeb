// The charts of the paged-attention lab: times measured here, sectors counted, empty room computed,
// and apart from them what was recorded on a GPU.
#include "sim/experiments/kvcache/paged_attention/figures.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"

namespace nibble::paged_attention_lab {
namespace {

constexpr double milli = 1e3, micro = 1e6;

std::vector<double> as_doubles(const std::vector<int>& values) {
    return {values.begin(), values.end()};
}

std::string tokens_text(const Job& job) {
    return job.batch == 1 ? fmt::format("{} tokens", job.context)
                          : fmt::format("{} × {} tokens", job.batch, job.context);
}

Figure by_size_figure(const Data& d, const Focus& focus) {
    std::vector<double> x, contiguous, paged, gathered;
    for (const SizeTiming& s : d.sizes) {
        x.push_back(s.block_size);
        contiguous.push_back(milli * s.contiguous);
        paged.push_back(milli * s.paged);
        gathered.push_back(milli * s.gathered);
    }
    Figure f;
    f.id = "time-by-block";
    f.title = "Measured here: " + tokens_text(d.measured);
    f.alt_text =
        "Time of one layer of decode attention against the tokens of a block: over a cache in one "
        "piece, over blocks through the block table, and over blocks that are copied together "
        "first.";
    f.x = {.label = "tokens a block", .scale = Scale::log2};
    f.y = {.label = "time", .unit = "ms"};
    f.y.limits = {0, 1.1 * *std::max_element(gathered.begin(), gathered.end())};
    f.marks = {Line{"copied first", Role::limit, x, gathered, true},
               Line{"one piece", Role::baseline, x, contiguous, true},
               Line{"blocks", Role::subject, x, paged, true}};
    Handle h;
    h.label = fmt::format("{}", focus.block_size);
    h.role = Role::muted;
    h.x = focus.block_size;
    h.x_param = "block_size";
    f.marks.emplace_back(std::move(h));
    f.footnote = d.where;
    f.width = 1.2;
    f.timed = true;
    return f;
}

Figure by_context_figure(const Data& d, const Focus& focus) {
    const std::size_t size = d.nearest_size(focus.block_size);
    const auto in_ms = [](std::vector<double> seconds) {
        std::transform(seconds.begin(), seconds.end(), seconds.begin(),
                       [](double s) { return milli * s; });
        return seconds;
    };
    Figure f;
    f.id = "time-by-context";
    f.title = "Measured here: by context";
    f.alt_text =
        "Time of one layer of decode attention against the tokens of each sequence, both "
        "logarithmic, over a cache in one piece and over blocks.";
    f.x = {.label = "tokens a sequence", .scale = Scale::log2};
    f.y = {.label = "time", .unit = "ms", .scale = Scale::log10};
    f.marks = {Line{"one piece", Role::baseline, as_doubles(d.contexts), in_ms(d.contiguous), true},
               Line{fmt::format("blocks of {}", d.sizes[size].block_size), Role::subject,
                    as_doubles(d.contexts), in_ms(d.paged[size]), true}};
    f.footnote = d.where;
    f.timed = true;
    return f;
}

Figure sectors_figure(const Data& d, const Focus& focus) {
    const std::size_t size = d.nearest_size(focus.block_size);
    Bars bars;
    Bars::Series contiguous{"one piece", Role::baseline, {}},
        paged{fmt::format("blocks of {}", d.sizes[size].block_size), Role::subject, {}};
    for (const RungCount& r : d.rungs[size]) {
        bars.names.push_back(r.rung);
        contiguous.values.push_back(r.contiguous);
        paged.values.push_back(r.paged());
    }
    bars.series = {std::move(contiguous), std::move(paged)};
    bars.horizontal = true;
    Figure f;
    f.id = "sectors";
    f.title = "Counted: sectors";
    f.alt_text =
        "Bars of the 32-byte sectors of memory that each GPU kernel asks for a token, over a cache "
        "in one piece and over blocks: the same but for the block table.";
    f.x = {.label = "sectors of 32 B a token"};
    f.marks = {std::move(bars)};
    f.footnote = "8 heads over 2 KV heads of 64";
    return f;
}

Figure empty_figure(const Data& d, const Focus& focus) {
    Line line{"", Role::subject, {}, {}, true};
    for (const int size : block_sizes) {
        line.x.push_back(size);
        line.y.push_back(100 * empty_share(size, d.asked.context));
    }
    Figure f;
    f.id = "empty";
    f.title = "Computed: empty room";
    f.alt_text =
        "The share of the cache's room that the last block of a sequence leaves empty on average, "
        "against the tokens of a block: it doubles with them.";
    f.x = {.label = "tokens a block", .scale = Scale::log2};
    f.y = {.label = "of the room", .unit = "%"};
    f.marks = {std::move(line), Rule{"", Role::muted, true, double(focus.block_size)}};
    f.footnote = "mean over all lengths";
    f.width = 0.7;
    return f;
}

Figure recorded_figure(const Data& d, const RecordedSeries& series) {
    double batch = series.rows.front().batch;
    for (const auto& row : series.rows) {
        if (std::fabs(std::log(row.batch / d.asked.batch)) <
            std::fabs(std::log(batch / d.asked.batch))) {
            batch = row.batch;
        }
    }
    Points recorded{"recorded", Role::reference, {}, {}};
    Line roof{"roofline", Role::limit, {}, {}};
    bool below = false;
    for (const auto& row : series.rows) {
        if (row.batch == batch) {
            recorded.x.push_back(row.context);
            recorded.y.push_back(micro * row.seconds);
            roof.x.push_back(row.context);
            roof.y.push_back(micro * row.roofline);
            below = below || row.seconds < row.roofline;
        }
    }
    Figure f;
    f.id = "recorded";
    f.title = fmt::format("Recorded: {}, batch {}", series.name, batch);
    f.alt_text = fmt::format(
        "Recorded times of one layer of decode attention on {} against the context, above the "
        "least time that its bandwidth allows.",
        series.name);
    f.x = {.label = "tokens a sequence", .scale = Scale::log2};
    f.y = {.label = "time", .unit = "µs", .scale = Scale::log10};
    f.marks = {std::move(roof), std::move(recorded)};
    f.footnote = series.machine + (below ? "; below the roof: faster than its memory" : "");
    f.width = 1.1;
    return f;
}

}  // namespace

double empty_share(int block_size, int context) {
    const double empty = 0.5 * (block_size - 1);
    return empty / (context + empty);
}

const RecordedSeries* recorded_on(const Data& data, const std::string& device) {
    const auto found = std::find_if(data.recorded.begin(), data.recorded.end(),
                                    [&](const RecordedSeries& s) { return s.device == device; });
    return found == data.recorded.end() ? nullptr : &*found;
}

std::vector<FigureRow> figures(const Data& data, const Focus& focus) {
    std::vector<FigureRow> rows = {
        {1.3, {by_size_figure(data, focus), by_context_figure(data, focus)}},
        {1, {sectors_figure(data, focus), empty_figure(data, focus)}}};
    if (const RecordedSeries* series = recorded_on(data, focus.device)) {
        rows.back().figures.push_back(recorded_figure(data, *series));
    }
    return rows;
}

}  // namespace nibble::paged_attention_lab
