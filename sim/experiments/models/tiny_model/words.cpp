// What the tiny-model lab says: finding, explanation, metrics, the equation, the token table.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numbers>
#include <numeric>

#include "sim/core/text.hpp"
#include "sim/experiments/models/tiny_model/figures.hpp"

namespace nibble::tiny_model {
namespace {

/// A wrong word counts as noticed when it costs this many times what other tokens do.
constexpr double noticed = 4;

std::string num(double value, int digits = 3) {
    return format_number(value, digits);
}

/// In quotes, without the space before it.
std::string word(const std::string& text) {
    return quoted(text.substr(std::min(text.find_first_not_of(' '), text.size())));
}

/// Bits of the tokens [begin, end) that are predicted.
std::vector<double> bits_of(const Reading& r, std::size_t begin, std::size_t end) {
    std::vector<double> bits;
    for (std::size_t i = std::max<std::size_t>(begin, 1); i < end; ++i) {
        bits.push_back(r.tokens[i].bits);
    }
    return bits;
}

double mean(const std::vector<double>& values) {
    return values.empty() ? std::numeric_limits<double>::quiet_NaN()
                          : std::accumulate(values.begin(), values.end(), 0.0) /
                                static_cast<double>(values.size());
}

struct Numbers {
    std::vector<double> prompt, made;  // bits a token
    double slip_bits = 0;              // of the wrong word
    double others = 0;                 // mean bits of the prompt's other tokens
    std::size_t half = 0;              // tokens that hold half of the prompt's surprise
    double growth = 1;                 // of the largest activation at the chosen site

