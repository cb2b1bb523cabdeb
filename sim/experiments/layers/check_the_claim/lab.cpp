// What is said of quantization, put to the test: the claim, the measurement, the verdict.
#include "sim/experiments/layers/check_the_claim/claims.hpp"

#include <cctype>
#include <cmath>
#include <fmt/format.h>

namespace nibble::check_the_claim_lab {
namespace {

using check_the_claim_lab::Compared;
using check_the_claim_lab::Tested;

enum class Claim {
    double_quantization,
    awq_twenty_five,
    gptq_without_elimination,
    fixed_damping,
    last_token_perplexity,
    sixteen_levels,
    block_formats,
    four_times_faster,
    wrong_baseline,
};

struct Row {
    const char* name;
    const char* label;
    Tested (*test)(const RunContext&);
};

/// In the order of Claim.
constexpr Row rows[] = {
    {"double_quantization", "double quantization saves 0.13 bits", check_the_claim_lab::double_quantization},
    {"awq_times_25", "AWQ shrinks a channel's range by 25", check_the_claim_lab::awq_twenty_five},
    {"gptq_full_inverse", "GPTQ can keep one inverse Hessian", check_the_claim_lab::gptq_without_elimination},
    {"fixed_damping", "damping of 0.01 is 1 % of the mean", check_the_claim_lab::fixed_damping},
    {"last_token", "the last token of a window will do", check_the_claim_lab::last_token_perplexity},
    {"sixteen_levels", "16 levels are 1/16 of the range apart", check_the_claim_lab::sixteen_levels},
    {"block_formats", "Q8_0 takes 8 bits, Q2_K 2.5", check_the_claim_lab::block_formats},
    {"four_times_faster", "INT4 is four times as fast", check_the_claim_lab::four_times_faster},
    {"llama_2_baseline", "Llama 2 7B starts from 5.68", check_the_claim_lab::wrong_baseline},
};

struct Params {
    Claim claim = Claim::gptq_without_elimination;
};

Tested run(const Params& p, const RunContext& context) {
    return rows[static_cast<std::size_t>(p.claim)].test(context);
}

Figure comparison(const Tested& t) {
    Bars bars;
    Bars::Series claimed{"claimed", Role::baseline, {}}, found{"found", Role::subject, {}};
    bool any = false;
    for (const Compared& value : t.values) {
        bars.names.push_back(value.label);
        claimed.values.push_back(value.claimed.value_or(std::nan("")));
        found.values.push_back(value.found);
        any = any || value.claimed;
    }
    if (any) {
        bars.series.push_back(std::move(claimed));
    }
    bars.series.push_back(std::move(found));
    bars.horizontal = true;
    Figure f;
    f.id = "comparison";
    f.title = t.title;
    f.alt_text = fmt::format("Bars of what the claim says and what was found: {}", t.verdict);
    f.x = {.label = t.quantity, .unit = t.unit};
    f.marks = {std::move(bars)};
    return f;
}

/// As a card of its own says it: the first letter large.
std::string heading(std::string label) {
    label[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(label[0])));
    return label;
}

Outcome show(const Params&, const Tested& t) {
    Outcome o;
    o.finding = t.verdict;
    o.explanation = fmt::format("The claim: \u201c{}\u201d {}", t.claim, t.right);
    o.rows = {{1, {comparison(t)}}};
    if (t.more) {
        o.rows.push_back({1.2, {*t.more}});
    }
    Table table{"claim", {{"quantity"}, {"claimed", t.unit}, {"found", t.unit}}, {}};
    for (const Compared& value : t.values) {
        o.metrics.push_back({value.metric, heading(value.label), value.found, t.unit, t.origin});
        table.rows.push_back(
            {value.label, value.claimed ? Table::Cell(*value.claimed) : Table::Cell(std::string()),
             value.found});
    }
    o.tables = {std::move(table)};
    if (t.equation) {
        o.equations = {*t.equation};
    }
    return o;
}

Schema<Params> schema() {
    std::vector<Choice> choices;
    for (const Row& row : rows) {
        choices.push_back({row.name, row.label});
    }
    return {choice("claim", &Params::claim, std::move(choices))
                .help("The statement that is put to the test.")};
}

}  // namespace

Experiment lab() {
    return define<Params, Tested>("check-the-claim", "Layers", "Check the claim",
                                  "What goes round about quantization, and does it hold?", schema(),
                                  run, show);
}

}  // namespace nibble::check_the_claim_lab
