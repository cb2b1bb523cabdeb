// Speculative decoding: greedy text is the target's, sampled text has the target's distribution,
// and the mistakes do not.
#include "sim/speculative/decode.hpp"

#include "sim/core/one_thread.hpp"
#include "sim/model/corpus.hpp"
#include "sim/model/shipped.hpp"
#include "sim/speculative/chi_square.hpp"
#include "sim/speculative/judge.hpp"

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"
#include "tests/speculative/table_model.hpp"

namespace nibble::decode_test {

using namespace nibble::testing;

namespace {

constexpr Index words = 4;

Matrix<float> random_table(std::uint64_t seed, double spread) {
    Matrix<float> logits(words, words);
    for (std::size_t i = 0; i < logits.values().size(); ++i) {
        logits.values()[i] = static_cast<float>(spread * Rng(seed).normal(i));
    }
    return logits;
}

/// A target and a draft that agree about as often as they do not.
const Matrix<float>& target_table() {
    static const Matrix<float> table = random_table(1, 1);
    return table;
}
const Matrix<float>& draft_table() {
    static const Matrix<float> table = random_table(5, 1);
    return table;
}

TableModel table_target() {
    return {target_table(), 64};
}

ModelDrafter table_drafter(const Sampling& sampling) {
    return {std::make_unique<TableModel>(draft_table(), 64), sampling};
}

SpeculationSettings three_tokens(const Sampling& sampling, Branching branching) {
    SpeculationSettings settings;
    settings.sampling = sampling;
    settings.branching = std::move(branching);
    settings.count = 6;  // more than are looked at: the end of the text does not shorten drafts
    return settings;
}

constexpr std::size_t triples = words * words * words;

/// How likely each of the first three tokens after `prompt` is, by the chain rule.
std::vector<double> exact_triples(std::int32_t prompt, const Sampling& sampling) {
    std::vector<Distribution> after;
    for (Index row = 0; row < words; ++row) {
        after.push_back(next_token({target_table().row(row), words}, sampling, "the target"));
    }
    std::vector<double> joint;
    for (std::size_t a = 0; a < words; ++a) {
        for (std::size_t b = 0; b < words; ++b) {
            for (std::size_t c = 0; c < words; ++c) {
                joint.push_back(after[static_cast<std::size_t>(prompt)][a] * after[a][b] *
                                after[b][c]);
            }
        }
    }
    return joint;
}

/// Counts of the first three tokens over `runs` texts with seeds of their own.
std::vector<std::int64_t> count_triples(std::size_t runs, const SpeculationSettings& settings) {
    std::vector<std::int64_t> counts(triples);
    const std::int32_t prompt = 2;
    for (std::size_t run = 0; run < runs; ++run) {
        SpeculationSettings own = settings;
        own.sampling.seed = run;
        TableModel target = table_target();
        ModelDrafter drafter = table_drafter(own.sampling);
        const auto three = [](const Speculation& so_far) { return so_far.tokens.size() < 3; };
        const Speculation text = speculate(target, drafter, std::span(&prompt, 1), own, three);
        const auto id = [&](std::size_t i) { return static_cast<std::size_t>(text.tokens[i].id); };
        ++counts[(id(0) * words + id(1)) * words + id(2)];
    }
    return counts;
}

ChiSquare tested(std::size_t runs, const Sampling& sampling, const Branching& branching,
                 SpeculationRule rule = SpeculationRule::exact) {
    SpeculationSettings settings = three_tokens(sampling, branching);
    settings.rule = rule;
    return chi_square_test(count_triples(runs, settings), exact_triples(2, sampling));
}

TokenIds ids_of(const Speculation& text) {
    TokenIds ids;
    for (const SpeculatedToken& t : text.tokens) {
        ids.push_back(t.id);
    }
    return ids;
}

}  // namespace

TEST_CASE("sampled text has the target's distribution", "[speculative][distribution]") {
    // Seeds 0 .. 199999: chi2 = 54.4 at 63 degrees of freedom, p = 0.77, the same in every run. A
    // rule that is wrong by a percent of a probability would be far below 0.001.
    const ChiSquare chain = tested(200000, {1.0}, chain_of(2));
    INFO("chi2 = " << chain.value << ", p = " << chain.p_value);
    CHECK(chain.degrees == triples - 1);
    CHECK(chain.p_value > 0.001);
}

TEST_CASE("the mistakes give another distribution", "[speculative][distribution]") {
    for (const SpeculationRule rule : {SpeculationRule::argmax_bonus, SpeculationRule::no_residual,
                                       SpeculationRule::bonus_after_rejection}) {
        const ChiSquare broken = tested(20000, {1.0}, chain_of(1), rule);
        INFO(name(rule) << ": chi2 = " << broken.value << ", p = " << broken.p_value);
        CHECK(broken.p_value < 1e-9);
    }
}

TEST_CASE("temperature, top_p, trees and adaptive chains keep the target's distribution",
          "[speculative][distribution]") {
    const std::size_t runs = 20000;
    const auto p_value = [&](const Sampling& sampling, const Branching& branching) {
        return tested(runs, sampling, branching).p_value;
    };
    CHECK(p_value({0.5}, chain_of(3)) > 0.001);
    CHECK(p_value({2.0, 0, 1, 0.8}, chain_of(3)) > 0.001);
    CHECK(p_value({1.0, 2}, chain_of(2)) > 0.001);
    CHECK(p_value({1.0}, {2, 2}) > 0.001);
    CHECK(p_value({1.0}, {3, 1, 2}) > 0.001);
    CHECK(p_value({1.5, 0, 1, 0.7}, {4, 2}) > 0.001);
    SpeculationSettings adaptive = three_tokens({1.0}, chain_of(1));
    adaptive.adaptive = true;
    CHECK(chi_square_test(count_triples(runs, adaptive), exact_triples(2, {1.0})).p_value > 0.001);
}

TEST_CASE("a tree with one child a level is a chain", "[speculative][tree]") {
    // Against the rule for chains, fed by hand with the same numbers.
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        SpeculationSettings settings = three_tokens({1.0, 0, seed}, {1, 1, 1});
        TableModel target = table_target();
        ModelDrafter drafter = table_drafter(settings.sampling);
        const std::int32_t prompt = 1;
        const auto once = [](const Speculation&) { return false; };
        const Speculation text = speculate(target, drafter, std::span(&prompt, 1), settings, once);

        Dice dice(seed);
        const auto after = [](const Matrix<float>& table, std::int32_t id) {
            return next_token({table.row(id), words}, {1.0}, "it");
        };
        TokenIds expected{draw(after(target_table(), prompt), dice.roll())};
        TokenIds drafts;
        std::vector<Distribution> q, p{after(target_table(), expected[0])};
        for (int i = 0; i < 3; ++i) {
            q.push_back(after(draft_table(), i == 0 ? expected[0] : drafts.back()));
            drafts.push_back(draw(q.back(), dice.roll()));
            p.push_back(after(target_table(), drafts.back()));
        }
        std::vector<double> uniform;
        for (int i = 0; i < 5; ++i) {
            uniform.push_back(dice.roll());
        }
        const ChainVerdict verdict = verify_chain(drafts, q, p, uniform);
        const DraftTree chain{drafts, {-1, 0, 1}, q};
        const Walk tree = judge_tree(chain, p, uniform, uniform[3]);
        CHECK(tree.tokens == verdict.tokens);
        CHECK(tree.corrected == verdict.corrected);
        // The kernel works on floats; none of these numbers is near enough to a border to tell.
        CHECK(judge_chain(chain, p, uniform, uniform[3]).tokens == verdict.tokens);
        expected.insert(expected.end(), verdict.tokens.begin(), verdict.tokens.end());
        CHECK(ids_of(text) == expected);
        CHECK(text.steps[0].accepted.size() == verdict.accepted);
    }
}

