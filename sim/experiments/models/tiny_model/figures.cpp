// The text coloured token by token, what else could have stood there, where the heads looked, and
// how large the channels are.
#include "sim/experiments/models/tiny_model/figures.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "sim/core/text.hpp"
#include "sim/core/utf8.hpp"

namespace nibble::tiny_model {
namespace {

constexpr double brightest_bits = 10;                    // a guess among 1024 pieces
constexpr double quiet_bits = 0.5, quiet_weight = 0.02;  // below, a token is not tinted

std::string percent(double share) {
    return share > 0.9995 && share < 1 ? "> 99.9 %"
           : share < 1e-4              ? "< 0.01 %"
                                       : format_number(100 * share, 3) + " %";
}

double probability(const TokenView& t) {
    return std::exp2(-t.bits);
}

double tint_of_weight(double weight) {
    return std::sqrt(weight);  // most weights are small
}

double tint_of(double bits) {
    return std::clamp(bits / brightest_bits, 0.0, 1.0);
}

std::string told(const Data& d, std::size_t i) {
    const TokenView& t = d.reading->tokens[i];
    std::string text = quoted(t.piece);
    if (std::isnan(t.bits)) {
        return text + "\nthe first token: nothing predicts it";
    }
    text += fmt::format("\n{} bits, probability {}\nthe model's choice number {}",
                        format_number(t.bits, 3), percent(probability(t)), t.rank + 1);
    return text + (i >= d.reading->prompt_tokens ? "\nwritten by the model" : "");
}

Tokens::Item item_of(const Data& d, const Look& look, const std::vector<float>& weights,
                     std::size_t i) {
    const TokenView& t = d.reading->tokens[i];
    Tokens::Item item{readable(t.piece), Role::muted, -1, told(d, i)};
    if (look.tint == Tint::attention) {
        if (i == look.token) {
            item.role = Role::limit;
        } else if (i < weights.size()) {
            const auto weight = static_cast<double>(weights[i]);
            item.intensity = weight >= quiet_weight ? tint_of_weight(weight) : -1;
            item.label += fmt::format("\nattention {}", percent(weight));
        }
    } else if (t.bits >= quiet_bits) {
        item.intensity = tint_of(t.bits);
    }
    return item;
}

/// The text and, behind a mark, what the model made of it.
Figure text_figure(const Data& d, const Look& look) {
    const Reading& r = *d.reading;
    const std::vector<float> weights = r.looks(look.layer, look.head, look.token);
    const bool by_surprise = look.tint == Tint::surprise;
    Figure f;
    f.id = "text";
    f.title = by_surprise ? "How surprising each token is: click one to look closer"
                          : fmt::format("Where head {} of layer {} looks to predict {}", look.head,
                                        look.layer, quoted(r.tokens[look.token].piece));
    f.alt_text = fmt::format("{} tokens of text and {} that the model added, tinted by {}.",
                             r.prompt_tokens, r.size() - r.prompt_tokens,
                             by_surprise ? "how surprised the model is, in bits"
                                         : "how much the chosen head looks there");
    f.x.hidden = f.y.hidden = true;
    Tokens tokens;
    tokens.pick.param = "token";
    for (std::size_t i = 0; i < r.size(); ++i) {
        if (i == r.prompt_tokens) {
            tokens.items.push_back({fmt::format(" {} goes on:", r.model), Role::reference, -1,
                                    "from here on the model draws every token itself"});
            tokens.pick.values.emplace_back(static_cast<std::int64_t>(i));
        }
        tokens.items.push_back(item_of(d, look, weights, i));
        tokens.pick.values.emplace_back(static_cast<std::int64_t>(i));
    }
    f.marks.emplace_back(std::move(tokens));
    return f;
}

/// The tints of the text on an axis.
Figure legend(const Look& look) {
    constexpr int steps = 40;
    const bool by_surprise = look.tint == Tint::surprise;
    const double low = by_surprise ? quiet_bits : quiet_weight;
    const double high = by_surprise ? brightest_bits : 1;
    Heatmap map;
    map.rows = steps;
    map.cols = 1;
    for (int i = 0; i < steps; ++i) {
        const double value = low + (i + 0.5) * (high - low) / steps;
        map.cells.push_back(
            static_cast<float>(by_surprise ? tint_of(value) : tint_of_weight(value)));
    }
    map.y0 = low;
    map.y1 = high;
    map.row0_at_bottom = true;
    map.colour_bar = false;
    map.label = "tint";
    Figure f;
    f.id = "legend";
    f.title = by_surprise ? "Surprise" : "Attention";
    f.alt_text = fmt::format("The tints of the tokens, from {} to {}.", low, high);
    f.x.hidden = true;
    f.y =
        by_surprise ? Axis{.label = "bits"} : Axis{.label = "share", .style = NumberStyle::percent};
    f.footnote = by_surprise ? "−log₂ p" : "";
    f.marks.emplace_back(std::move(map));
    f.width = 0.17;
    return f;
}

/// Bars of logits; the token that stands there is added when it is not among the likeliest.
Figure candidates_figure(const Data& d, const Look& look) {
    const TokenView& t = d.reading->tokens[look.token];
    const std::int32_t id = d.reading->ids[look.token];
    Bars bars;
    bars.horizontal = bars.stacked = true;
    bars.value_labels = false;
    Bars::Series others{"", Role::muted, {}}, actual{"", Role::subject, {}};
    const double gap = std::numeric_limits<double>::quiet_NaN();
    const auto add = [&](const std::string& piece, double share, double logit, bool stands) {
        bars.names.push_back(fmt::format("{}  {}", quoted(piece), percent(share)));
        others.values.push_back(stands ? gap : logit);
        actual.values.push_back(stands ? logit : gap);
    };
    for (const Alternative& a : t.likeliest) {
        add(a.piece, a.probability, a.logit, a.id == id);
    }
    if (t.rank >= static_cast<Index>(t.likeliest.size())) {
        add(t.piece, probability(t), t.logit, true);
    }
    bars.series = {std::move(others), std::move(actual)};
    Figure f;
    f.id = "candidates";
    f.title = fmt::format("What could stand at {}", quoted(t.piece));
    f.alt_text = fmt::format(
        "Bars of the logits of the {} likeliest tokens, with their probabilities, beside the one "
        "that stands there.",
        t.likeliest.size());
    f.x = {.label = "logit"};
    f.marks.emplace_back(std::move(bars));
    f.width = 1.15;
    return f;
}

/// Whole numbers as ticks, some of them when there are many.
std::vector<std::pair<double, std::string>> counted(int count) {
    std::vector<std::pair<double, std::string>> ticks;
    for (int i = 0; i < count; i += std::max(1, count / 8)) {
        ticks.emplace_back(i, std::to_string(i));
    }
    return ticks;
}

/// One cell a head: the largest share of its attention that one token gets. A click chooses it.
Figure heads_figure(const Data& d, const Look& look) {
    const Reading& r = *d.reading;
    Heatmap map;
    map.rows = static_cast<int>(r.layers_kept);
    map.cols = static_cast<int>(r.config.heads);
    for (Index layer = 0; layer < r.layers_kept; ++layer) {
        for (Index head = 0; head < r.config.heads; ++head) {
            const std::vector<float> weights = r.looks(layer, head, look.token);
            map.cells.push_back(*std::max_element(weights.begin(), weights.end()));
        }
    }
    map.label = "weight";
    map.x0 = map.y0 = -0.5;
    map.x1 = map.cols - 0.5;
    map.y1 = map.rows - 0.5;
    map.pick_row_param = "layer";
    map.pick_col_param = "head";
    Figure f;
    f.id = "heads";
    f.title = "Heads: largest weight";
    f.alt_text = fmt::format(
        "Grid of {} layers by {} heads: the largest attention weight of each for this token.",
        map.rows, map.cols);
    f.x = {.label = "head", .named_ticks = counted(map.cols)};
    f.y = {.label = "layer", .named_ticks = counted(map.rows)};
    const auto l = static_cast<double>(look.layer), h = static_cast<double>(look.head);
    f.marks.emplace_back(std::move(map));
    f.marks.emplace_back(Line{"",
                              Role::limit,
                              {h - 0.46, h + 0.46, h + 0.46, h - 0.46, h - 0.46},
                              {l - 0.46, l - 0.46, l + 0.46, l + 0.46, l - 0.46}});
    f.width = 0.7;
    return f;
}

/// Row: the token predicted; column: the token looked at. Named are the chosen row and what it
/// looks at most.
Figure attention_figure(const Data& d, const Look& look) {
    const Reading& r = *d.reading;
    const std::size_t n = r.size();
    Heatmap map;
    map.rows = map.cols = static_cast<int>(n) - 1;
    for (std::size_t token = 1; token < n; ++token) {
        std::vector<float> weights = r.looks(look.layer, look.head, token);
        weights.resize(n - 1);  // nothing later can be looked at
        map.cells.insert(map.cells.end(), weights.begin(), weights.end());
    }
    map.label = "attention";
    map.x0 = -0.5;
    map.x1 = static_cast<double>(n) - 1.5;
    map.y0 = 0.5;
    map.y1 = static_cast<double>(n) - 0.5;
    map.pick_row_param = "token";
    Figure f;
    f.id = "attention";
    f.title = fmt::format("Where head {} of layer {} looks", look.head, look.layer);
    const std::vector<float> weights = r.looks(look.layer, look.head, look.token);
    const auto most = static_cast<std::size_t>(std::max_element(weights.begin(), weights.end()) -
                                               weights.begin());
    f.alt_text = fmt::format(
        "Attention of {} tokens on each other, none on later ones. To predict {}, the head looks "
        "most at {}, with {}.",
        n, quoted(r.tokens[look.token].piece), quoted(r.tokens[most].piece),
        percent(static_cast<double>(weights[most])));
    f.x = {.label = "looks at",
           .named_ticks = {{static_cast<double>(most), quoted(r.tokens[most].piece)}}};
    f.y = {.label = "to predict",
           .named_ticks = {{static_cast<double>(look.token), quoted(r.tokens[look.token].piece)}}};
    f.marks.emplace_back(std::move(map));
    f.marks.emplace_back(Rule{"", Role::limit, false, static_cast<double>(look.token)});
    return f;
}

Figure ranges_figure(const Data& d, const Look& look) {
    const Reading& r = *d.reading;
    const auto line = [&](const char* label, Role role, const std::vector<float>& values) {
        Line l{label, role, {}, {}, false, true};
        for (std::size_t c = 0; c <= values.size(); ++c) {  // the last step has a width too
            l.x.push_back(static_cast<double>(c) - 0.5);
            const float v = values[std::min(c, values.size() - 1)];
            l.y.push_back(v > 0 ? static_cast<double>(v)
                                : std::numeric_limits<double>::quiet_NaN());
        }
        return l;
    };
    const bool is_head = look.site == Site::head_in;
    Figure f;
    f.id = "ranges";
    f.title = fmt::format("Largest activation of each channel, {}{}", name(look.site),
                          is_head ? "" : fmt::format(" of layer {}", look.layer));
    f.alt_text =
        "Largest magnitude of every channel over the text, as the model was trained and "
        "with outlier channels.";
    f.x = {.label = "channel"};
    f.y = {.label = "max |x|", .scale = Scale::log10};
    const std::vector<float>& plain = r.plain.at(look.layer, look.site);
    const bool behind_norm = look.site != Site::attention_out && look.site != Site::mlp_out;
    if (d.ranges && behind_norm) {
        f.marks.emplace_back(
            line("with outliers", Role::subject, d.ranges->at(look.layer, look.site)));
    }
    f.marks.emplace_back(line("as trained", Role::baseline, plain));
    if (!behind_norm) {
        f.footnote = "no norm stands before this layer, so outliers are not made here";
    }
    return f;
}

}  // namespace

Look look_at(const Data& data, int token, int layer, int head, Site site, Tint tint) {
    const Reading& r = *data.reading;
    Look look{1, std::min<Index>(layer, r.layers_kept - 1),
              std::min<Index>(head, r.config.heads - 1), site, tint};
    if (token < 0) {
        const std::size_t end = r.slip ? r.prompt_tokens : r.size();
        look.token = r.slip ? end - r.slip_tokens : 1;
        for (std::size_t i = look.token; i < end; ++i) {
            look.token = r.tokens[i].bits > r.tokens[look.token].bits ? i : look.token;
        }
    } else {
        look.token = std::clamp<std::size_t>(static_cast<std::size_t>(token), 1, r.size() - 1);
    }
    return look;
}

std::string readable(const std::string& piece) {
    if (is_utf8(piece)) {
        return piece;
    }
    std::string text;
    for (const char c : piece) {
        const auto byte = static_cast<unsigned char>(c);
        text += byte >= 0x80 ? fmt::format("<{:02x}>", byte) : std::string(1, c);
    }
    return text;
}

std::string quoted(const std::string& piece) {
    std::string text;
    for (const char c : readable(piece)) {
        text += c == '\n' ? "↵" : c == '\t' ? "→" : std::string(1, c);
    }
    return "“" + text + "”";
}

std::vector<FigureRow> figures(const Data& data, const Look& look) {
    return {
        {1.15, {text_figure(data, look), legend(look)}},
        {1.35,
         {candidates_figure(data, look), heads_figure(data, look), attention_figure(data, look)}},
        {0.75, {ranges_figure(data, look)}}};
}

}  // namespace nibble::tiny_model
