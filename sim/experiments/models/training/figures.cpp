// The loss curves, what the model writes on the way, and the sentences about both.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/core/utf8.hpp"
#include "sim/experiments/models/training/data.hpp"

namespace nibble::training_lab {
namespace {

constexpr double brightest_bits = 10, quiet_bits = 0.5;  // of the tint of a piece
/// What counts as a loss that turned back, and as one that never got away from counting.
constexpr double noticeable_rise = 0.15, still_counting = 0.9;

std::string num(double value, int digits = 3) {
    return format_number(value, digits);
}

std::string count(Index value) {
    return format_count(static_cast<double>(value));
}

const Point& best(const Data& d) {
    return *std::min_element(d.validation.begin(), d.validation.end(),
                             [](const Point& a, const Point& b) { return a.loss < b.loss; });
}

bool turned_back(const Data& d) {
    return d.validation_loss() > (1 + noticeable_rise) * best(d).loss;
}

std::string finding(const Data& d) {
    const std::string floor = d.floor ? fmt::format("; the floor is {}", num(*d.floor)) : "";
    if (d.from_file()) {
        return fmt::format("{} steps took the loss from {} to {} nats a token{}",
                           count(d.steps_done), num(d.train.front().loss), num(last_loss(d.train)),
                           floor);
    }
    const std::string rate = num(d.options.rate);
    if (d.burst_at) {
        return fmt::format("A rate of {} breaks the model at step {}: nothing finite is left", rate,
                           count(*d.burst_at));
    }
    if (turned_back(d)) {
        return fmt::format("At a rate of {} the loss turns back at step {}: from {} up to {}", rate,
                           count(best(d).step), num(best(d).loss), num(d.validation_loss()));
    }
    if (d.validation_loss() > still_counting * d.counting) {
        return fmt::format("{} steps at a rate of {} teach how often pieces occur, and little else",
                           count(d.steps_done), rate);
    }
    return fmt::format("{} steps take guessing, {} nats a token, down to {}{}", count(d.steps_done),
                       num(d.guess), num(d.validation_loss()), floor);
}

/// Share of the way from knowing nothing to a perfect reader.
double way(const Data& d, double loss) {
    return (d.guess - loss) / (d.guess - *d.floor);
}

std::string explanation(const Data& d) {
    if (d.from_file()) {
        std::string text =
            fmt::format("Losses of an earlier run, over {} tokens.", count(d.tokens));
        if (d.floor) {
            text += fmt::format(
                " A reader who knows the rules of the text and forgets nothing "
                "cannot do better than {} nats a token.",
                num(*d.floor));
        }
        return text;
    }
    std::string text = fmt::format("{} weights have read {} documents, {} tokens, none twice. ",
                                   count(d.options.config.parameters()),
                                   count(d.steps_done * d.options.batch), count(d.tokens));
    if (!d.burst_at && !turned_back(d) && d.validation_loss() > still_counting * d.counting) {
        return text + fmt::format(
                          "On unseen text it loses {} nats a token, one who only counts "
                          "pieces {}: another rate, or more steps.",
                          num(d.validation_loss()), num(d.counting));
    }
    if (d.burst_at || turned_back(d)) {
        return text + fmt::format(
                          "The lowest loss on unseen text was {} nats a token, after {} "
                          "steps: lower the rate, or warm up longer.",
                          num(best(d).loss), count(best(d).step));
    }
    return text + fmt::format(
                      "On unseen text it is as unsure as among {} pieces (perplexity), one who "
                      "knows the rules as among {}; it has come {} % of the way from guessing "
                      "among {}.",
                      num(std::exp(d.validation_loss())), num(std::exp(*d.floor)),
                      num(100 * way(d, d.validation_loss())), count(d.options.config.vocab));
}

std::vector<Metric> metrics(const Data& d) {
    const Origin measured{Origin::Kind::measured_here}, computed{Origin::Kind::computed};
    const Origin earlier{Origin::Kind::recorded, "an earlier run"};
    const Origin loss_origin = d.from_file() ? earlier : measured;
    std::vector<Metric> list;
    if (!d.from_file()) {
        list.push_back({"validation_loss", "Loss on unseen text", d.validation_loss(), "nats/token",
                        measured, Better::lower});
    }
    if (d.floor) {
        list.push_back({"floor", "Floor", *d.floor, "nats/token", computed});
    }
    if (!d.from_file()) {
        list.push_back({"perplexity", "Perplexity", std::exp(d.validation_loss()), "", measured,
                        Better::lower});
        list.push_back({"way_to_floor", "Way to the floor", way(d, d.validation_loss()), "%",
                        measured, Better::higher, NumberStyle::percent});
    }
    if (d.counting > 0) {
        list.push_back(
            {"counting_loss", "Loss of counting pieces", d.counting, "nats/token", measured});
    }
    if (!d.train.empty()) {
        list.push_back({"train_loss", "Training loss, last twentieth", last_loss(d.train),
                        "nats/token", loss_origin, Better::lower});
    }
    list.push_back({"tokens", "Tokens learned from", static_cast<double>(d.tokens), "", loss_origin,
                    Better::neither, NumberStyle::si});
    list.push_back({"steps_done", "Steps taken", static_cast<double>(d.steps_done), "", loss_origin,
                    Better::neither, NumberStyle::plain, 8});
    if (!d.from_file()) {
        list.push_back({"parameters", "Parameters",
                        static_cast<double>(d.options.config.parameters()), "", computed,
                        Better::neither, NumberStyle::si});
    }
    return list;
}

Line line_of(const std::string& label, Role role, const std::vector<Point>& points) {
    Line line{label, role, {}, {}};
    for (const Point& p : points) {
        line.x.push_back(static_cast<double>(p.step));
        line.y.push_back(p.loss);
    }
    return line;
}

Figure loss_figure(const Data& d) {
    Figure f;
    f.id = "loss";
    f.title = "Loss";
    f.alt_text = fmt::format("Loss in nats a token over {} steps of training{}{}.", d.steps_done,
                             d.from_file() ? "" : ", on the text learned from and on unseen text",
                             d.floor ? ", above the floor of the text" : "");
    f.x = {.label = "step", .limits = std::pair(0.0, static_cast<double>(d.steps_wanted))};
    if (d.from_file()) {  // a long run: the fall and the slow rest are both to be seen
        f.x.scale = Scale::log10;
        f.x.limits = std::pair(static_cast<double>(d.train.front().step),
                               static_cast<double>(d.train.back().step));
    }
    double top = d.guess;
    for (const LossPoint& p : d.train) {
        top = std::max(top, p.loss);
    }
    f.y = {.label = "loss", .unit = "nats/token", .limits = std::pair(0.0, 1.04 * top)};
    Line batches{d.from_file() ? "as recorded" : "single batches", Role::muted, {}, {}};
    for (const LossPoint& p : d.train) {
        batches.x.push_back(static_cast<double>(p.step));
        batches.y.push_back(p.loss);
    }
    f.marks.emplace_back(std::move(batches));
    if (d.from_file()) {
        f.marks.emplace_back(line_of("training", Role::subject, smoothed(d.train)));
    } else {
        f.marks.emplace_back(line_of("training", Role::baseline, smoothed(d.train)));
        Line validation = line_of("unseen text", Role::subject, d.validation);
        validation.markers = true;
        f.marks.emplace_back(std::move(validation));
    }
    if (d.floor) {
        f.marks.emplace_back(Rule{fmt::format("floor {}: all rules known", num(*d.floor)),
                                  Role::reference, false, *d.floor});
    }
    if (d.guess > 0) {
        f.marks.emplace_back(
            Rule{fmt::format("guessing: ln {}", count(std::llround(std::exp(d.guess)))),
                 Role::muted, false, d.guess});
    }
    if (d.counting > 0) {
        f.marks.emplace_back(Rule{fmt::format("counting pieces: {}", num(d.counting)), Role::muted,
                                  false, d.counting});
    }
    if (d.burst_at) {
        f.marks.emplace_back(
            Rule{"not finite", Role::limit, true, static_cast<double>(*d.burst_at)});
    }
    return f;
}

Figure rate_figure(const Data& d) {
    Figure f;
    f.id = "rate";
    f.title = "Learning rate";
    f.alt_text = fmt::format(
        "The learning rate rises for {} steps to {} and falls along a cosine to a tenth.",
        d.options.warm_up, num(d.options.rate));
    f.x = {.label = "step", .limits = std::pair(0.0, static_cast<double>(d.steps_wanted))};
    f.y = {.label = "rate", .limits = std::pair(0.0, 1.1 * d.options.rate)};
    Line line{"", Role::muted, {}, {}};
    const Index stride = std::max<Index>(1, d.steps_wanted / 300);
    for (Index step = 0; step < d.steps_wanted; step += stride) {
        line.x.push_back(static_cast<double>(step + 1));
        line.y.push_back(learning_rate(d.options, step));
    }
    f.marks.emplace_back(std::move(line));
    f.marks.emplace_back(Rule{"", Role::muted, true, static_cast<double>(d.steps_done)});
    f.width = 0.42;
    return f;
}

/// Pieces as text; one that is part of a character only is a question mark.
std::string shown(const std::string& piece) {
    return is_utf8(piece) ? piece : "?";
}

Figure sample_figure(const Sample& s) {
    Figure f;
    f.id = fmt::format("sample-{}", s.step);
    f.title =
        s.step == 1 ? "Written after 1 step" : fmt::format("Written after {} steps", count(s.step));
    f.x.hidden = f.y.hidden = true;
    Tokens tokens;
    std::string text;
    for (std::size_t i = 0; i < s.pieces.size(); ++i) {
        const std::string piece = shown(s.pieces[i]);
        text += piece;
        const double bits = s.bits.at(i);
        tokens.items.push_back(
            {piece, Role::muted,
             bits < quiet_bits ? -1 : std::clamp(bits / brightest_bits, 0.0, 1.0),
             fmt::format("“{}”\n{} bits of surprise to the model as it is now",
                         piece == "\n" ? "↵" : piece, num(bits))});
    }
    if (tokens.items.empty()) {
        tokens.items.push_back({"nothing: it ended at once", Role::muted, -1, ""});
    }
    f.alt_text = fmt::format("What the model wrote after {} steps: {}", s.step, text);
    f.marks.emplace_back(std::move(tokens));
    f.footnote = "plain: expected; yellow: 10 bits";
    return f;
}

Table loss_table(const Data& d) {
    Table t{
        "losses", {{"step"}, {"train_loss", "nats/token"}, {"validation_loss", "nats/token"}}, {}};
    const std::vector<Point> smooth = smoothed(d.train);
    if (d.from_file()) {
        t.columns.pop_back();
        for (const Point& p : smooth) {
            t.rows.push_back({p.step, p.loss});
        }
        return t;
    }
    for (const Point& p : d.validation) {
        const auto at = std::find_if(smooth.begin(), smooth.end(),
                                     [&](const Point& q) { return q.step == p.step; });
        if (at != smooth.end()) {  // nothing was trained on before step 1
            t.rows.push_back({p.step, at->loss, p.loss});
        }
    }
    return t;
}

}  // namespace

void describe(const Data& d, Outcome& outcome) {
    outcome.finding = finding(d);
    outcome.explanation = explanation(d);
    outcome.metrics = metrics(d);
    outcome.tables = {loss_table(d)};
    if (!d.from_file() && d.floor && !d.burst_at) {
        outcome.equations = {{"perplexity = e^{loss}",
                              fmt::format("{} = e^{{{}}}", num(std::exp(d.validation_loss())),
                                          num(d.validation_loss(), 4)),
                              "unseen text"}};
    }
    if (!d.from_file() && !d.burst_at && d.steps_done < d.steps_wanted) {
        outcome.sampling = fmt::format("{} of {} steps so far", d.steps_done, d.steps_wanted);
    }
}

std::vector<FigureRow> figures(const Data& d) {
    FigureRow curves{1.2, {loss_figure(d)}}, samples{1, {}};
    if (!d.from_file()) {
        curves.figures.push_back(rate_figure(d));
    }
    for (const Sample& s : d.samples) {
        samples.figures.push_back(sample_figure(s));
    }
    std::vector<FigureRow> rows = {std::move(curves)};
    if (!samples.figures.empty()) {
        rows.push_back(std::move(samples));
    }
    return rows;
}

}  // namespace nibble::training_lab