TEST_CASE("a tree takes a second candidate where the first fails", "[speculative][tree]") {
    // The draft's second choice is what the target says: a chain writes one token a step, a tree
    // of two branches two.
    Matrix<float> says(3, 3), guesses(3, 3);
    for (Index a = 0; a < 3; ++a) {
        says(a, 2) = 5;
        guesses(a, 1) = 5;
        guesses(a, 2) = 4;
    }
    const std::int32_t prompt = 0;
    const auto per_step = [&](const Branching& branching) {
        SpeculationSettings settings;
        settings.sampling.temperature = 0;
        settings.branching = branching;
        settings.count = 9;
        TableModel target(says, 64);
        ModelDrafter drafter(std::make_unique<TableModel>(guesses, 64), settings.sampling);
        const Speculation text = speculate(target, drafter, std::span(&prompt, 1), settings);
        CHECK(ids_of(text) == TokenIds(9, 2));
        return text.tokens_per_step();
    };
    CHECK(per_step({1}) == 1);
    CHECK(per_step({2}) == 2);
    CHECK(per_step({2, 2, 2}) == 4);
}

TEST_CASE("greedy text is the target's, token for token", "[speculative][greedy]") {
    const OneThread small_loops;
    const auto target_files = open_model("target"), draft_files = open_model("draft");
    const Model<float> target = target_files->load(), draft = draft_files->load();
    const Tokenizer& tokenizer = target_files->needed_tokenizer();
    const std::vector<Branching> shapes{chain_of(1), chain_of(4), chain_of(9), {2, 2, 1}};
    std::int64_t accepted = 0;
    for (std::uint64_t i = 0; i < 200; ++i) {
        const Domain domain = all_domains[i % all_domains.size()];
        const std::string text = make_document(7, Split::test, domain, i).text;
        TokenIds prompt{static_cast<std::int32_t>(target.config.bos)};
        const TokenIds rest = tokenizer.encode(text.substr(0, 20 + i % 60));
        prompt.insert(prompt.end(), rest.begin(), rest.end());
        SpeculationSettings settings;
        settings.sampling.temperature = 0;
        settings.count = 8;
        settings.eos = target.config.eos;
        settings.branching = shapes[i / all_domains.size() % shapes.size()];
        NetworkSequence alone(target), verifier(target);
        ModelDrafter drafter(std::make_unique<NetworkSequence>(draft), settings.sampling);
        NgramDrafter lookup(target.config.vocab);
        Drafter& source = i % 16 == 5 ? static_cast<Drafter&>(lookup) : drafter;
        const Speculation written = speculate(verifier, source, prompt, settings);
        CHECK(ids_of(written) == decode_plainly(alone, prompt, settings).tokens);
        for (const SpeculationStep& step : written.steps) {
            accepted += static_cast<std::int64_t>(step.accepted.size());
        }
    }
    CHECK(accepted > 200);  // the drafts were not idle
}

