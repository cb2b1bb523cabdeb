// The tiny-model lab on a model of the test's own, and its first frame on the shipped one.
#include <cmath>
#include <set>

#include "sim/model/model_files.hpp"
#include "sim/model/train.hpp"

#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::tiny_model_test {

using namespace nibble::test;
using namespace nibble::testing;

namespace {

const Experiment& lab() {
    return find_experiment(all_experiments(), "tiny-model");
}

Outcome run(const Settings& settings, const RunContext& context = {}) {
    return run_lab("tiny-model", settings, context);
}

/// An untrained model with loud weights, whose tokenizer knows the corpus.
struct Own : ScratchFolder {
    ModelConfig c = draft_config();

    Own() {
        const ByteBpe parts = corpus_tokenizer(1, 320, 10);
        c.layers = 2;
        c.vocab = static_cast<Index>(parts.pieces.size());
        save_model(path, c, tiny_weights<float>(c), to_json(parts), false);
    }
    Settings with(Settings more) const {
        Settings all = {{"model", "file"},
                        {"file", path.string()},
                        {"text", "own"},
                        {"prompt", "One morning, Ada met Tom."},
                        {"tokens", "6"}};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
};

const Figure& figure(const Outcome& o, const std::string& id) {
    for (const FigureRow& row : o.rows) {
        for (const Figure& f : row.figures) {
            if (f.id == id) {
                return f;
            }
        }
    }
    FAIL("no figure " << id);
    return o.rows[0].figures[0];
}

template <class M>
const M& mark(const Outcome& o, const std::string& id) {
    return std::get<M>(figure(o, id).marks.at(0));
}

double number(const Table::Cell& cell) {
    return std::holds_alternative<double>(cell) ? std::get<double>(cell)
                                                : static_cast<double>(std::get<std::int64_t>(cell));
}

}  // namespace

TEST_CASE("the first frame of the tiny model surprises", "[tiny-model]") {
    const Outcome o = run({});
    // The wrong sum costs at least as much as guessing among 256 would.
    CHECK(o.metric("slip_surprise").value > 8);
    CHECK(o.finding.find("One wrong word") == 0);
    CHECK(o.metric("surprise").value < 3);
    CHECK(o.metric("max_logit_change").value < 1e-3);
    CHECK(o.metric("range_growth").value > 5);
}

TEST_CASE("every token's surprise is the loss of the model", "[tiny-model]") {
    const Own own;
    const Outcome o = run(own.with({}));
    const auto files = ModelFiles::open(own.path);
    const Tokenizer& tokenizer = files->needed_tokenizer();
    TokenIds ids = {0};
    const Table& table = o.tables.at(0);
    double sum = 0;
    std::string text;
    for (const auto& row : table.rows) {
        ids.push_back(static_cast<std::int32_t>(number(row[1])));
        text += tokenizer.piece(ids.back());
    }
    CHECK(text.starts_with("One morning, Ada met Tom."));
    const auto losses = token_losses<float>(files->load(), std::vector<TokenIds>{ids});
    REQUIRE(losses.size() == table.rows.size());
    for (std::size_t i = 0; i < losses.size(); ++i) {
        // Both are a softmax in floats of the same logits; bits are nats over ln 2.
        CHECK(number(table.rows[i][5]) ==
              Approx(static_cast<double>(losses[i]) / std::log(2)).margin(1e-4));
        CHECK(number(table.rows[i][4]) == Approx(std::exp2(-number(table.rows[i][5]))));
        sum += number(table.rows[i][3]) == 0 ? number(table.rows[i][5]) : 0;
    }
    const double prompt_tokens = o.metric("prompt_tokens").value - 1;  // the first is not predicted
    CHECK(o.metric("surprise").value == Approx(sum / prompt_tokens));
    CHECK(o.metric("perplexity").value == Approx(std::exp2(sum / prompt_tokens)));
    // The text with its mark, each item choosing itself.
    const Tokens& tokens = mark<Tokens>(o, "text");
    CHECK(tokens.pick.param == "token");
    CHECK(tokens.pick.values.size() == tokens.items.size());
    CHECK(tokens.items.size() == table.rows.size() + 2);  // the begin token and "goes on"
}

TEST_CASE("attention is causal and sums to one, and heads can be chosen", "[tiny-model]") {
    const Own own;
    for (const auto& [layer, head] : {std::pair{"0", "0"}, {"1", "1"}}) {
        const Outcome o = run(own.with({{"layer", layer}, {"head", head}}));
        const Heatmap& map = mark<Heatmap>(o, "attention");
        REQUIRE(map.rows == map.cols);
        CHECK(map.pick_row_param == "token");
        for (int i = 0; i < map.rows; ++i) {
            double sum = 0;
            for (int j = 0; j < map.cols; ++j) {
                const float cell = map.cells[static_cast<std::size_t>(i * map.cols + j)];
                CHECK((j <= i || cell == 0));
                sum += static_cast<double>(cell);
            }
            CHECK(sum == Approx(1).epsilon(1e-5));  // a softmax in floats
        }
    }
    const Outcome o = run(own.with({}));
    const Heatmap& heads = mark<Heatmap>(o, "heads");
    CHECK(heads.rows == 2);
    CHECK(heads.cols == own.c.heads);
    CHECK(heads.pick_row_param == "layer");
    CHECK(heads.pick_col_param == "head");
    // Beyond the model's ends the last one is shown.
    CHECK(figure(run(own.with({{"layer", "99"}, {"head", "99"}, {"token", "500"}})), "attention")
              .title == "Where head 1 of layer 1 looks");
}

TEST_CASE("outliers widen the chosen channels and leave the logits", "[tiny-model]") {
    const Own own;
    const Outcome o = run(own.with({{"outlier_factor", "64"}, {"outlier_channels", "2"}}));
    CHECK(o.metric("max_logit_change").value == 0);  // a power of two moves exponents only
    const Figure& f = figure(o, "ranges");
    const Line &with = std::get<Line>(f.marks.at(0)), &plain = std::get<Line>(f.marks.at(1));
    std::set<std::size_t> grown;
    for (std::size_t c = 0; c < static_cast<std::size_t>(own.c.hidden); ++c) {
        if (with.y[c] != plain.y[c]) {
            CHECK(with.y[c] == Approx(64 * plain.y[c]));
            grown.insert(c);
        }
    }
    CHECK(grown == std::set<std::size_t>{16, 48});  // evenly among 64
    const Outcome odd = run(own.with({{"outlier_factor", "50"}}));
    CHECK(odd.metric("max_logit_change").value > 0);
    // Roundings of 24 bits of logits near 100, over some layers.
    CHECK(odd.metric("max_logit_change").value < 1e-4 * odd.metric("max_logit").value);
    const Outcome none = run(own.with({{"outlier_channels", "0"}}));
    CHECK(figure(none, "ranges").marks.size() == 1);
    CHECK(std::none_of(none.metrics.begin(), none.metrics.end(),
                       [](const Metric& m) { return m.name == "max_logit_change"; }));
    // No norm stands before the output of attention.
    const Outcome mixed = run(own.with({{"site", "attention_out"}}));
    CHECK(figure(mixed, "ranges").marks.size() == 1);
}

TEST_CASE("looking elsewhere does not run the model again", "[tiny-model]") {
    const Own own;
    Cache results(8);
    const auto look = [&](const Settings& settings) {
        ParamValues values = lab().defaults();
        for (const auto& [name, text] : own.with(settings)) {
            const std::size_t i = lab().index_of(name);
            values[i] = lab().params[i].parsed(text);
        }
        return evaluate(lab(), values, {}, &results);
    };
    const Outcome first = look({});
    const Outcome second = look({{"token", "3"}, {"layer", "1"}, {"tint", "attention"}});
    CHECK(results.size() == 1);
    CHECK(first.metric("perplexity").value == second.metric("perplexity").value);
    CHECK(first.metric("token_surprise").value != second.metric("token_surprise").value);
    look({{"temperature", "0"}});
    CHECK(results.size() == 2);
}

TEST_CASE("a preview goes on for a few tokens only, and says so", "[tiny-model]") {
    const Own own;
    RunContext context;
    context.preview = true;
    const Outcome o = run(own.with({{"tokens", "40"}}), context);
    CHECK_FALSE(o.sampling.empty());
    CHECK(o.metric("generated_tokens").value < 10);
    CHECK(run(own.with({})).sampling.empty());
}

TEST_CASE("texts and models that cannot be used are refused by name", "[tiny-model]") {
    const Own own;
    const auto refused = [&](const Settings& more) {
        return error_of([&] { run(own.with(more)); });
    };
    CHECK(contains(refused({{"prompt", ""}}), "the prompt is empty"));
    CHECK(contains(refused({{"file", ""}}), "no model of yours is named"));
    CHECK(contains(refused({{"file", "/nowhere"}}), "there is no model at /nowhere"));
    std::string long_text;
    for (int i = 0; i < 600; ++i) {
        long_text += "zq ";
    }
    CHECK(contains(refused({{"prompt", long_text}}), "at most 511 are read here"));
}

}  // namespace nibble::tiny_model_test