    Numbers(const Data& d, const Look& look) {
        const Reading& r = *d.reading;
        prompt = bits_of(r, 0, r.prompt_tokens);
        made = bits_of(r, r.prompt_tokens, r.size());
        if (prompt.empty()) {  // a lone first token: only what follows is predicted
            prompt = made;
        }
        const auto slip = static_cast<std::ptrdiff_t>(std::min(r.slip_tokens, prompt.size()));
        slip_bits = std::accumulate(prompt.end() - slip, prompt.end(), 0.0);
        others = mean({prompt.begin(), prompt.end() - slip});
        std::vector<double> sorted = prompt;
        std::sort(sorted.begin(), sorted.end(), std::greater<>());
        const double sum = std::accumulate(sorted.begin(), sorted.end(), 0.0);
        for (double held = 0; half < sorted.size() && held < sum / 2; ++half) {
            held += sorted[half];
        }
        if (d.ranges) {
            const auto largest = [](const std::vector<float>& v) {
                return static_cast<double>(*std::max_element(v.begin(), v.end()));
            };
            growth = largest(d.ranges->at(look.layer, look.site)) /
                     largest(r.plain.at(look.layer, look.site));
        }
    }
};

std::string finding(const Data& d, const Numbers& n) {
    const Reading& r = *d.reading;
    if (r.slip && n.slip_bits > noticed * n.others) {
        return fmt::format("One wrong word costs {} bits, the tokens before it {} each",
                           num(n.slip_bits), num(n.others, 2));
    }
    if (r.slip) {
        return fmt::format("The wrong word hardly stands out: {} bits, other tokens {} each",
                           num(n.slip_bits), num(n.others, 2));
    }
    return fmt::format("{} of {} tokens hold half of the surprise", n.half, n.prompt.size());
}

std::string about_outliers(const Data& d, const Numbers& n, const Look& look) {
    if (!d.ranges) {
        return "";
    }
    const bool behind_norm = look.site != Site::attention_out && look.site != Site::mlp_out;
    std::string text = fmt::format(
        " Outliers: {} of {} channels behind every norm grow {}-fold, no logit moves by more than "
        "{}",
        d.outlying.channels, d.reading->config.hidden, num(d.outlying.factor),
        num(d.largest_change, 2));
    if (behind_norm) {
        text += fmt::format(", the range to be quantized grows {}-fold", num(n.growth));
    }
    return text + ".";
}

std::string explanation(const Data& d, const Numbers& n, const Look& look) {
    const Reading& r = *d.reading;
    std::string text;
    if (r.slip) {
        text = fmt::format("The text says {} where its own rules say {}. ", word(r.slip->wrong),
                           word(r.slip->right));
    }
    text += fmt::format("{} reads {} tokens at {} bits each, a perplexity of {}.", r.model,
                        n.prompt.size(), num(mean(n.prompt)), num(std::exp2(mean(n.prompt))));
    return text + about_outliers(d, n, look);
}

std::vector<Metric> metrics(const Data& d, const Numbers& n, const Look& look) {
    const Reading& r = *d.reading;
    const Origin measured{Origin::Kind::measured_here}, computed{Origin::Kind::computed};
    std::vector<Metric> list = {
        {"perplexity", "Perplexity of the text", std::exp2(mean(n.prompt)), "", measured,
         Better::lower},
        {"surprise", "Surprise a token", mean(n.prompt), "bits", measured, Better::lower},
        {"token_surprise", "Surprise of the chosen token", r.tokens[look.token].bits, "bits",
         measured},
    };
    if (d.ranges) {
        list.push_back({"max_logit_change", "max |Δ logit| with outliers", d.largest_change, "",
                        measured, Better::lower, NumberStyle::plain, 2});
        list.push_back(
            {"range_growth", "Range with outliers", n.growth, "times", measured, Better::lower});
        list.push_back({"max_logit", "max |logit|", d.largest_logit, "", measured});
    }
    if (r.slip) {
        list.push_back({"slip_surprise", "Surprise of the wrong word", n.slip_bits, "bits",
                        measured, Better::higher});
    }
    if (!n.made.empty()) {
        list.push_back(
            {"generated_surprise", "Surprise at what it wrote", mean(n.made), "bits", measured});
    }
    list.push_back({"prompt_tokens", "Tokens of the text", static_cast<double>(r.prompt_tokens), "",
                    computed, Better::neither, NumberStyle::plain, 6});
    list.push_back({"generated_tokens", "Tokens generated",
                    static_cast<double>(r.size() - r.prompt_tokens), "", computed, Better::neither,
                    NumberStyle::plain, 6});
    list.push_back({"parameters", "Parameters", static_cast<double>(r.config.parameters()), "",
                    computed, Better::neither, NumberStyle::si});
    return list;
}

std::vector<Equation> equations(const Data& d, const Look& look) {
    const TokenView& t = d.reading->tokens[look.token];
    const double p = std::exp2(-t.bits);
    return {{"p = e^{z} / Σ e^{z}",
             fmt::format("{} = e^{{{}}} / e^{{{}}}", num(p), num(t.logit, 4), num(t.log_sum, 4)),
             quoted(t.piece)},
            {"surprise = - log_{2} p", fmt::format("{} = - log_{{2}} {}", num(t.bits), num(p)),
             "bits"}};
}

Table token_table(const Reading& r) {
    Table t{"tokens",
            {{"position"},
             {"id"},
             {"piece"},
             {"generated"},
             {"probability"},
             {"surprise", "bits"},
             {"rank"},
             {"likeliest"},
             {"likeliest_probability"}},
            {}};
    for (std::size_t i = 1; i < r.size(); ++i) {
        const TokenView& v = r.tokens[i];
        t.rows.push_back({static_cast<std::int64_t>(i), static_cast<std::int64_t>(r.ids[i]),
                          readable(v.piece), std::int64_t{i >= r.prompt_tokens}, std::exp2(-v.bits),
                          v.bits, static_cast<std::int64_t>(v.rank + 1),
                          readable(v.likeliest[0].piece), v.likeliest[0].probability});
    }
    return t;
}

}  // namespace

void describe(const Data& data, const Look& look, Outcome& outcome) {
    const Numbers n(data, look);
    outcome.finding = finding(data, n);
    outcome.explanation = explanation(data, n, look);
    outcome.metrics = metrics(data, n, look);
    outcome.equations = equations(data, look);
    outcome.tables = {token_table(*data.reading)};
    if (data.is_preview) {
        outcome.sampling = "while dragging, only the first tokens are generated";
    }
}

}  // namespace nibble::tiny_model