TEST_CASE("a model accepts all of its own drafts", "[speculative][greedy]") {
    const OneThread small_loops;
    const Model<float> model = open_model("draft")->load();
    const TokenIds prompt{static_cast<std::int32_t>(model.config.bos), 40, 41};
    for (const double temperature : {0.0, 1.0}) {
        SpeculationSettings settings;
        settings.sampling.temperature = temperature;
        settings.branching = chain_of(3);
        settings.count = 41;
        NetworkSequence target(model);
        ModelDrafter drafter(std::make_unique<NetworkSequence>(model), settings.sampling);
        const Speculation text = speculate(target, drafter, prompt, settings);
        CHECK(text.tokens.size() == 41);
        CHECK(text.tokens_per_step() == 4);
        CHECK(text.acceptance_rate() == 1);
    }
}

TEST_CASE("prompt lookup proposes what followed the last time", "[speculative][ngram]") {
    NgramDrafter lookup(10);
    Dice dice(1);
    const auto drafts = [&](const TokenIds& text, Index k) {
        return lookup.draft(text, chain_of(k), dice).ids;
    };
    CHECK(drafts({1, 2, 3, 4, 9, 1, 2, 3}, 3) == TokenIds{4, 9, 1});
    CHECK(drafts({1, 2, 3, 4, 9, 1, 2, 3}, 9) == TokenIds{4, 9, 1, 2, 3});  // no further
    CHECK(drafts({7, 3, 5, 8, 3, 6, 3}, 1) == TokenIds{6});                 // the latest place
    CHECK(drafts({2, 3, 5, 3, 6, 2, 3}, 1) == TokenIds{5});                 // the longest ending
    CHECK(drafts({1, 2, 3}, 3).empty());
    CHECK(drafts({1}, 3).empty());
    CHECK(drafts({1, 1}, 2) == TokenIds{1});
}

