// Where the time of one request goes: network, queue, prompt, answer. The two ends of the work obey
// different roofs: the prompt waits for arithmetic and grows with its length, the answer waits for
// memory and takes one step a token.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/experiment.hpp"
#include "sim/core/text.hpp"
#include "sim/roofline/calibration.hpp"
#include "sim/roofline/setting.hpp"

namespace nibble::request_latency_lab {
namespace {

struct Params : Setting {
    int prompt = 1000, answer = 200;
    double network_ms = 40, load = 0.5;

    Params() {
        model = "llama-3-8b";
        batch = 8;
    }
};

/// One request among `batch` that are decoded together.
struct Parts {
    Seconds network, queue, prefill, decode;

    Seconds total() const { return network + queue + prefill + decode; }
    Seconds first_token() const { return network + queue + prefill; }
};

struct Data {
    ModelShape model;
    DeviceSheet device;
    int batch, prompt, answer;
    double load;
    Parts ideal;
    std::optional<Parts> reached;
    Seconds first_step, last_step;  // of the answer
    std::vector<int> answers, prompts;
    std::vector<Parts> by_answer, by_prompt;
    std::optional<int> balance;  // from this answer on, decoding takes longer than the prompt
};

constexpr int longest_answer = 4096, longest_prompt = 131072;

/// Steps as functions of the length of the cache, exact at a few lengths and straight between:
/// every term of a step is linear in it but for the windows.
class Machinery {
public:
    Machinery(const Params& p, const ModelShape& model, const DeviceSheet& device, bool reached)
        : p_(p),
          model_(model),
          machine_(machine_of(device, p.accumulate)),
          calibration_(reached ? calibration_of(p.device) : nullptr) {}

    Seconds step(Phase phase, std::int64_t batch, std::int64_t context) const {
        Workload w = p_.workload();
        w.phase = phase;
        w.batch = batch;
        w.context = std::max<std::int64_t>(context, 1);
        const Operators list = operators(model_, w);
        if (calibration_) {
            return *calibration_->step(list, w);
        }
        return step_totals(list, machine_, w.precision).seconds;
    }

    /// All steps of an answer, by the trapezoid rule over a few lengths.
    Seconds answer(int prompt, int tokens) const {
        constexpr int pieces = 16;
        if (tokens < 2) {
            return {};  // the first token comes with the prompt
        }
        Seconds sum{};
        const double steps = tokens - 1;
        for (int i = 0; i <= pieces; ++i) {
            const auto at = std::llround(prompt + 1 + (steps - 1) * i / pieces + 0.5);
            const double weight = i == 0 || i == pieces ? 0.5 : 1;
            sum += weight / pieces * step(Phase::decode, p_.batch, at);
        }
        return steps * sum;
    }

