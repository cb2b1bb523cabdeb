// A debugger of block tables: logical blocks on the left, physical ones on the right, an arrow for
// each entry, one operation a step (Kwon et al. 2023, section 4).
#include <algorithm>
#include <fmt/format.h>

#include "sim/core/experiment.hpp"
#include "sim/core/text.hpp"
#include "sim/kvcache/block_story.hpp"

namespace nibble::block_table_lab {
namespace {

using Kind = CacheEvent::Kind;

struct Params {
    StoryKind story = StoryKind::parallel_sampling;
    int block_size = 4, sequences = 3, blocks = 0;
    Preemption preemption = Preemption::recompute;
    int step = 5;
    int block = -1;
};

struct Data {
    StorySettings settings;
    std::vector<StoryStep> steps;
};

/// The step looked at, counted from 1 as people do, and the block that was clicked.
struct Look {
    int number = 1;
    int block = -1;
    const StoryStep& of(const Data& d) const {
        return d.steps[static_cast<std::size_t>(number - 1)];
    }
};

Data run(const Params& p, const RunContext& context) {
    context.check();
    Data d;
    d.settings = {p.story, p.block_size, p.blocks, p.sequences, p.preemption};
    d.steps = tell(d.settings);
    return d;
}

constexpr Role shared_role = Role::category7;

Role role_of(int sequence) {
    return category(sequence % 7);  // the eighth is for shared blocks
}

std::vector<std::string> padded(std::vector<std::string> words, int slots) {
    words.resize(static_cast<std::size_t>(slots));
    return words;
}

std::vector<std::string> slice(const std::vector<std::string>& words, std::size_t block, int size) {
    const auto first = std::min(words.size(), block * static_cast<std::size_t>(size));
    const auto from = words.begin() + static_cast<std::ptrdiff_t>(first);
    const auto count = std::min<std::ptrdiff_t>(size, words.end() - from);
    return padded({from, from + count}, size);
}

bool is_touched(const StoryStep& step, int block) {
    return std::any_of(step.events.begin(), step.events.end(), [block](const CacheEvent& e) {
        return e.block == block && e.kind != Kind::dropped && e.kind != Kind::swapped_out;
    });
}

std::string users_of(const StoryStep& step, int block) {
    std::string names;
    for (const StoryStep::Sequence& s : step.sequences) {
        if (!s.on_host &&
            std::find(s.block_table.begin(), s.block_table.end(), block) != s.block_table.end()) {
            names += (names.empty() ? "" : " and ") + sequence_name(s.id);
        }
    }
    return names;
}

Links::Box physical_box(const StoryStep& step, int number, const Look& look, int size) {
    const StoryStep::Block& block = step.blocks[static_cast<std::size_t>(number)];
    Links::Box box;
    box.name = fmt::format("block {}", number);
    const bool shows_words = block.ref_count > 0 || block.keeps_prefix;
    box.slots = padded(shows_words ? block.words : std::vector<std::string>{}, size);
    box.note = block.ref_count == 0   ? (block.keeps_prefix ? "free, still known" : "free")
               : block.ref_count == 1 ? "1 user"
                                      : fmt::format("{} users", block.ref_count);
    box.label = fmt::format("block {}: {}{}", number, box.note,
                            block.ref_count > 0 ? ", " + users_of(step, number) : "");
    box.strong = is_touched(step, number) || number == look.block;
    if (block.ref_count > 1) {
        box.role = shared_role;
    } else if (block.ref_count == 1) {
        for (const StoryStep::Sequence& s : step.sequences) {
            const auto& t = s.block_table;
            if (!s.on_host && std::find(t.begin(), t.end(), number) != t.end()) {
                box.role = role_of(s.id);
            }
        }
    }
    return box;
}

/// A sequence's logical blocks and their arrows; one box for a sequence that waits.
void add_sequence(const StoryStep::Sequence& s, const StoryStep& step, int size, Links& links) {
    const std::string name = sequence_name(s.id);
    if (s.waits) {
        const std::size_t blocks =
            (s.words.size() + static_cast<std::size_t>(size) - 1) / static_cast<std::size_t>(size);
        for (std::size_t k = 0; k < blocks; ++k) {
            links.left.push_back({Role::muted, slice(s.words, k, size),
                                  fmt::format("{} {}", name, k), k == 0 ? "waits" : "",
                                  s.on_host ? fmt::format("host block {}", s.block_table[k])
                                            : "to be computed again",
                                  false, k == 0});
        }
        return;
    }
    for (std::size_t k = 0; k < s.block_table.size(); ++k) {
        const int block = s.block_table[k];
        const bool touched =
            is_touched(step, block) && !step.events.empty() && step.events.front().sequence == s.id;
        links.arrows.push_back(
            {static_cast<int>(links.left.size()), block, role_of(s.id), touched});
        links.left.push_back(
            {role_of(s.id), slice(s.words, k, size), fmt::format("{} {}", name, k), "",
             fmt::format("logical block {} of {} lies in physical block {}", k, name, block),
             touched, k == 0});
    }
}

std::string events_text(const StoryStep& step) {
    std::string text;
    for (const CacheEvent& e : step.events) {
        if (e.kind == Kind::stored && step.events.size() > 1) {
            continue;  // the sentence says it
        }
        text +=
            (text.empty() ? "" : "; ") + describe(e, sequence_name(static_cast<int>(e.sequence)));
    }
    return text;
}

Figure tables_figure(const Data& d, const Look& look) {
    const StoryStep& step = look.of(d);
    Figure f;
    f.id = "block-tables";
    f.title = step.what;
    f.title_role = Role::subject;
    f.alt_text =
        "Left, the logical blocks of each sequence with their words; right, the physical blocks "
        "with their users; arrows are the entries of the block tables.";
    f.x.hidden = f.y.hidden = true;
    Links links;
    links.left_heading = "logical blocks, in order";
    links.right_heading = "physical blocks, anywhere";
    for (const StoryStep::Sequence& s : step.sequences) {
        add_sequence(s, step, d.settings.block_size, links);
    }
    for (int block = 0; block < static_cast<int>(step.blocks.size()); ++block) {
        links.right.push_back(physical_box(step, block, look, d.settings.block_size));
        links.pick.values.emplace_back(std::int64_t{block == look.block ? -1 : block});
    }
    links.pick.param = "block";
    f.marks.emplace_back(std::move(links));
    f.footnote = events_text(step);
    return f;
}

Figure usage_figure(const Data& d, const Look& look) {
    Figure f;
    f.id = "blocks-in-use";
    f.alt_text = "Entries of all block tables and physical blocks in use against the step.";
    f.x = {.label = "step"};
    f.y = {.label = "blocks"};
    Line entries{"without sharing", Role::baseline, {}, {}, false, true};
    Line used{"in use", Role::subject, {}, {}, false, true};
    double most = 0;
    const auto add = [&](Line& line, std::size_t k, double y) {
        if (line.y.empty() || line.y.back() != y || k + 1 == d.steps.size()) {  // it is held
            line.x.push_back(static_cast<double>(k + 1));
            line.y.push_back(y);
        }
        most = std::max(most, y);
    };
    for (std::size_t k = 0; k < d.steps.size(); ++k) {
        add(entries, k, d.steps[k].logical_blocks());
        add(used, k, d.steps[k].used_blocks());
    }
    f.y.limits = std::pair(0.0, std::max(1.0, most * 1.15));
    const auto capacity = static_cast<double>(d.steps.front().blocks.size());
    const bool ever_shares = entries.y != used.y || entries.x != used.x;
    f.title = ever_shares ? "Blocks in use, and as many as without sharing" : "Blocks in use";
    if (ever_shares) {
        f.marks.emplace_back(std::move(entries));
    }
    f.marks.emplace_back(std::move(used));
    if (capacity <= most * 1.15) {
        f.marks.emplace_back(Rule{"all blocks", Role::limit, false, capacity});
    }
    Handle now;
    now.label = fmt::format("step {}", look.number);
    now.role = Role::muted;
    now.x = look.number;
    now.x_param = "step";
    f.marks.emplace_back(std::move(now));
    return f;
}

/// The step with the most table entries: where sharing matters most.
const StoryStep& peak(const Data& d) {
    return *std::max_element(
        d.steps.begin(), d.steps.end(), [](const StoryStep& a, const StoryStep& b) {
            return std::pair(a.logical_blocks() - a.used_blocks(), a.logical_blocks()) <
                   std::pair(b.logical_blocks() - b.used_blocks(), b.logical_blocks());
        });
}

std::string plural(int n, const char* one) {
    return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s");
}

std::string finding(const Data& d) {
    const StoryStep& last = d.steps.back();
    const StoryStep& most = peak(d);
    const int shared = most.logical_blocks() - most.used_blocks();
    switch (d.settings.kind) {
        case StoryKind::memory_short:
            return last.preemptions == 0
                       ? "Memory is not short here: nobody has to give way"
                       : fmt::format("Memory is short {}: the request that came last gives way",
                                     last.preemptions == 1
                                         ? "once"
                                         : fmt::format("{} times", last.preemptions));
        case StoryKind::shared_prompt:
            return fmt::format("{} of prompts were in the cache already and are not computed again",
                               plural(last.reused_tokens, "word"));
        case StoryKind::parallel_sampling:
        case StoryKind::beam_search:
            break;
    }
    return shared == 0
               ? "A single sequence has nobody to share with"
               : fmt::format("At best {} lie in {}; only what differs is copied, {}",
                             plural(most.logical_blocks(), "logical block"),
                             plural(most.used_blocks(), "physical one"),
                             last.copies == 1 ? "once" : fmt::format("{} times", last.copies));
}

std::string explanation(const Data& d, const Look& look) {
    const StoryStep& step = look.of(d);
    const StoryStep& last = d.steps.back();
    const int entries = step.logical_blocks(), used = step.used_blocks();
    std::string text =
        fmt::format("Step {} of {}: {} {} to {} of {}", look.number, d.steps.size(), entries,
                    entries == 1 ? "table entry points" : "table entries point", used,
                    plural(static_cast<int>(step.blocks.size()), "block"));
    if (entries > used) {
        text += fmt::format(", {} % less than without sharing",
                            format_number(100.0 * (entries - used) / entries));
    }
    text += ".";
    if (d.settings.kind == StoryKind::memory_short && last.preemptions > 0) {
        text += d.settings.preemption == Preemption::swap
                    ? fmt::format(" In the end {} went to the host and back.",
                                  plural(last.swapped_blocks, "block move"))
                    : fmt::format(" In the end {} had to be computed again.",
                                  plural(last.recomputed_tokens, "word"));
    }
    return text;
}

std::vector<Metric> metrics(const Data& d, const Look& look) {
    const StoryStep& step = look.of(d);
    const StoryStep& last = d.steps.back();
    const auto count = [](const char* name, const char* label, double n, Better better) {
        return Metric{name, label, n, "", {}, better, NumberStyle::plain, 6};
    };
    const int entries = step.logical_blocks(), used = step.used_blocks();
    Metric saved{"saved_share",
                 "Saved by sharing",
                 entries == 0 ? 0 : 1 - static_cast<double>(used) / entries,
                 "",
                 {},
                 Better::higher,
                 NumberStyle::percent,
                 3};
    return {count("used_blocks", "Blocks in use", used, Better::lower),
            count("table_entries", "Table entries", entries, Better::neither),
            saved,
            count("copies", "Copies so far", step.copies, Better::lower),
            count("preemptions", "Preemptions so far", step.preemptions, Better::lower),
            count("free_blocks", "Free blocks", static_cast<double>(step.blocks.size()) - used,
                  Better::neither),
            count("reused_tokens", "Words found in the cache, in all", last.reused_tokens,
                  Better::higher),
            count("recomputed_tokens", "Words computed again, in all", last.recomputed_tokens,
                  Better::lower),
            count("swapped_blocks", "Blocks moved to the host or back, in all", last.swapped_blocks,
                  Better::lower)};
}

std::vector<Table> tables(const Data& d, const Look& look) {
    const StoryStep& step = look.of(d);
    Table entries{"block_table",
                  {{"sequence"}, {"logical_block"}, {"physical_block"}, {"filled"}, {"ref_count"}},
                  {}};
    for (const StoryStep::Sequence& s : step.sequences) {
        for (std::size_t k = 0; k < s.block_table.size() && !s.on_host; ++k) {
            const auto filled = std::min<std::int64_t>(
                d.settings.block_size, static_cast<std::int64_t>(s.words.size()) -
                                           static_cast<std::int64_t>(k) * d.settings.block_size);
            const int block = s.block_table[k];
            entries.rows.push_back(
                {sequence_name(s.id), static_cast<std::int64_t>(k), std::int64_t{block}, filled,
                 std::int64_t{step.blocks[static_cast<std::size_t>(block)].ref_count}});
        }
    }
    Table log{"events", {{"step"}, {"what"}}, {}};
    for (std::size_t k = 0; k < d.steps.size(); ++k) {
        for (const CacheEvent& e : d.steps[k].events) {
            log.rows.push_back({static_cast<std::int64_t>(k + 1),
                                describe(e, sequence_name(static_cast<int>(e.sequence)))});
        }
    }
    return {std::move(entries), std::move(log)};
}

Timeline timeline(const Data& d) {
    Timeline t;
    t.param = "step";
    t.first = 1;
    t.last = static_cast<std::int64_t>(d.steps.size());
    t.steps_a_second = 1;  // there is a sentence to read
    for (std::size_t k = 0; k < d.steps.size(); ++k) {
        const bool preempts = k > 0 && d.steps[k].preemptions > d.steps[k - 1].preemptions;
        if (d.steps[k].has(Kind::copied) || preempts) {
            t.marks.push_back({static_cast<std::int64_t>(k + 1), d.steps[k].what});
        }
    }
    t.marks_meaning = t.marks.empty() ? "" : "copies and preemptions";
    return t;
}

Outcome show(const Params& p, const Data& d) {
    const Look look{std::clamp(p.step, 1, static_cast<int>(d.steps.size())), p.block};
    Outcome o;
    o.finding = finding(d);
    o.explanation = explanation(d, look);
    o.rows = {{2.4, {tables_figure(d, look)}}, {1, {usage_figure(d, look)}}};
    o.metrics = metrics(d, look);
    o.tables = tables(d, look);
    o.equations = {{"slot of token t = block_table[⌊t / B⌋] · B + t mod B",
                    fmt::format("B = {}", d.settings.block_size), "the only translation there is"}};
    o.timeline = timeline(d);
    return o;
}

Schema<Params> schema() {
    return {
        choice("story", &Params::story,
               {{"parallel_sampling", "samples of one prompt"},
                {"beam_search", "beams"},
                {"shared_prompt", "a prompt in common"},
                {"memory_short", "memory runs short"}})
            .help("The story that is told: who shares, who copies, who has to give way."),
        integer("block_size", &Params::block_size, {1, 8})
            .unit("words")
            .help("Larger blocks: shorter tables, and more copied when a shared one is written."),
        integer("sequences", &Params::sequences, {1, 4})
            .help("Samples, beams or requests: each has a table of its own."),
        choice("preemption", &Params::preemption,
               {{"recompute", "compute again"}, {"swap", "move to the host"}})
            .label("Who gives way")
            .help("What becomes of the blocks of a request that has to wait.")
            .when([](const Params& p) { return p.story == StoryKind::memory_short; }),
        integer("blocks", &Params::blocks, {0, 64})
            .label("Physical blocks")
            .help("How many there are; 0 takes what the story is about: one to spare, or too few.")
            .advanced(),
        integer("step", &Params::step, {1, 1000, Scale::linear, {{1, 60}}})
            .help("How far the story is told: one operation a step.")
            .view(),
        integer("block", &Params::block, {-1, 63})
            .help("Outlines this physical block; -1 outlines only what the step touches.")
            .view()
            .advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "block-table", "KV cache", "Block table",
        "How do tables of blocks let sequences share memory, and when must a block be copied?",
        schema(), run, show);
}

}  // namespace nibble::block_table_lab