TEST_CASE("drafts grow after success and shrink after failure", "[speculative][adaptive]") {
    Matrix<float> same(3, 3), other(3, 3);
    for (Index a = 0; a < 3; ++a) {
        same(a, 2) = 5;
        other(a, 1) = 5;
    }
    const std::int32_t prompt = 0;
    const auto levels = [&](const Matrix<float>& guesses) {
        SpeculationSettings settings;
        settings.sampling.temperature = 0;
        settings.branching = chain_of(3);
        settings.adaptive = true;
        settings.most_drafts = 6;
        settings.count = 60;
        TableModel target(same, 100);
        ModelDrafter drafter(std::make_unique<TableModel>(guesses, 100), settings.sampling);
        const Speculation text = speculate(target, drafter, std::span(&prompt, 1), settings);
        std::vector<std::size_t> all;
        for (const SpeculationStep& step : text.steps) {
            all.push_back(step.levels);
        }
        all.resize(4);
        return all;
    };
    CHECK(levels(same) == std::vector<std::size_t>{3, 5, 6, 6});
    CHECK(levels(other) == std::vector<std::size_t>{3, 2, 1, 1});
}

TEST_CASE("text ends at the end token, the count and the last position", "[speculative]") {
    Matrix<float> counts_up(5, 5);
    for (Index a = 0; a < 5; ++a) {
        counts_up(a, (a + 1) % 5) = 9;
    }
    const std::int32_t prompt = 0;
    const auto written = [&](Index count, std::vector<Index> eos, Index positions) {
        SpeculationSettings settings;
        settings.sampling.temperature = 0;
        settings.branching = chain_of(4);
        settings.count = count;
        settings.eos = std::move(eos);
        TableModel target(counts_up, positions), alone(counts_up, positions);
        ModelDrafter drafter(std::make_unique<TableModel>(counts_up, positions), settings.sampling);
        const TokenIds ids = ids_of(speculate(target, drafter, std::span(&prompt, 1), settings));
        CHECK(ids == decode_plainly(alone, std::span(&prompt, 1), settings).tokens);
        CHECK(target.length() <= positions);
        return ids;
    };
    CHECK(written(7, {}, 64) == TokenIds{1, 2, 3, 4, 0, 1, 2});
    CHECK(written(7, {4}, 64) == TokenIds{1, 2, 3});
    CHECK(written(7, {1}, 64).empty());
    CHECK(written(1, {}, 64) == TokenIds{1});
    CHECK(written(20, {}, 6) == TokenIds{1, 2, 3, 4, 0, 1});  // the last is not read any more
}

