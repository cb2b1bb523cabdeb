// `nibble speculate`: a draft guesses, the target verifies, and both are timed against the target
// alone.
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/text.hpp"
#include "sim/speculative/model_pair.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/text.hpp"
#include "viz/cli/model_input.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

void add_speculate_flags(CommandLine& line) {
    line.add(text_flag("target",
                       "The model whose text it is: target (the default) or draft, or a "
                       "folder or .gguf file."),
             "Models", "NAME|PATH");
    line.add(text_flag("draft",
                       "The model that guesses, with the same tokenizer: draft (the "
                       "default), a path; or ngram, which looks up what followed before."),
             "Models", "NAME|PATH|ngram");
    line.add(text_flag("prompt", "What the text begins with."), "Text");
    line.add(whole_flag("count", 100, {1, 1e6}, "Tokens to write, at most"), "Text");
    line.add(real_flag("temperature", 0, {0, 100}, "0 takes the likeliest token"), "Text");
    line.add(real_flag("top_p", 1, {0.01, 1},
                       "Only the likeliest tokens that together reach this probability"),
             "Text");
    line.add(whole_flag("seed", 1, {0, 0x1p53}, "The same seed gives the same text"), "Text");
    line.add(whole_flag("k", 4, {1, 1e6}, "Tokens drafted for each pass of the target"), "Drafts");
    line.add(text_flag("tree",
                       "Instead of a chain of k: children of every drafted token, by level "
                       "(2,2,1 drafts ten tokens)."),
             "Drafts", "B,B,...");
    line.add(switch_flag("adaptive",
                         "Two drafts more after a step that accepts all, one less "
                         "after any other; starts with k."),
             "Drafts");
    line.add(whole_flag("repeats", 3, {1, 1000},
                        "Runs of each way; the fastest time of every step counts"),
             "Run");
    line.add(whole_flag("threads", 0, {0, 1024},
                        "Threads to compute with, 0 for one a core. The result does not change"),
             "Run");
    line.add(switch_flag("json", "As JSON, for programs."), "Output");
    line.footer("Examples",
                {"nibble speculate --prompt \"One morning,\" --k 4",
                 "nibble speculate --prompt \"def \" --draft ngram --json",
                 "nibble speculate --prompt \"One morning,\" --tree 2,2,1 --temperature 0.8"});
}

SpeculationSettings settings_from(const CommandLine& line, const ModelPair& pair) {
    SpeculationSettings settings = settings_for(pair);
    settings.sampling = {line.get<double>("temperature"), 0,
                         static_cast<std::uint64_t>(line.get<std::int64_t>("seed")),
                         line.get<double>("top_p")};
    settings.count = line.get<std::int64_t>("count");
    settings.adaptive = line.is_on("adaptive");
    const auto k = line.get<std::int64_t>("k");
    if (!line.given("tree")) {
        settings.branching = chain_of(k);
        return settings;
    }
    settings.branching = parse_branching(line.text("tree"));
    const auto levels = static_cast<std::int64_t>(settings.branching.size());
    if (line.given("k") && k != levels) {
        throw Error(Error::Code::bad_param,
                    fmt::format("the tree has {} levels, and k = {}", levels, k),
                    "leave out --k: a tree has its own depth");
    }
    if (!pair.draft && !is_chain(settings.branching)) {
        throw Error(Error::Code::unsupported, "a tree of looked-up tokens",
                    "--draft ngram proposes a single chain; leave out --tree");
    }
    return settings;
}

/// The text behind the prompt, decoded together with it so that spaces are where they belong.
std::string written_text(const TokenIds& prompt, const Speculation& s, const Tokenizer& tokenizer) {
    TokenIds ids = prompt;
    for (const SpeculatedToken& t : s.tokens) {
        ids.push_back(t.id);
    }
    return tokenizer.decode(ids).substr(tokenizer.decode(prompt).size());
}

