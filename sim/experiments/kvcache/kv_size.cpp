// How many bytes keys and values take:
//
//   2 · layers · kv_heads · head_dim · bits / 8   for each token of each user
//
// against the context, the users, and what makes it less: fewer heads, fewer bits, a window, a
// latent vector. Worked examples stand beside it; clicking one sets it up.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/experiment.hpp"
#include "sim/core/text.hpp"
#include "sim/roofline/memory.hpp"
#include "sim/roofline/setting.hpp"

namespace nibble::kv_size_lab {
namespace {

enum class Example {
    own,
    layer_token,
    token,
    context_2048,
    users_100,
    users_16,
    layer_block,
    grouped_token,
    grouped_4096,
    grouped_32768,
    grouped_int4,
};

struct Params : Setting {
    Example example = Example::own;
    int layers = 0, kv_heads = 0, head_dim = 0, block_size = 16;

    Params() { batch = 16; }
};

/// A model, and how much of what it keeps.
struct Kept {
    ModelShape model;
    Precision precision;
    std::int64_t context = 1, users = 1;

    Bytes per_token() const { return kv_bytes_per_token(model, precision, 1); }
    Bytes per_user() const { return kv_bytes(model, precision, 1, context); }
    Bytes total() const { return static_cast<double>(users) * per_user(); }
};

struct Worked {
    Example example;
    const char *name, *label;
    std::int64_t layers, kv_heads, context, users;
    double bits;
};

/// Heads of 128 elements throughout; the first six are Llama 2 7B, the others Llama 2 70B.
constexpr Worked worked[] = {
    {Example::layer_token, "layer_token", "1 token, 1 layer of 32 heads", 1, 32, 1, 1, 16},
    {Example::token, "token", "1 token, 32 layers of 32 heads", 32, 32, 1, 1, 16},
    {Example::context_2048, "context_2048", "2048 tokens, 32 layers of 32", 32, 32, 2048, 1, 16},
    {Example::users_100, "users_100", "100 users of 2048 tokens", 32, 32, 2048, 100, 16},
    {Example::users_16, "users_16", "16 users of 4096 tokens", 32, 32, 4096, 16, 16},
    {Example::layer_block, "layer_block", "1 block of 16 tokens, 1 layer", 1, 32, 16, 1, 16},
    {Example::grouped_token, "grouped_token", "1 token, 80 layers of 8 heads", 80, 8, 1, 1, 16},
    {Example::grouped_4096, "grouped_4096", "4096 tokens, 80 layers of 8", 80, 8, 4096, 1, 16},
    {Example::grouped_32768, "grouped_32768", "32768 tokens, 80 layers of 8", 80, 8, 32768, 1, 16},
    {Example::grouped_int4, "grouped_int4", "32768 tokens, the same in INT4", 80, 8, 32768, 1, 4},
};

Kept kept_of(const Worked& w) {
    ModelShape model = model_named(w.kv_heads == 8 ? "llama-2-70b" : "llama-2-7b");
    model.layers = w.layers;
    model.kv_heads = w.kv_heads;
    Kept kept{std::move(model), {}, w.context, w.users};
    kept.precision.kv_bits = w.bits;
    return kept;
}

struct Data {
    Kept own;
    std::optional<Worked> example;
    int block_size = 16;
    Bytes weights;
};

/// The model with the layers and heads that the reader asks for.
ModelShape model_of(const Params& p) {
    ModelShape model = model_named(p.model);
    if (model.latent && (p.kv_heads > 0 || p.head_dim > 0)) {
        throw Error(Error::Code::bad_param,
                    fmt::format("kv_heads = {}, head_dim = {}: {} keeps one latent vector a token, "
                                "not heads",
                                p.kv_heads, p.head_dim, model.name),
                    "take 0 for both, or another model");
    }
    model.layers = p.layers > 0 ? p.layers : model.layers;
    model.kv_heads = p.kv_heads > 0 ? p.kv_heads : model.kv_heads;
    model.head_dim = p.head_dim > 0 ? p.head_dim : model.head_dim;
    return model;
}

Data run(const Params& p, const RunContext& context) {
    context.check();
    Data d;
    d.block_size = p.block_size;
    if (p.example == Example::own) {
        d.own = {model_of(p), p.precision(), p.context, p.batch};
    } else {
        d.example = worked[static_cast<std::size_t>(p.example) - 1];
        d.own = kept_of(*d.example);
    }
    const Params plain;  // the weights stay in 16 bits: they are what the cache is held against
    d.weights =
        weight_bytes(model_named(d.example ? d.own.model.id : p.model), plain.precision(), 1)
            .total();
    return d;
}

std::string gb(Bytes bytes) {
    return format_si(bytes.value, 4) + "B";
}

/// The same cache with one thing changed.
struct Variant {
    std::string name;
    Role role;
    Kept kept;
    bool has_line = false;  // against context and users; a few of them, or nobody can tell
};

/// Those that take fewer bytes than the reader's own, which comes first.
std::vector<Variant> variants(const Data& d) {
    std::vector<Variant> list = {{"as it is", Role::subject, d.own, true}};
    const auto add = [&](std::string name, std::int64_t heads, double bits, bool has_line) {
        Kept kept = d.own;
        kept.model.kv_heads = std::min(heads, kept.model.kv_heads);
        kept.precision.kv_bits = std::min(bits, kept.precision.kv_bits);
        if (kept.total() < d.own.total()) {
            list.push_back({std::move(name), category(static_cast<int>(list.size())),
                            std::move(kept), has_line});
        }
    };
    const bool has_heads = !d.own.model.latent;
    const std::int64_t all = d.own.model.kv_heads;
    const double wide = d.own.precision.kv_bits;
    add("8 bits", all, 8, false);
    add("4 bits", all, 4, !has_heads || all <= 8);
    if (has_heads && all > 8) {
        add("8 KV heads", 8, wide, true);
        add("8 KV heads in 4 bits", 8, 4, true);
    }
    if (has_heads) {
        add("1 KV head", 1, wide, false);
    }
    return list;
}

/// Bytes of all users against one of the two counts.
Figure curve_figure(const Data& d, bool by_users) {
    Figure f;
    f.id = by_users ? "by-users" : "by-context";
    f.title = by_users ? fmt::format("Against users of {} tokens", d.own.context)
                       : fmt::format("Against the context of {} {}", d.own.users,
                                     d.own.users == 1 ? "user" : "users");
    f.alt_text =
        "Bytes of the cache, as it is and with fewer heads and bits, on logarithmic axes; "
        "a line marks the bytes of the weights.";
    f.x = {.label = by_users ? "users" : "tokens each", .scale = Scale::log2};
    f.y = {.label = "cache", .unit = "B", .scale = Scale::log10, .style = NumberStyle::si};
    const double most = by_users ? 1024 : 131072;
    for (const Variant& v : variants(d)) {
        if (!v.has_line) {
            continue;
        }
        Line line{v.name, v.role, {}, {}};
        for (double n = by_users ? 1 : 128; n <= most; n *= 2) {
            Kept kept = v.kept;
            (by_users ? kept.users : kept.context) = std::llround(n);
            line.x.push_back(static_cast<double>(std::llround(n)));
            line.y.push_back(kept.total().value);
        }
        f.marks.emplace_back(std::move(line));
    }
    f.marks.emplace_back(Rule{"weights, 16 bits", Role::limit, false, d.weights.value});
    if (!d.example) {
        Handle here;
        here.label = gb(d.own.total());
        here.role = Role::subject;
        here.x = static_cast<double>(by_users ? d.own.users : d.own.context);
        here.y = d.own.total().value;
        here.x_param = by_users ? "batch" : "context";
        here.hint = "drag me";
        f.marks.emplace_back(std::move(here));
    }
    return f;
}

Figure variants_figure(const Data& d) {
    Figure f;
    f.id = "what-makes-it-less";
    f.title = "What makes it less";
    f.alt_text = "Bars: bytes of the cache as it is, with fewer heads and with fewer bits.";
    f.x = {.label = "cache", .unit = "B", .style = NumberStyle::si};
    f.x.limits = std::pair(0.0, 1.15 * d.own.total().value);
    Bars bars;
    bars.horizontal = true;
    Bars::Series bytes{"cache", Role::subject, {}};
    for (const Variant& v : variants(d)) {
        bars.names.push_back(v.name);
        bytes.values.push_back(v.kept.total().value);
    }
    bars.series = {bytes};
    f.marks.emplace_back(std::move(bars));
    return f;
}

Figure examples_figure(const Data& d) {
    Figure f;
    f.id = "worked-examples";
    f.title = "Worked examples: click one, click it again for your own";
    f.alt_text = "A list of worked examples with their bytes.";
    f.x.hidden = f.y.hidden = true;
    Listing list;
    list.pick.param = "example";
    for (const Worked& w : worked) {
        const bool is_chosen = d.example && d.example->example == w.example;
        const Bytes bytes = kept_of(w).total();
        list.lines.push_back({w.label, is_chosen ? Role::subject : Role::muted, gb(bytes),
                              fmt::format("{} B", format_count(bytes.value))});
        list.pick.values.emplace_back(std::string(is_chosen ? "own" : w.name));
        if (is_chosen) {
            list.chosen = static_cast<int>(list.lines.size()) - 1;
        }
    }
    f.marks.emplace_back(std::move(list));
    return f;
}

std::string who(const Data& d) {
    return fmt::format("{} {} of {} {}", d.own.users, d.own.users == 1 ? "user" : "users",
                       d.own.context, d.own.context == 1 ? "token" : "tokens");
}

std::string finding(const Data& d) {
    const double share = ratio(d.own.total(), d.weights);
    const std::string subject = d.example ? std::string(d.example->label) : who(d);
    if (d.example) {
        return fmt::format("{}: {} of keys and values", subject, gb(d.own.total()));
    }
    return share >= 1 ? fmt::format("The cache of {} is {} times the model's weights", subject,
                                    format_number(share))
                      : fmt::format("The cache of {} is {} % of the model's weights", subject,
                                    format_number(100 * share));
}

std::string explanation(const Data& d) {
    std::string text =
        fmt::format("{}: a token takes {}, a user {}, all {} ({}); the weights in 16 bits take {}.",
                    d.own.model.name, format_bytes(d.own.per_token().value), gb(d.own.per_user()),
                    gb(d.own.total()), format_bytes(d.own.total().value), gb(d.weights));
    const auto list = variants(d);
    if (list.size() > 1) {
        const auto least = std::min_element(
            list.begin(), list.end(),
            [](const Variant& a, const Variant& b) { return a.kept.total() < b.kept.total(); });
        text +=
            fmt::format(" With {} it is {}, {} times less.", least->name, gb(least->kept.total()),
                        format_number(ratio(d.own.total(), least->kept.total())));
    }
    return text;
}

std::vector<Metric> metrics(const Data& d) {
    const auto bytes = [](const char* name, const char* label, Bytes b) {
        return Metric{name, label, b.value, "B", {}, Better::lower, NumberStyle::si, 4};
    };
    const auto layers = static_cast<double>(d.own.model.layers);
    const Bytes layer_token = (1 / layers) * d.own.per_token();
    return {bytes("kv_bytes", "Cache of all users", d.own.total()),
            bytes("kv_bytes_per_user", "Cache of a user", d.own.per_user()),
            bytes("kv_bytes_per_token", "Cache of a token", d.own.per_token()),
            {"over_weights",
             "Cache over weights",
             ratio(d.own.total(), d.weights),
             "times",
             {},
             Better::lower},
            bytes("kv_bytes_per_layer_token", "A token in one layer", layer_token),
            bytes("kv_bytes_per_layer_block", "A block in one layer",
                  static_cast<double>(d.block_size) * layer_token),
            bytes("kv_bytes_per_block", "A block in all layers",
                  static_cast<double>(d.block_size) * d.own.per_token()),
            bytes("weight_bytes", "Weights in 16 bits", d.weights)};
}

std::vector<Equation> equations(const Data& d) {
    const ModelShape& m = d.own.model;
    const std::string bits = format_number(d.own.precision.kv_bits_with_scales());
    const std::string token = format_number(d.own.per_token().value, 9);
    Equation per_token = m.latent ? Equation{"token = layers · latent · bits / 8",
                                             fmt::format("{} = {} · {} · {} / 8", token, m.layers,
                                                         m.latent->cached(), bits),
                                             "bytes"}
                                  : Equation{"token = 2 · layers · heads_{KV} · head · bits / 8",
                                             fmt::format("{} = 2 · {} · {} · {} · {} / 8", token,
                                                         m.layers, m.kv_heads, m.head_dim, bits),
                                             "bytes"};
    if (m.windowed_layers() > 0 && d.own.context > m.window) {
        return {per_token,
                {"cache = users · Σ_{layers} min(context, window) · token / layers",
                 fmt::format("{} = {} · {}", format_si(d.own.total().value, 4) + "B", d.own.users,
                             gb(d.own.per_user())),
                 fmt::format("{} layers keep {} tokens at most", m.windowed_layers(), m.window)}};
    }
    return {per_token,
            {"cache = users · context · token",
             fmt::format("{} = {} · {} · {}", format_count(d.own.total().value), d.own.users,
                         d.own.context, token),
             "bytes"}};
}

Table examples_table() {
    Table t{
        "worked_examples",
        {{"example"}, {"layers"}, {"kv_heads"}, {"bits"}, {"tokens"}, {"users"}, {"bytes", "B"}},
        {}};
    for (const Worked& w : worked) {
        t.rows.push_back({w.name, w.layers, w.kv_heads, static_cast<std::int64_t>(w.bits),
                          w.context, w.users, exact_cell(kept_of(w).total().value)});
    }
    return t;
}

Outcome show(const Params&, const Data& d) {
    Outcome o;
    o.finding = finding(d);
    o.explanation = explanation(d);
    o.rows = {{1.1, {curve_figure(d, false), curve_figure(d, true)}},
              {1, {variants_figure(d), examples_figure(d)}}};
    o.metrics = metrics(d);
    o.equations = equations(d);
    o.tables = {examples_table()};
    return o;
}

Schema<Params> schema() {
    using namespace setting_params;
    const auto is_own = [](const Params& p) { return p.example == Example::own; };
    std::vector<Choice> examples = {{"own", "none, my own numbers"}};
    for (const Worked& w : worked) {
        examples.push_back({w.name, w.label});
    }
    return {
        model<Params>().when(is_own),
        context<Params>().when(is_own),
        batch<Params>().label("Users").when(is_own),
        kv_bits<Params>().when(is_own),
        choice("example", &Params::example, examples)
            .label("Worked example")
            .help("Sets model, context, users and bits to those of a worked example.")
            .advanced(),
        integer("layers", &Params::layers, {0, 1024})
            .help("Each keeps keys and values of its own; 0 is as many as the model has.")
            .when(is_own)
            .advanced(),
        integer("kv_heads", &Params::kv_heads, {0, 256})
            .label("KV heads")
            .help("Heads that have keys and values of their own; 0 is as many as the model has.")
            .when(is_own)
            .advanced(),
        integer("head_dim", &Params::head_dim, {0, 1024})
            .label("Head size")
            .help("Elements of a key, and of a value; 0 is as the model has.")
            .when(is_own)
            .advanced(),
        kv_group_size<Params>().when(is_own).advanced(),
        integer("block_size", &Params::block_size, {1, 1024, Scale::log2})
            .unit("tokens")
            .help("Tokens of a block of a paged cache.")
            .advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>(
        "kv-size", "KV cache", "KV size",
        "How many bytes do keys and values take, and what makes them fewer?", schema(), run, show);
}

}  // namespace nibble::kv_size_lab
