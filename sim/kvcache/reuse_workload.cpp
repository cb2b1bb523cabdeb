#include "sim/kvcache/reuse_workload.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "sim/core/error.hpp"
#include "sim/core/text.hpp"

namespace nibble {
namespace {

/// Builds a workload group by group, then mixes the groups.
class Maker {
public:
    Maker(std::string name, const Rng& rng) : rng_(rng) { made_.name = std::move(name); }

    /// A new segment of `count` tokens.
    std::vector<CachedToken> segment(std::string name, std::int64_t count) {
        const CachedToken id = made_.segments.size();
        made_.segments.push_back(std::move(name));
        std::vector<CachedToken> tokens;
        for (std::int64_t i = 0; i < count; ++i) {
            tokens.push_back((id << ReuseWorkload::position_bits) | static_cast<CachedToken>(i));
        }
        return tokens;
    }
    /// One whose length is drawn from [least, most].
    std::vector<CachedToken> drawn(std::string name, int least, int most) {
        return segment(std::move(name), least + draw(most - least + 1));
    }
    int draw(int below) {
        return static_cast<int>(rng_.below(drawn_++, static_cast<std::uint64_t>(below)));
    }

    /// Adds prompt + output to a group; `after` counts within the group. Returns its number there.
    int add(std::size_t group, std::string name, const std::vector<CachedToken>& prompt,
            const std::vector<CachedToken>& output, int after = -1) {
        groups_.resize(std::max(groups_.size(), group + 1));
        ReuseRequest r{prompt, static_cast<std::int64_t>(prompt.size()), after, std::move(name)};
        r.tokens.insert(r.tokens.end(), output.begin(), output.end());
        groups_[group].push_back(std::move(r));
        return static_cast<int>(groups_[group].size()) - 1;
    }

