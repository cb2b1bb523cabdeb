#include "sim/experiments/speculation/speculate_live/data.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "sim/core/utf8.hpp"

namespace nibble::speculate_live_lab {
namespace {

constexpr std::int64_t texts_a_domain = 4;
constexpr Index tokens_a_text = 32, preview_tokens = 12;
constexpr std::uint64_t documents_tried = 64;
constexpr std::size_t shortest_beginning = 40;  // bytes

/// Bytes that are part of a character only are shown as codes.
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

/// The beginning of a document that the models have not been trained on, up to a space.
std::string beginning(Domain domain, std::uint64_t seed, std::uint64_t index) {
    const std::string text = make_document(seed, Split::test, domain, index).text;
    const std::size_t space = text.find(' ', std::min(shortest_beginning, text.size() / 4));
    return text.substr(0, std::min(space, text.size() / 2));
}

/// The longest of the first documents, so that there is something left to write.
std::string shown_prompt(const Params& p, std::uint64_t seed) {
    if (!p.prompt.empty()) {
        return p.prompt;
    }
    std::uint64_t best = 0;
    std::size_t longest = 0;
    for (std::uint64_t i = 0; i < documents_tried; ++i) {
        const std::size_t size = make_document(seed, Split::test, p.text, i).text.size();
        if (size > longest) {
            longest = size;
            best = i;
        }
    }
    return beginning(p.text, seed, best);
}

SpeculationSettings settings_of(const Params& p, const ModelPair& pair, const RunContext& context) {
    SpeculationSettings settings = settings_for(pair);
    settings.sampling = {p.temperature, 0, context.seed, p.top_p};
    settings.adaptive = p.adaptive;
    settings.branching = p.tree.empty() || p.adaptive || p.draft == Draft::ngram
                             ? chain_of(p.k)
                             : parse_branching(p.tree);
    settings.stop = context.stop;
    return settings;
}

void show_text(const ModelPair& pair, TimedSpeculation timed, Data& data) {
    const Tokenizer& tokenizer = pair.tokenizer();
    data.speculation = std::move(timed.speculation);
    for (const SpeculatedToken& token : data.speculation.tokens) {
        data.pieces.push_back(readable(tokenizer.piece(token.id)));
    }
    for (const SpeculationStep& step : data.speculation.steps) {
        data.drafted.emplace_back();
        for (const std::int32_t id : step.tree.ids) {
            data.drafted.back().push_back(readable(tokenizer.piece(id)));
        }
    }
    data.same_tokens = timed.same_tokens;
}

void add_positions(std::vector<PositionCount>& all, const std::vector<PositionCount>& some) {
    all.resize(std::max(all.size(), some.size()));
    for (std::size_t i = 0; i < some.size(); ++i) {
        all[i].drafted += some[i].drafted;
        all[i].reached += some[i].reached;
        all[i].accepted += some[i].accepted;
    }
}

}  // namespace

void DomainCount::add(const TimedSpeculation& timed) {
    const Speculation& s = timed.speculation;
    for (const PositionCount& p : s.positions) {
        reached += p.reached;
        accepted += p.accepted;
    }
    tokens += std::max<std::int64_t>(0, static_cast<std::int64_t>(s.tokens.size()) - 1);
    steps += static_cast<std::int64_t>(s.steps.size());
    for (const SpeculationStep& step : s.steps) {
        draft_seconds += step.draft_seconds;
        target_seconds += step.target_seconds;
        rule_seconds += step.rule_seconds;
    }
    // Sampled texts may differ in length: the time that plain decoding takes for as many tokens.
    const double a_token = timed.plain_seconds_a_token();
    plain_seconds +=
        s.tokens.size() > 1 && a_token > 0 ? a_token * static_cast<double>(s.tokens.size() - 1) : 0;
}

double DomainCount::acceptance() const {
    return reached == 0 ? std::numeric_limits<double>::quiet_NaN()
                        : static_cast<double>(accepted) / static_cast<double>(reached);
}

double DomainCount::tokens_per_step() const {
    return steps == 0 ? std::numeric_limits<double>::quiet_NaN()
                      : static_cast<double>(tokens) / static_cast<double>(steps);
}

Data run(const Params& p, const RunContext& context) {
    const std::string target = p.target_model.empty() ? "target" : p.target_model;
    const std::string draft = p.draft == Draft::ngram ? std::string(ngram_draft)
                              : p.draft_model.empty() ? "draft"
                                                      : p.draft_model;
    const ModelPair pair = load_pair(target, draft, context);
    SpeculationSettings settings = settings_of(p, pair, context);
    Data data;
    data.target = pair.target->name;
    data.draft = pair.draft ? pair.draft->name : "prompt lookup";
    data.greedy = p.temperature == 0;
    data.is_preview = context.preview;
    data.prompt = shown_prompt(p, context.seed);
    settings.count = context.preview ? std::min<Index>(p.tokens, preview_tokens) : p.tokens;
    const TimedSpeculation timed =
        timed_speculation(pair, pair.prompt_ids(data.prompt), settings, context.preview ? 1 : 4);
    data.text.add(timed);
    show_text(pair, timed, data);
    if (context.preview) {
        return data;
    }
    context.publish(data);
    settings.count = tokens_a_text;
    for (std::int64_t i = 0; i < texts_a_domain; ++i) {
        for (std::size_t d = 0; d < all_domains.size(); ++d) {
            context.check();
            const TokenIds ids = pair.prompt_ids(
                beginning(all_domains[d], context.seed, static_cast<std::uint64_t>(i)));
            const TimedSpeculation text = timed_speculation(pair, ids, settings, 2);
            data.domains[d].add(text);
            add_positions(data.positions, text.speculation.positions);
        }
        data.texts_a_domain = i + 1;
        context.progress(static_cast<double>(i + 1) / static_cast<double>(texts_a_domain));
        context.publish(data);
    }
    return data;
}

std::size_t step_of(const Params& params, const Data& data) {
    return std::min(static_cast<std::size_t>(params.step), data.speculation.steps.size());
}

}  // namespace nibble::speculate_live_lab
