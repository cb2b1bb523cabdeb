#include "tests/figure/samples.hpp"

#include <cmath>

#include "sim/core/rng.hpp"

namespace nibble::samples {
namespace {

/// Repeatable noise in -1 .. 1 without any generator's state.
double noise(std::size_t i) {
    const double v = std::sin(static_cast<double>(i) * 12.9898 + 4.1) * 43758.5453;
    return 2 * (v - std::floor(v)) - 1;
}

Figure titled(std::string id, std::string title, std::string alt_text) {
    Figure f;
    f.id = std::move(id);
    f.title = std::move(title);
    f.alt_text = std::move(alt_text);
    return f;
}

std::vector<double> steps(double from, double to, int count) {
    std::vector<double> values;
    for (int i = 0; i < count; ++i) {
        values.push_back(from + (to - from) * i / std::max(count - 1, 1));
    }
    return values;
}

template <class F>
std::vector<double> mapped(const std::vector<double>& x, const F& f) {
    std::vector<double> y;
    for (const double v : x) {
        y.push_back(f(v));
    }
    return y;
}

Figure lines() {
    Figure f = titled("lines", "Error falls by four with every bit", "Two falling curves");
    f.x = {"bits per code", "bit"};
    f.y = {"mean squared error", "", Scale::log10};
    const std::vector<double> bits = {2, 3, 4, 5, 6, 7, 8};
    f.marks = {
        Rule{"4 bits", Role::muted, true, 4},
        Line{"per tensor", Role::baseline, bits,
             mapped(bits, [](double b) { return std::min(1.0, 300 * std::pow(4.0, -b)); }), true},
        Line{"groups of 32", Role::subject, bits,
             mapped(bits, [](double b) { return 4 * std::pow(4.0, -b); }), true}};
    return f;
}

Figure gaps_and_steps() {
    Figure f = titled("steps", "A queue over time", "A step curve and one with a gap");
    f.x = {"time", "s"};
    f.y = {"requests waiting"};
    const auto t = steps(0, 60, 61);
    auto with_gap = mapped(t, [](double v) { return 6 + 4 * std::sin(v / 6); });
    for (std::size_t i = 25; i < 33; ++i) {
        with_gap[i] = NAN;
    }
    f.marks = {
        Line{"measured", Role::reference, t, with_gap},
        Line{"queue", Role::subject, t,
             mapped(t, [](double v) { return std::floor(std::fmod(v * 7.3, 5.0)); }), false, true},
        Rule{"capacity", Role::limit, false, 12}};
    return f;
}

Figure points() {
    Figure f =
        titled("points", "Intensity and speed of the operators", "Five named points under a roof");
    f.x = {"arithmetic intensity", "FLOP/B", Scale::log10};
    f.y = {"throughput", "FLOP/s", Scale::log10, {}, NumberStyle::si};
    const auto x = steps(-1, 4, 60);
    const auto roof_x = mapped(x, [](double v) { return std::pow(10, v); });
    f.marks = {Line{"A100 roof", Role::limit, roof_x,
                    mapped(roof_x, [](double v) { return std::min(312e12, 2e12 * v); })},
               Points{"operators",
                      Role::subject,
                      {1, 2, 64, 300, 2000},
                      {1.6e12, 3.1e12, 9e13, 2.4e14, 2.9e14},
                      {"attention", "decode", "batch 64", "prefill", "GEMM"}}};
    return f;
}

Figure scatter() {
    Figure f = titled("scatter", "Weights against activations", "A cloud of points");
    f.x = {"mean |activation|"};
    f.y = {"output error"};
    Points p{"channels", Role::category4, {}, {}};
    for (std::size_t i = 0; i < 3000; ++i) {
        const double a = noise(i) + noise(i + 9999);
        p.x.push_back(a);
        p.y.push_back(a * 0.6 + noise(i + 77777) * 0.5);
    }
    f.marks = {p, Points{"salient", Role::limit, {1.9, 1.7, 1.8}, {1.5, 1.4, 1.1}}};
    return f;
}

Figure grouped_bars() {
    Figure f =
        titled("bars", "Requests in the batch, printed in the paper and here", "Grouped bars");
    f.y = {"requests"};
    f.marks = {Bars{{"max", "pow2", "oracle", "paged"},
                    {{"published", Role::muted, {7, 9.81, 13.62, 30.42}},
                     {"measured here", Role::subject, {6.8, 9.5, 13.5, 30.1}}}}};
    return f;
}

Figure stacked_bars() {
    Figure f = titled("stacked", "Share of the cache, step 118", "Stacked bars");
    f.x = {"share", "", Scale::linear, {{0, 1}}, NumberStyle::percent};
    Bars b;
    b.names = {"max", "pow2", "paged"};
    b.series = {{"used", Role::reference, {0.204, 0.268, 0.963}},
                {"reserved", Role::subject, {0.133, 0.179, 0}},
                {"internal", Role::baseline, {0.573, 0.136, 0.037}},
                {"external", Role::limit, {0.089, 0.416, 0}}};
    b.stacked = b.horizontal = true;
    f.marks = {b};
    return f;
}

Figure negative_bars() {
    Figure f = titled("negative", "Difference to the baseline", "Bars up and down with long names");
    f.y = {"difference", "dB"};
    f.marks = {
        Bars{{"number formats", "per channel quantization", "smoothed", "a", "rotated by Hadamard"},
             {{"difference", Role::subject, {3.2, -1.4, 0, 5.5, -0.2}}}}};
    return f;
}

Figure band() {
    Figure f = titled("band", "Latency over load", "A median inside its spread");
    f.x = {"load", "requests/s"};
    f.y = {"latency", "ms"};
    const auto x = steps(0, 9.5, 40);
    const auto mid = mapped(x, [](double v) { return 20 / (1 - v / 10); });
    f.marks = {
        Band{"p5 to p95", Role::subject, x, mapped(x, [](double v) { return 14 / (1 - v / 11); }),
             mapped(x, [](double v) { return 30 / (1 - v / 10.2); })},
        Line{"median", Role::subject, x, mid}};
    return f;
}

Figure histogram() {
    Figure f = titled("histogram", "", "A bell with the levels of a quantizer");
    f.x = {"weight value", "sigma"};
    f.y = {"share of weights, relative"};
    Histogram h{"weights", Role::subject, steps(-4, 4, 65), {}};
    for (int i = 0; i < 64; ++i) {
        const double v = -4 + (i + 0.5) / 8;
        h.counts.push_back(std::exp(-v * v / 2) * (1 + 0.06 * noise(static_cast<std::size_t>(i))));
    }
    f.marks = {h, Ticks{"levels of group 12", Role::subject, true, steps(-2.7, 2.7, 15)},
               Ticks{"levels per tensor", Role::baseline, true, {-4, 0, 4}},
               Handle{"clip", Role::limit, 3.1, {}, "clip", {}}};
    return f;
}

Heatmap map_of(int rows, int cols, bool outlier) {
    Heatmap m;
    m.rows = rows;
    m.cols = cols;
    m.label = "|error|";
    m.high = 2;
    for (int i = 0; i < rows * cols; ++i) {
        m.cells.push_back(static_cast<float>((outlier ? 2 : 0.15) *
                                             std::abs(noise(static_cast<std::size_t>(i)))));
    }
    return m;
}

Figure heatmap() {
    Figure f = titled("heatmap", "per tensor (A, pinned)", "Errors of a matrix");
    f.x.hidden = f.y.hidden = true;
    f.title_role = Role::baseline;
    f.footnote = "row 0-31 by column 0-127";
    f.marks = {map_of(32, 128, true),
               Handle{"28 sigma", Role::limit, 70, 11, "column", "row", 1, 1, "drag me"}};
    return f;
}

Figure signed_heatmap() {
    Figure f =
        titled("signed", "Attention scores of one head", "A signed matrix with missing cells");
    f.x = {"key position"};
    f.y = {"query position"};
    Heatmap m;
    m.rows = m.cols = 48;
    m.label = "score";
    m.unit = "nat";
    m.low = -2;
    m.high = 2;
    m.is_signed = true;
    for (int row = 0; row < m.rows; ++row) {
        for (int col = 0; col < m.cols; ++col) {
            m.cells.push_back(col > row ? NAN
                                        : static_cast<float>(2.2 * std::sin(0.2 * (row - col)) *
                                                             std::exp(-(row - col) * 0.03)));
        }
    }
    f.marks = {m, Note{10.5, 40.5, "a far echo", Role::muted}};
    return f;
}

Figure ticks() {
    Figure f = titled("ticks", "Values of FP4 E2M1", "Fifteen ticks on an axis");
    f.x = {"value"};
    f.y = {"", "", Scale::linear, {{0, 1}}};
    f.y.hidden = true;
    f.marks = {Ticks{"representable",
                     Role::subject,
                     true,
                     {-6, -4, -3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4, 6},
                     0.5},
               Ticks{"rounding interval", Role::reference, true, {2.5, 3.5}, 0.7},
               Handle{"2.9", Role::limit, 2.9, 0.25, "value", {}}};
    return f;
}

Figure note() {
    Figure f = titled("note", "Perplexity of the small model", "A curve with remarks");
    f.x = {"training step"};
    f.y = {"perplexity"};
    const auto x = steps(0, 20000, 400);
    f.marks = {Line{"train", Role::subject, x,
                    mapped(x, [](double v) { return 3 + 30 * std::exp(-v / 3000); })},
               Note{3000, 14.04, "learning rate halves"},
               Note{18000, 3.07, "early stop", Role::limit}};
    return f;
}

Figure segments() {
    Figure f =
        titled("segments", "One request through the server", "A Gantt chart with four lanes");
    f.x = {"time", "ms"};
    Segments s;
    s.lanes = {"queue", "prefill", "decode", "network"};
    s.items = {{0, 0, 30, Role::muted, "waits"},      {1, 30, 75, Role::subject, "prefill 512"},
               {2, 75, 90, Role::category2, "1"},     {2, 90, 106, Role::category2, "2"},
               {2, 106, 121, Role::category2, "3"},   {2, 121, 160, Role::limit, "preempted"},
               {3, 160, 161, Role::baseline, "reply"}};
    f.marks = {s};
    return f;
}

Figure bit_cells() {
    Figure f = titled("bits", "0.1 in FP16", "Sixteen bits in three groups");
    f.x.hidden = f.y.hidden = true;
    Cells c;
    c.columns = 16;
    const std::string bits = "0010111001100110";
    for (std::size_t i = 0; i < bits.size(); ++i) {
        const Role role = i == 0 ? Role::limit : i < 6 ? Role::baseline : Role::subject;
        c.items.push_back(
            {role, 1, std::string(1, bits[i]), "bit " + std::to_string(15 - i), bits[i] == '0'});
    }
    c.groups = {"sign", "exponent", "mantissa"};
    c.group_starts = {0, 1, 6};
    c.pick = {"bit", {}};
    f.marks = {c};
    return f;
}

Cells memory(int count, int columns, bool paged) {
    Cells c;
    c.columns = columns;
    for (int i = 0; i < count; ++i) {
        const int request =
            paged ? static_cast<int>((noise(static_cast<std::size_t>(i)) + 1) * 4) : i / 29;
        const int inside = i % 29;
        Cells::Item item{category(request), 1, {}, "request " + std::to_string(request)};
        if (!paged && inside > 20) {
            item = {Role::muted, 0, {}, "free", true};
        } else if (!paged && inside > 12) {
            item.filled = inside == 13 ? 0.5 : 0;
        }
        c.items.push_back(item);
    }
    return c;
}

Figure tree() {
    Figure f = titled("tree", "Which drafts survive", "An acceptance tree");
    f.x.hidden = f.y.hidden = true;
    f.marks = {Tree{{{-1, "The", "", Role::subject},
                     {0, "cat", "0.61", Role::reference},
                     {0, "dog", "0.22"},
                     {0, "old", "0.09"},
                     {1, "sat", "0.48", Role::reference},
                     {1, "ran", "0.30", Role::limit},
                     {4, "on", "0.92", Role::reference},
                     {4, "down", "0.05"},
                     {2, "barked", "0.71"}},
                    {"node", {}}}};
    return f;
}

Figure links() {
    Figure f = titled("links", "Two samples share a prompt", "A block table and the blocks");
    f.x.hidden = f.y.hidden = true;
    Links m;
    m.left_heading = "logical blocks";
    m.right_heading = "physical blocks";
    m.left = {{Role::category0, {"Four", "score", "and", "seven"}, "A 0"},
              {Role::category0, {"years", "ago", "our", ""}, "A 1", "", "", true},
              {Role::category1, {"Four", "score", "and", "seven"}, "B 0", "", "", false, true},
              {Role::category1, {"years", "ago", "", ""}, "B 1"}};
    m.right = {{Role::category0, {"Four", "score", "and", "seven"}, "block 0", "2 users"},
               {Role::category1, {"years", "ago", "", ""}, "block 1", "1 user"},
               {Role::muted, {"", "", "", ""}, "block 2", "free"},
               {Role::category0, {"years", "ago", "our", ""}, "block 3", "1 user", "copied", true}};
    m.arrows = {{0, 0, Role::category0},
                {1, 3, Role::category0, true},
                {2, 0, Role::category1},
                {3, 1, Role::category1}};
    m.pick = {"block", {}};
    f.marks = {m};
    return f;
}

Figure tokens() {
    Figure f = titled("tokens", "How surprised the model is", "A story tinted by surprise");
    f.x.hidden = f.y.hidden = true;
    Tokens t;
    const std::vector<std::string> words = {
        "Once",    " upon",   " a",         " time",  ",",       " there", " was",
        " a",      " little", " quantizer", " named", " Nibble", ".",      "\n",
        "She",     " loved",  " outliers",  ".",      " One",    " day",   " a",
        " weight", " of",     " 28",        " sigma", " came",   "."};
    for (std::size_t i = 0; i < words.size(); ++i) {
        t.items.push_back({words[i], Role::muted, (noise(i * 3) + 1) / 2, words[i]});
    }
    t.items[6].intensity = t.items[7].intensity = -1;
    t.items[9] = {" quantizer", Role::limit, -1, "rejected"};
    f.marks = {t};
    return f;
}

Figure words() {
    Figure f = titled("words", "Which lane asks for which word", "Words of memory in sectors");
    f.x.hidden = f.y.hidden = true;
    Cells c;
    c.columns = 16;
    c.gap_every = 8;
    c.stretch = 3;
    for (int row = 0; row < 4; ++row) {
        c.row_names.push_back(std::to_string(row * 64) + " B");
        for (int word = 0; word < 16; ++word) {
            const bool wanted = word == 0;
            c.items.push_back({wanted     ? Role::subject
                               : word < 8 ? Role::limit
                                          : Role::muted,
                               wanted ? 1.0 : 0.0, wanted ? std::to_string(row) : "",
                               "word " + std::to_string(row * 16 + word), word >= 8});
        }
    }
    f.marks = {c};
    return f;
}

Figure listing(int lines) {
    Figure f = titled(lines > 12 ? "listing-long" : "listing", "A kernel and what it asks for",
                      "Source code with notes");
    f.x.hidden = f.y.hidden = true;
    f.footnote = "sectors of 32 bytes, counted before the caches";
    const std::vector<std::string> source = {
        "// Each thread takes one row.",
        "__global__ void row_sum(const float* x, float* sums, int columns) {",
        "    const int row = blockIdx.x * blockDim.x + threadIdx.x;",
        "    float sum = 0;",
        "    for (int i = 0; i < columns; ++i) {",
        "        sum += x[row * columns + i];  // neighbours are a whole row apart",
        "    }",
        "",
        "    sums[row] = sum;",
        "}"};
    Listing code;
    code.first_line = 41;
    for (int i = 0; i < lines; ++i) {
        code.lines.push_back({source[static_cast<std::size_t>(i) % source.size()]});
    }
    code.lines[5] = {code.lines[5].text, Role::limit, "32 sectors", "load, 8 times what it uses"};
    code.lines[8] = {code.lines[8].text, Role::reference, "4 sectors", "store"};
    code.chosen = 5;
    code.pick = {"line", {}};
    f.marks = {code};
    return f;
}

Figure handles() {
    Figure f =
        titled("handles", "Where the operating point lies", "A valley with a point and two lines");
    f.x = {"alpha"};
    f.y = {"output error", "", Scale::linear, {{0, 1.2}}};
    const auto x = steps(0, 1, 80);
    f.marks = {Line{"AWQ", Role::subject, x,
                    mapped(x, [](double v) { return 0.25 + 2.4 * (v - 0.55) * (v - 0.55); })},
               Handle{"alpha", Role::limit, 0.3, 0.4, "alpha", {}},
               Handle{"budget", Role::reference, {}, 0.9, {}, "budget"},
               Handle{"clip", Role::baseline, 0.8, {}, "clip", {}}};
    return f;
}

Figure crossing() {
    Figure f = titled("crossing", "Eight crossing series", "Eight sines with different phases");
    f.x = {"phase"};
    f.y = {"value"};
    const auto x = steps(0, 10, 200);
    for (int k = 0; k < 8; ++k) {
        f.marks.push_back(
            Line{"series number " + std::to_string(k), category(k), x,
                 mapped(x, [k](double v) { return std::sin(v * (1 + 0.1 * k) + k); })});
    }
    return f;
}

}  // namespace

std::vector<Sample> all_marks() {
    std::vector<Sample> list;
    for (Figure f : {lines(),          gaps_and_steps(), points(),  scatter(),   grouped_bars(),
                     stacked_bars(),   negative_bars(),  band(),    histogram(), heatmap(),
                     signed_heatmap(), ticks(),          note(),    segments(),  bit_cells(),
                     words(),          tree(),           links(),   tokens(),    listing(10),
                     listing(60),      handles(),        crossing()}) {
        list.push_back({f.id, std::move(f)});
    }
    Figure blocks = titled("blocks", "Maximum length", "Memory blocks");
    blocks.x.hidden = blocks.y.hidden = true;
    blocks.title_role = Role::baseline;
    blocks.marks = {memory(480, 24, false)};
    list.push_back({"blocks", blocks});
    return list;
}

Outcome outcome_of(Figure figure) {
    Outcome o;
    o.finding = "One outlier takes the resolution of every weight that shares its scale";
    o.explanation = "Per tensor, 94.6 % of the codes are 0 and the error is 1.01.";
    o.rows = {{1, {std::move(figure)}}};
    return o;
}

Outcome quantizer_panel(int rows, int cols) {
    Outcome o;
    o.finding = "One outlier takes the resolution of every weight that shares its scale";
    o.explanation =
        "Per tensor, 94.6 % of the codes are 0 and the error is 1.01; groups of 32 bring it to "
        "0.043 "
        "for 0.5 more bits a weight.";
    o.sampling = "histogram of every fourth weight";
    Figure a = heatmap(), b = heatmap();
    a.marks[0] = map_of(rows, cols, true);
    b.id = "heatmap-now";
    b.title = "groups of 32 (now)";
    b.title_role = Role::subject;
    b.marks[0] = map_of(rows, cols, false);
    std::get<Heatmap>(a.marks[0]).colour_bar = false;
    b.footnote.clear();
    Figure curve = lines();
    curve.title.clear();
    o.rows = {{1, {a, b}}, {1.5, {histogram(), curve}}};
    return o;
}

Outcome fragmentation_panel() {
    Outcome o;
    o.finding = "The same memory serves 4.4 times as many requests when it is paged";
    o.explanation =
        "At step 118: reserved slots hold 7 requests, 20 % of them used; 16-token blocks hold 31, "
        "97 % used.";
    FigureRow maps{1.4, {}};
    for (int k = 0; k < 3; ++k) {
        Figure f = titled("map" + std::to_string(k),
                          k == 0   ? "Maximum length"
                          : k == 1 ? "Power of two, buddy"
                                   : "Paged, blocks of 16",
                          "");
        f.x.hidden = f.y.hidden = true;
        f.title_role = k == 0 ? Role::baseline : k == 1 ? Role::category3 : Role::subject;
        f.footnote = k == 0 ? "7 requests" : k == 1 ? "10 requests" : "31 requests";
        f.marks = {memory(24 * 30, 24, k == 2)};
        maps.figures.push_back(f);
    }
    o.rows = {maps, {0.7, {stacked_bars()}}, {0.8, {grouped_bars()}}};
    return o;
}

}  // namespace nibble::samples