    /// The next request is the next one of a random group that has any left.
    ReuseWorkload mixed() {
        std::vector<std::vector<int>> place(groups_.size());  // (group, request) -> arrival
        std::vector<std::size_t> left;
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            left.push_back(g);
        }
        while (!left.empty()) {
            const auto at = left.begin() + draw(static_cast<int>(left.size()));
            const std::size_t g = *at;
            ReuseRequest r = std::move(groups_[g][place[g].size()]);
            r.after = r.after < 0 ? -1 : place[g][static_cast<std::size_t>(r.after)];
            place[g].push_back(static_cast<int>(made_.requests.size()));
            made_.requests.push_back(std::move(r));
            if (place[g].size() == groups_[g].size()) {
                left.erase(at);
            }
        }
        return std::move(made_);
    }

private:
    ReuseWorkload made_;
    std::vector<std::vector<ReuseRequest>> groups_;
    Rng rng_;
    std::uint64_t drawn_ = 0;
};

void append(std::vector<CachedToken>& to, const std::vector<CachedToken>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

ReuseWorkload chat(const ReuseShape& shape, const Rng& rng) {
    Maker make("chat", rng);
    const auto system = make.segment("system", shape.shared_tokens);
    for (int c = 0; c < shape.groups; ++c) {
        std::vector<CachedToken> so_far = system;
        int before = -1;
        for (int t = 0; t < shape.rounds; ++t) {
            append(so_far, make.drawn(fmt::format("Q{}.{}", c + 1, t + 1), 15, 60));
            const auto answer = make.drawn(fmt::format("A{}.{}", c + 1, t + 1), 30, 140);
            before =
                make.add(static_cast<std::size_t>(c), fmt::format("chat {}, turn {}", c + 1, t + 1),
                         so_far, answer, before);
            append(so_far, answer);
        }
    }
    return make.mixed();
}

ReuseWorkload few_shot(const ReuseShape& shape, const Rng& rng) {
    Maker make("few-shot", rng);
    const auto instruction = make.segment("instruction", 24);
    for (int t = 0; t < shape.groups; ++t) {
        std::vector<CachedToken> start = instruction;
        append(start, make.drawn(fmt::format("examples {}", t + 1), shape.shared_tokens * 3 / 4,
                                 shape.shared_tokens * 5 / 4));
        for (int q = 0; q < shape.rounds; ++q) {
            std::vector<CachedToken> prompt = start;
            append(prompt, make.drawn(fmt::format("Q{}.{}", t + 1, q + 1), 12, 48));
            make.add(static_cast<std::size_t>(t), fmt::format("task {}, question {}", t + 1, q + 1),
                     prompt, make.drawn(fmt::format("A{}.{}", t + 1, q + 1), 4, 16));
        }
    }
    return make.mixed();
}

ReuseWorkload tree_of_thought(const ReuseShape& shape, const Rng& rng) {
    constexpr int thoughts = 3;      // tried from each state
    constexpr std::size_t kept = 2;  // states of a level that go on
    struct State {
        std::vector<CachedToken> tokens;
        std::string name;
        int request;
    };
    Maker make("tree of thought", rng);
    for (int p = 0; p < shape.groups; ++p) {
        const std::string problem = fmt::format("P{}", p + 1);
        std::vector<State> level = {{make.segment(problem, shape.shared_tokens), problem, -1}};
        for (int depth = 0; depth < shape.rounds; ++depth) {
            std::vector<State> next;
            for (const State& from : level) {
                for (int k = 0; k < thoughts; ++k) {
                    const std::string name = fmt::format("{}.{}", from.name, k + 1);
                    const auto thought = make.drawn(name, 25, 75);
                    State to = {from.tokens, name, -1};
                    append(to.tokens, thought);
                    to.request = make.add(static_cast<std::size_t>(p), "thought " + name,
                                          from.tokens, thought, from.request);
                    next.push_back(std::move(to));
                }
            }
            while (next.size() > kept) {
                next.erase(next.begin() + make.draw(static_cast<int>(next.size())));
            }
            level = std::move(next);
        }
    }
    return make.mixed();
}

ReuseWorkload unrelated(const ReuseShape& shape, const Rng& rng) {
    Maker make("unrelated requests", rng);
    for (int g = 0; g < shape.groups; ++g) {
        for (int r = 0; r < shape.rounds; ++r) {
            const std::string name = fmt::format("{}.{}", g + 1, r + 1);
            const auto prompt =
                make.drawn("Q" + name, shape.shared_tokens, shape.shared_tokens + 60);
            make.add(static_cast<std::size_t>(g), "request " + name, prompt,
                     make.drawn("A" + name, 30, 140));
        }
    }
    return make.mixed();
}

}  // namespace

std::string ReuseWorkload::describe(const std::vector<CachedToken>& tokens) const {
    std::vector<std::string> names;
    for (const CachedToken token : tokens) {
        const std::string& segment = segment_of(token);
        if (names.empty() || names.back() != segment) {
            names.push_back(segment);
        }
    }
    if (names.empty()) {
        return "";
    }
    const std::string &first = names.front(), &last = names.back();
    if (names.size() == 1) {
        return first;
    }
    if (first.front() == 'Q' && last.front() == 'A') {  // questions with their answers
        const std::string from = first.substr(1), to = last.substr(1);
        return from == to ? "QA " + from : fmt::format("QA {} … {}", from, to);
    }
    return names.size() == 2 ? first + " " + last : first + " … " + last;
}

ReuseWorkload make_workload(const ReuseShape& shape, const Rng& rng) {
    switch (shape.kind) {
        case ReuseKind::chat:
            return chat(shape, rng);
        case ReuseKind::few_shot:
            return few_shot(shape, rng);
        case ReuseKind::tree_of_thought:
            return tree_of_thought(shape, rng);
        case ReuseKind::unrelated:
            return unrelated(shape, rng);
    }
    broken_invariant("kind", "a workload of no kind", __FILE__, __LINE__);
}

ReuseWorkload workload_of(const RequestTrace& trace) {
    std::int64_t total = 0;
    for (const Request& r : trace.requests) {
        total += r.tokens();
    }
    if (total > most_workload_tokens) {
        throw Error(
            Error::Code::unsupported,
            fmt::format("{} has {} tokens in all, and every one is looked at", trace.name, total),
            fmt::format("cut it to {} tokens", most_workload_tokens));
    }
    ReuseWorkload w;
    w.name = trace.name;
    std::map<std::int64_t, CachedToken> prefixes;  // prefix_id -> segment
    for (const Request& r : trace.requests) {
        const auto add_run = [](std::vector<CachedToken>& to, CachedToken segment,
                                std::int64_t from, std::int64_t count) {
            for (std::int64_t i = from; i < from + count; ++i) {
                to.push_back((segment << ReuseWorkload::position_bits) |
                             static_cast<CachedToken>(i));
            }
        };
        ReuseRequest request;
        request.prompt = r.prompt;
        request.line = trace.line_of(r);
        request.name = fmt::format("line {}", request.line);
        if (r.prefix_len > 0) {
            const auto [place, is_new] = prefixes.try_emplace(r.prefix_id, w.segments.size());
            if (is_new) {
                w.segments.push_back(fmt::format("prefix {}", r.prefix_id));
            }
            add_run(request.tokens, place->second, 0, r.prefix_len);
        }
        add_run(request.tokens, w.segments.size(), r.prefix_len, r.tokens() - r.prefix_len);
        w.segments.push_back(request.name);
        w.requests.push_back(std::move(request));
    }
    return w;
}

}  // namespace nibble