TEST_CASE("acceptance is counted where drafts were judged", "[speculative]") {
    PositionCount none;
    CHECK(std::isnan(none.acceptance()));
    const Sampling sampling{1.0};
    SpeculationSettings settings = three_tokens(sampling, chain_of(3));
    settings.count = 60;
    TableModel target = table_target();
    ModelDrafter drafter = table_drafter(sampling);
    const std::int32_t prompt = 1;
    const Speculation text = speculate(target, drafter, std::span(&prompt, 1), settings);
    std::int64_t accepted = 0;
    for (std::size_t i = 0; i < text.positions.size(); ++i) {
        CHECK(text.positions[i].reached <= text.positions[i].drafted);
        if (i > 0) {
            CHECK(text.positions[i].reached <= text.positions[i - 1].accepted);
        }
        accepted += text.positions[i].accepted;
    }
    // Every step writes what it accepted and one more.
    CHECK(static_cast<std::int64_t>(text.tokens.size()) ==
          1 + accepted + static_cast<std::int64_t>(text.steps.size()));
    CHECK(target.text().size() == text.tokens.size());  // the prompt, and all but the last
}

TEST_CASE("speculations that cannot be are refused by name", "[speculative][error]") {
    const Sampling sampling{1.0};
    const TokenIds prompt{1};
    const auto refused = [&](const TokenIds& text, SpeculationSettings settings,
                             const Matrix<float>& target, const Matrix<float>& draft) {
        return error_of([&] {
            TableModel model(target, 16);
            ModelDrafter drafter(std::make_unique<TableModel>(draft, 16), settings.sampling);
            speculate(model, drafter, text, settings);
        });
    };
    const auto with = [&](Branching branching) { return three_tokens(sampling, branching); };
    const Matrix<float>&t = target_table(), &d = draft_table();
    CHECK(refused(prompt, with({1}), t, d).empty());
    CHECK(contains(refused({}, with({1}), t, d), "no tokens"));
    CHECK(contains(refused(TokenIds(16, 1), with({1}), t, d), "the prompt has 16 tokens"));
    CHECK(contains(refused(prompt, with(chain_of(16)), t, d),
                   "k = 16 drafts do not fit the model's 16 positions"));
    CHECK(contains(refused(prompt, with({2, 0}), t, d), "has 0 children"));
    SpeculationSettings adaptive = with({2, 1});
    adaptive.adaptive = true;
    CHECK(contains(refused(prompt, adaptive, t, d), "adaptive tree"));
    SpeculationSettings cold = with({1});
    cold.sampling.temperature = -1;
    CHECK(contains(refused(prompt, cold, t, d), "temperature = -1"));

    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    Matrix<float> sick = t;
    sick.values().assign(sick.values().size(), nan);
    CHECK(contains(refused(prompt, with({1}), sick, d), "the target gives token 0 the logit nan"));
    CHECK(contains(refused(prompt, with({1}), t, sick), "the draft gives token 0 the logit nan"));
    sick.values().assign(sick.values().size(), infinity);
    CHECK(contains(refused(prompt, with({1}), sick, d), "the logit inf"));
    sick.values().assign(sick.values().size(), -infinity);
    CHECK(contains(refused(prompt, with({1}), sick, d), "allows no token"));
    // A token that cannot come is no error, and does not come.
    Matrix<float> some = t;
    for (Index a = 0; a < words; ++a) {
        some(a, 3) = -infinity;
    }
    TableModel model(some, 64);
    ModelDrafter drafter = table_drafter(sampling);
    SpeculationSettings long_text = with(chain_of(3));
    long_text.count = 60;
    for (const std::int32_t id : ids_of(speculate(model, drafter, prompt, long_text))) {
        CHECK(id != 3);
    }
    // A token that the draft cannot have drawn.
    const DraftTree impossible{{0}, {-1}, {{0, 1}}};
    const std::vector<Distribution> p{{0.5, 0.5}, {0.5, 0.5}};
    for (const bool as_chain : {true, false}) {
        const std::string why = error_of([&] {
            as_chain ? judge_chain(impossible, p, std::vector{0.5}, 0.5)
                     : judge_tree(impossible, p, std::vector{0.5}, 0.5);
        });
        CHECK(contains(why, "probability 0"));
    }
    // A draft over another vocabulary.
    CHECK(contains(refused(prompt, with({1}), t, Matrix<float>(5, 5)),
                   "the draft knows 5 tokens, the target 4"));
}

}  // namespace nibble::decode_test