    /// Requests arrive at random and are served `batch` at a time: the wait of M/M/1 at that load,
    /// with the service of one batch.
    Parts parts(int prompt, int tokens) const {
        Parts parts;
        parts.network = {p_.network_ms * 1e-3};
        parts.prefill = step(Phase::prefill, 1, prompt);
        parts.decode = answer(prompt, tokens);
        const Seconds each = (parts.decode / double(p_.batch)) + parts.prefill;
        parts.queue = p_.load / (1 - p_.load) * each;
        return parts;
    }

private:
    const Params& p_;
    const ModelShape& model_;
    Machine machine_;
    const Calibration* calibration_;
};

std::vector<int> lengths(int most) {
    std::vector<int> list;
    for (double n = 16; n <= most; n *= std::sqrt(2.0)) {
        list.push_back(static_cast<int>(std::llround(n)));
    }
    return list;
}

/// The shortest answer that takes longer than the prompt, by halving: each token adds to the time.
std::optional<int> balance(const Machinery& machinery, int prompt, Seconds prefill) {
    const auto longer = [&](int tokens) { return machinery.answer(prompt, tokens) > prefill; };
    if (!longer(longest_answer)) {
        return std::nullopt;
    }
    int low = 1, high = longest_answer;  // an answer of one token comes with the prompt
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        (longer(middle) ? high : low) = middle;
    }
    return high;
}

Data run(const Params& p, const RunContext& context) {
    context.check();
    Data d;
    d.model = model_named(p.model);
    d.device = catalogue().device(p.device);
    d.batch = p.batch;
    d.prompt = p.prompt;
    d.answer = p.answer;
    d.load = p.load;
    const Machinery ideal(p, d.model, d.device, false);
    d.ideal = ideal.parts(p.prompt, p.answer);
    d.first_step = ideal.step(Phase::decode, p.batch, p.prompt + 1);
    d.last_step = ideal.step(Phase::decode, p.batch, p.prompt + p.answer);
    Workload decode = p.workload(), prefill = decode;
    decode.phase = Phase::decode;
    prefill.phase = Phase::prefill;
    const Calibration* c = calibration_of(p.device);
    if (c && c->covers(decode) && c->covers(prefill)) {
        d.reached = Machinery(p, d.model, d.device, true).parts(p.prompt, p.answer);
    }
    d.answers = lengths(longest_answer);
    for (const int n : d.answers) {
        d.by_answer.push_back(ideal.parts(p.prompt, n));
    }
    d.prompts = lengths(longest_prompt);
    for (const int n : d.prompts) {
        context.check();
        d.by_prompt.push_back(ideal.parts(n, p.answer));
    }
    d.balance = balance(ideal, p.prompt, d.ideal.prefill);
    return d;
}

constexpr const char* part_names[] = {"network", "queue", "prompt", "answer"};

Seconds part(const Parts& p, int i) {
    return i == 0 ? p.network : i == 1 ? p.queue : i == 2 ? p.prefill : p.decode;
}

Figure timeline(const Data& d) {
    Figure f;
    f.id = "timeline";
    f.title = fmt::format("A prompt of {} tokens and an answer of {}", d.prompt, d.answer);
    f.alt_text = "Bars in time: network, queue, prompt and answer of one request.";
    f.x = {.label = "time", .unit = "ms"};
    Segments s;
    const auto lane = [&](const std::string& name, const Parts& parts) {
        double at = 0;
        for (int i = 0; i < 4; ++i) {
            const double length = 1e3 * part(parts, i).value;
            if (length > 0) {
                s.items.push_back(
                    {static_cast<int>(s.lanes.size()), at, at + length, category(i),
                     fmt::format("{} {}", part_names[i], format_seconds(part(parts, i)))});
            }
            at += length;
        }
        s.lanes.push_back(name);
    };
    lane("ideal roof", d.ideal);
    if (d.reached) {
        lane("reached, fitted", *d.reached);
    }
    f.marks.emplace_back(std::move(s));
    return f;
}

Figure by_length(const Data& d, bool answer) {
    Figure f;
    f.id = answer ? "by-answer" : "by-prompt";
    f.title = answer ? "As the answer grows" : "As the prompt grows";
    f.alt_text = "Time of each part of a request against its length, both logarithmic.";
    f.x = {.label = answer ? "tokens of the answer" : "tokens of the prompt",
           .scale = Scale::log10};
    f.y = {.label = "time", .unit = "ms", .scale = Scale::log10};
    const auto& lengths_shown = answer ? d.answers : d.prompts;
    const auto& parts = answer ? d.by_answer : d.by_prompt;
    for (int i = 0; i < 4; ++i) {
        Line line{part_names[i], category(i), {}, {}};
        for (std::size_t k = 0; k < lengths_shown.size(); ++k) {
            const double ms = 1e3 * part(parts[k], i).value;
            line.x.push_back(lengths_shown[k]);
            line.y.push_back(ms > 0 ? ms : std::nan(""));
        }
        if (std::any_of(line.y.begin(), line.y.end(), [](double y) { return y > 0; })) {
            f.marks.emplace_back(std::move(line));
        }
    }
    Handle h;
    h.label = fmt::format("{} tokens", answer ? d.answer : d.prompt);
    h.hint = "drag me";
    h.x = answer ? d.answer : d.prompt;
    h.x_param = answer ? "answer" : "prompt";
    f.marks.emplace_back(std::move(h));
    return f;
}

int largest_part(const Parts& p) {
    int best = 0;
    for (int i = 1; i < 4; ++i) {
        best = part(p, i) > part(p, best) ? i : best;
    }
    return best;
}

Outcome show(const Params& p, const Data& d) {
    Outcome o;
    const Parts& t = d.ideal;
    const int most = largest_part(t);
    o.finding = fmt::format("The {} takes {} % of a request: {} of {}", part_names[most],
                            format_number(100 * ratio(part(t, most), t.total())),
                            format_seconds(part(t, most)), format_seconds(t.total()));
    const double each_prompt = t.prefill.value / d.prompt, each_answer = d.first_step.value;
    o.explanation = fmt::format(
        "A token of the answer costs as much time as {} of the prompt: {} against {}. The first "
        "token comes after {}, the others every {} to {}.",
        format_number(each_answer / each_prompt), format_seconds({each_answer}),
        format_seconds({each_prompt}), format_seconds(t.first_token()),
        format_seconds(d.first_step), format_seconds(d.last_step));
    if (d.balance) {
        o.explanation += fmt::format(
            " From answers of {} tokens on, decoding takes longer than this prompt.", *d.balance);
    }
    if (d.reached) {
        o.explanation += fmt::format(" At what recorded kernels reach the request takes {}.",
                                     format_seconds(d.reached->total()));
    }
    const Origin computed{}, assumed{Origin::Kind::assumed, ""};
    const auto seconds = [](const char* id, const char* label, Seconds s, const Origin& origin) {
        return Metric{id, label, s.value, "s", origin, Better::lower, NumberStyle::si};
    };
    o.metrics = {seconds("latency", "Whole request", t.total(), computed),
                 seconds("time_to_first_token", "First token", t.first_token(), computed),
                 seconds("time_per_token", "Each token after",
                         d.answer > 1 ? t.decode / double(d.answer - 1) : d.first_step, computed),
                 seconds("prefill", "Prompt", t.prefill, computed),
                 seconds("decode", "Answer", t.decode, computed),
                 seconds("queue", "Queue", t.queue, computed),
                 seconds("network", "Network", t.network, assumed)};
    o.equations = {{"t = network + queue + prompt + answer",
                    fmt::format("{} = {} + {} + {} + {}", format_seconds(t.total()),
                                format_seconds(t.network, 4), format_seconds(t.queue, 4),
                                format_seconds(t.prefill, 4), format_seconds(t.decode, 4)),
                    ""},
                   {"queue = ρ / (1 - ρ) · service",
                    fmt::format("{} = {} / {} · {}", format_seconds(t.queue), format_number(p.load),
                                format_number(1 - p.load),
                                format_seconds(t.prefill + t.decode / double(d.batch), 4)),
                    "M/M/1"}};
    Table table{
        "by_answer", {{"answer", "tokens"}, {"queue", "s"}, {"prefill", "s"}, {"decode", "s"}}, {}};
    for (std::size_t i = 0; i < d.answers.size(); ++i) {
        const Parts& x = d.by_answer[i];
        table.rows.push_back(
            {std::int64_t{d.answers[i]}, x.queue.value, x.prefill.value, x.decode.value});
    }
    o.tables = {table};
    o.rows = {{0.6, {timeline(d)}}, {1.2, {by_length(d, false), by_length(d, true)}}};
    return o;
}

Schema<Params> schema() {
    using namespace setting_params;
    return {
        device<Params>(),
        integer("prompt", &Params::prompt, {1, longest_prompt, Scale::log2, {{16, 32768}}})
            .label("Prompt")
            .unit("tokens")
            .help("All of it is computed at once: twice the prompt, a little more than twice the "
                  "wait for the first token."),
        integer("answer", &Params::answer, {1, longest_answer, Scale::log2})
            .label("Answer")
            .unit("tokens")
            .help("Each token is a step that reads all the weights."),
        real("load", &Params::load, {0, 0.98})
            .help("Share of the time that the device is busy: the queue grows without bound "
                  "towards 1."),
        batch<Params>()
            .help("Requests decoded together; they share each reading of the weights, and each "
                  "waits for all.")
            .advanced(),
        model<Params>().advanced(),
        real("network_ms", &Params::network_ms, {0, 1000})
            .label("Network")
            .unit("ms")
            .help("There and back: an assumption.")
            .advanced(),
        weight_bits<Params>().advanced(),
        activation_bits<Params>().advanced(),
        kv_bits<Params>().advanced(),
        group_size<Params>().advanced(),
        tensor_parallel<Params>().advanced(),
    };
}

}  // namespace

Experiment lab() {
    return define<Params, Data>("request-latency", "Machines", "Request latency",
                                "Which part of a request makes its sender wait?", schema(), run,
                                show);
}

}  // namespace nibble::request_latency_lab