Json number_or_null(double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json positions_json(const Speculation& s) {
    Json list = Json::array();
    for (std::size_t i = 0; i < s.positions.size(); ++i) {
        const PositionCount& p = s.positions[i];
        list.push_back({{"position", i + 1},
                        {"drafted", p.drafted},
                        {"reached", p.reached},
                        {"accepted", p.accepted},
                        {"acceptance", number_or_null(p.acceptance())}});
    }
    return list;
}

struct SpeculationTotals {
    std::size_t drafted = 0, accepted = 0;
    double draft = 0, target = 0, rule = 0;

    explicit SpeculationTotals(const Speculation& s) {
        for (const SpeculationStep& step : s.steps) {
            drafted += step.tree.size();
            accepted += step.accepted.size();
            draft += step.draft_seconds;
            target += step.target_seconds;
            rule += step.rule_seconds;
        }
    }
};

Json to_json(const TimedSpeculation& t, const Tokenizer& tokenizer) {
    const Speculation& s = t.speculation;
    const SpeculationTotals totals(s);
    Json tokens = Json::array();
    for (const SpeculatedToken& token : s.tokens) {
        tokens.push_back({{"id", token.id},
                          {"piece", valid_utf8(tokenizer.piece(token.id))},
                          {"written", name(token.how)},
                          {"step", token.step},
                          {"probability", token.probability}});
    }
    return {{"tokens", tokens},
            {"target_steps", s.steps.size()},
            {"drafted", totals.drafted},
            {"accepted", totals.accepted},
            {"acceptance_rate", number_or_null(s.acceptance_rate())},
            {"tokens_per_target_step", number_or_null(s.tokens_per_step())},
            {"acceptance_by_position", positions_json(s)},
            {"same_as_plain", t.same_tokens},
            {"time",
             {{"speculative_seconds", s.seconds()},
              {"draft_seconds", totals.draft},
              {"target_seconds", totals.target},
              {"rule_seconds", totals.rule},
              {"prompt_seconds", s.prompt_seconds},
              {"plain_seconds", t.plain.seconds()},
              {"speculative_seconds_per_token", number_or_null(t.speculative_seconds_a_token())},
              {"plain_seconds_per_token", number_or_null(t.plain_seconds_a_token())},
              {"speedup", number_or_null(t.speedup())}}}};
}

/// Runs of accepted tokens as they are; what the target put in place of a draft in brackets, what
/// it added in braces.
std::string marked(const Speculation& s, const Tokenizer& tokenizer) {
    std::string text;
    for (const SpeculatedToken& token : s.tokens) {
        const std::string piece = tokenizer.piece(token.id);
        switch (token.how) {
            case Written::accepted:
                text += piece;
                break;
            case Written::corrected:
                text += "[" + piece + "]";
                break;
            case Written::first:
            case Written::bonus:
                text += "{" + piece + "}";
        }
    }
    return text;
}

std::string milliseconds(double seconds) {
    return format_number(1e3 * seconds, 3) + " ms";
}

std::string summary(const TimedSpeculation& t, const SpeculationSettings& settings) {
    const Speculation& s = t.speculation;
    const SpeculationTotals totals(s);
    std::string text = fmt::format(
        "{} tokens in {} steps of the target, {} a step; drafts accepted: {} of {}, "
        "{} % of those judged\n",
        s.tokens.size(), s.steps.size(), format_number(s.tokens_per_step(), 3), totals.accepted,
        totals.drafted, format_number(100 * s.acceptance_rate(), 3));
    Columns table({Align::right, Align::right, Align::right, Align::right, Align::right}, 2);
    table.add({"position", "drafted", "reached", "accepted", "acceptance"});
    for (std::size_t i = 0; i < s.positions.size(); ++i) {
        const PositionCount& p = s.positions[i];
        table.add({fmt::to_string(i + 1), fmt::to_string(p.drafted), fmt::to_string(p.reached),
                   fmt::to_string(p.accepted),
                   p.reached == 0 ? "-" : format_number(100 * p.acceptance(), 3) + " %"});
    }
    text += table.text();
    if (s.tokens.size() > 1 && t.plain.tokens.size() > 1) {
        text += fmt::format(
            "Time a token, measured here: {} with drafts, {} without: {} x\n"
            "  in all: {} drafting, {} verifying, {} deciding; {} without drafts\n",
            milliseconds(t.speculative_seconds_a_token()), milliseconds(t.plain_seconds_a_token()),
            format_number(t.speedup(), 3), milliseconds(totals.draft), milliseconds(totals.target),
            milliseconds(totals.rule), milliseconds(t.plain.seconds()));
    }
    if (settings.sampling.temperature == 0) {
        text += fmt::format("Without drafts the target writes {} tokens\n",
                            t.same_tokens ? "the same" : "other");
    }
    return text;
}

}  // namespace

int speculate_command(const Words& words) {
    CommandLine line("speculate --target MODEL --draft MODEL --prompt TEXT [--flags]",
                     "A small model drafts, a large one verifies all drafts in one pass. The text "
                     "is what the large model writes alone: the same at temperature 0, the same in "
                     "distribution otherwise. Times of both, taken in turn in this run.");
    add_speculate_flags(line);
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    use_threads(line);
    const std::string target = line.given("target") ? line.text("target") : "target";
    const std::string draft = line.given("draft") ? line.text("draft") : "draft";
    const ModelPair pair = load_pair(target, draft, RunContext{});
    SpeculationSettings settings = settings_from(line, pair);
    const std::string prompt = line.text("prompt");
    const TokenIds ids = pair.prompt_ids(prompt);
    const TimedSpeculation timed = timed_speculation(
        pair, ids, settings, static_cast<int>(line.get<std::int64_t>("repeats")));
    if (line.is_on("json")) {
        Json all = {{"target", target},
                    {"draft", draft},
                    {"prompt", prompt},
                    {"text", valid_utf8(written_text(ids, timed.speculation, pair.tokenizer()))}};
        all.update(to_json(timed, pair.tokenizer()));
        print(all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
        return 0;
    }
    print(prompt + marked(timed.speculation, pair.tokenizer()) + "\n\n" +
          wrapped("Drafted and accepted as it stands; [in brackets] the target's correction of a "
                  "rejected draft; {in braces} a token the target added.",
                  page_width()) +
          summary(timed, settings));
    return 0;
}

}  // namespace nibble
