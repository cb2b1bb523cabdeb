#include "viz/lesson/bench.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "viz/lesson/fields.hpp"
#include "viz/lesson/setting.hpp"

namespace nibble {
namespace {

constexpr std::size_t most_outcomes = 400;          // a lesson has a few dozen
constexpr std::size_t most_results = 100;           // the data behind them
constexpr std::size_t most_shared = 512ULL << 20U;  // bytes: tensors and models

/// Evaluates one formula at one setting.
class Evaluation {
public:
    Evaluation(LessonBench& bench, const Formula& formula, const Scenario& setting)
        : bench_(bench), formula_(formula), setting_(setting) {}

    double number(const FormulaNode& node) {
        const Value v = value(node);
        if (const auto* d = std::get_if<double>(&v)) {
            return *d;
        }
        refuse(fmt::format("\"{}\" is a text, not a number", to_text(v)),
               "texts can only be compared with == and !=");
    }

private:
    using Kind = FormulaNode::Kind;

    [[noreturn]] void refuse(const std::string& why, const std::string& hint = {}) const {
        refuse_at(formula_.place(), fmt::format("formula \"{}\": {}", formula_.text(), why), hint);
    }

    /// A double or a text.
    Value value(const FormulaNode& n) {
        switch (n.kind) {
            case Kind::number:
                return n.number;
            case Kind::text:
                return n.word;
            case Kind::name:
                return named(n);
            case Kind::cell:
                return cell(n);
            case Kind::unary: {
                const double v = number(n.of[0]);
                return n.word == "-" ? -v : v == 0 ? 1.0 : 0.0;
            }
            case Kind::binary:
                return binary(n);
            case Kind::call:
                return call(n);
        }
        broken_invariant("kind", "a kind of formula is not handled", __FILE__, __LINE__);
    }

    Scenario at(const FormulaNode& n) const {
        return n.changes.empty()
                   ? setting_
                   : with_changes(setting_, n.changes, formula_.place(), bench_.experiments());
    }

    Value named(const FormulaNode& n) {
        const Scenario scenario = at(n);
        const Experiment& e = find_experiment(bench_.experiments(), scenario.experiment);
        std::vector<std::string> names;
        for (std::size_t i = 0; i < e.params.size(); ++i) {
            if (e.params[i].name == n.word) {
                return std::visit(
                    [](const auto& v) -> Value {
                        if constexpr (std::is_convertible_v<decltype(v), double>) {
                            return static_cast<double>(v);
                        } else {
                            return v;
                        }
                    },
                    scenario.values[i]);
            }
            names.push_back(e.params[i].name);
        }
        const auto outcome = bench_.outcome(scenario);
        for (const Metric& m : outcome->metrics) {
            if (m.name == n.word && !m.timed) {
                return m.value;
            }
            if (m.name == n.word) {
                refuse(fmt::format("{} is read off a clock and differs in every run", n.word));
            }
            names.push_back(m.name);
        }
        const std::string near = nearest(n.word, names);
        refuse(fmt::format("{} has no parameter or metric {}", e.id, n.word),
               near.empty() ? fmt::format("it has {}", fmt::join(names, ", "))
                            : fmt::format("did you mean {}?", near));
    }

    Value cell(const FormulaNode& n) {
        const auto outcome = bench_.outcome(at(n));
        const auto table = std::find_if(outcome->tables.begin(), outcome->tables.end(),
                                        [&](const Table& t) { return t.name == n.word; });
        if (table == outcome->tables.end() || table->timed) {
            refuse(fmt::format("there is no table {} without a clock's times", n.word));
        }
        const auto column =
            std::find_if(table->columns.begin(), table->columns.end(),
                         [&](const Table::Column& c) { return c.name == n.column; });
        const auto row = std::find_if(
            table->rows.begin(), table->rows.end(), [&](const std::vector<Table::Cell>& r) {
                return std::visit([&](const auto& v) { return fmt::format("{}", v) == n.row; },
                                  r.at(0));
            });
        if (column == table->columns.end() || row == table->rows.end()) {
            std::vector<std::string> names;
            for (const Table::Column& c : table->columns) {
                names.push_back(c.name);
            }
            refuse(fmt::format("table {} has no such {}", n.word,
                               column == table->columns.end() ? "column" : "row"),
                   fmt::format("its columns are {}", fmt::join(names, ", ")));
        }
        const Table::Cell& found =
            row->at(static_cast<std::size_t>(column - table->columns.begin()));
        return std::visit(
            [](const auto& v) -> Value {
                if constexpr (std::is_arithmetic_v<std::decay_t<decltype(v)>>) {
                    return static_cast<double>(v);
                } else {
                    return v;
                }
            },
            found);
    }

    Value binary(const FormulaNode& n) {
        const std::string& op = n.word;
        if (op == "and") {
            return number(n.of[0]) != 0 && number(n.of[1]) != 0 ? 1.0 : 0.0;
        }
        if (op == "or") {
            return number(n.of[0]) != 0 || number(n.of[1]) != 0 ? 1.0 : 0.0;
        }
        if (op == "==" || op == "!=") {
            return equal(n) == (op == "==") ? 1.0 : 0.0;
        }
        const double a = number(n.of[0]), b = number(n.of[1]);
        if (op == "<" || op == ">" || op == "<=" || op == ">=") {
            const bool yes = op == "<" ? a < b : op == ">" ? a > b : op == "<=" ? a <= b : a >= b;
            return yes ? 1.0 : 0.0;
        }
        return op == "+"   ? a + b
               : op == "-" ? a - b
               : op == "*" ? a * b
               : op == "/" ? a / b
                           : std::pow(a, b);
    }
    /// A choice may only be compared with a text that it can be: a slip must not read as "no".
    bool equal(const FormulaNode& n) {
        const Value a = value(n.of[0]), b = value(n.of[1]);
        if (a.index() != b.index()) {
            refuse("a text is compared with a number",
                   "write the text in quotes: scheme == \"nf4\"");
        }
        const Experiment& e = find_experiment(bench_.experiments(), setting_.experiment);
        for (const auto& [name, text] : {std::pair(&n.of[0], &b), std::pair(&n.of[1], &a)}) {
            for (const ParamInfo& p : e.params) {
                if (name->kind == Kind::name && p.name == name->word) {
                    if (const auto* word = std::get_if<std::string>(text)) {
                        with_place(formula_.place(), [&] { return p.checked(*word); });
                    }
                }
            }
        }
        return a == b;
    }

    double call(const FormulaNode& n) {
        std::vector<double> v;
        for (const FormulaNode& one : n.of) {
            v.push_back(number(one));
        }
        const std::string& f = n.word;
        return f == "min"     ? *std::min_element(v.begin(), v.end())
               : f == "max"   ? *std::max_element(v.begin(), v.end())
               : f == "abs"   ? std::abs(v[0])
               : f == "sqrt"  ? std::sqrt(v[0])
               : f == "log2"  ? std::log2(v[0])
               : f == "log10" ? std::log10(v[0])
               : f == "round" ? std::round(v[0])
               : f == "floor" ? std::floor(v[0])
                              : std::ceil(v[0]);
    }

    LessonBench& bench_;
    const Formula& formula_;
    const Scenario& setting_;
};

}  // namespace

LessonBench::LessonBench(const Experiments& all)
    : all_(all), outcomes_(most_outcomes), results_(most_results), shared_(most_shared) {}

std::shared_ptr<const Outcome> LessonBench::outcome(const Scenario& setting, std::stop_token stop) {
    const std::string key = to_json_text(setting, all_, -1);
    return outcomes_.get<Outcome>(
        key,
        [&] {
            RunContext context;
            context.seed = setting.seed;
            context.stop = std::move(stop);
            context.shared = &shared_;
            return evaluate(find_experiment(all_, setting.experiment), setting.values, context,
                            &results_);
        },
        [](const Outcome&) { return std::size_t{1}; });
}

double LessonBench::number(const Formula& formula, const Scenario& setting) {
    return Evaluation(*this, formula, setting).number(formula.root());
}

std::string LessonBench::words(const ComputedText& c) {
    if (c.kind == ComputedText::Kind::finding) {
        return outcome(c.setting)->finding;
    }
    if (c.kind == ComputedText::Kind::metric) {
        const std::string& wanted = c.formula.text();
        for (const Metric& m : outcome(c.setting)->metrics) {
            if (m.name == wanted && !m.timed) {
                const auto [number, unit] = metric_words(m);
                return unit.empty() ? number : number + (unit == "%" ? "\u202f" : "\u00a0") + unit;
            }
        }
    }
    std::string text = format_number(number(c.formula, c.setting));
    return text.starts_with("-") ? "\u2212" + text.substr(1) : text;
}

RichText LessonBench::filled(RichText text) {
    for (Inline& piece : text) {
        if (piece.computed) {
            piece.text = words(*piece.computed);
        }
    }
    return text;
}

Prose LessonBench::filled(Prose prose) {
    prose.text = filled(std::move(prose.text));
    for (RichText& cell : prose.cells) {
        cell = filled(std::move(cell));
    }
    return prose;
}

Truth LessonBench::truth(const QuestionBlock& q) {
    Truth t;
    static const Scenario nothing;
    const Scenario& setting = q.setting ? *q.setting : nothing;
    switch (q.kind) {
        case AnswerKind::single:
        case AnswerKind::multiple:
            for (const Option& o : q.options) {
                t.right.push_back(!o.right.empty() && holds(o.right, setting));
            }
            break;
        case AnswerKind::number:
            t.value = number(q.truth, setting);
            t.tolerance = number(q.tolerance, setting);
            t.tolerance *= q.tolerance_is_percent ? std::abs(t.value) / 100 : 1;
            break;
        case AnswerKind::line:
            t.line = series_of(*outcome(setting), q.figure, q.series, q.place);
            break;
        case AnswerKind::point:
            figure_of(*outcome(setting), q.figure, q.place);
            t.line = {{number(q.x, setting), number(q.y, setting)}};
            break;
        case AnswerKind::text:
            break;
    }
    return t;
}

TaskState LessonBench::state(const TaskBlock& task, const Scenario& scenario) {
    const Experiment& e = find_experiment(all_, task.setting.experiment);
    NIBBLE_ASSERT(scenario.experiment == e.id, "a task is done in its own lab");
    for (std::size_t i = 0; i < e.params.size(); ++i) {
        const std::string& name = e.params[i].name;
        const bool may_move =
            e.params[i].role == ParamRole::view ||
            std::find(task.controls.begin(), task.controls.end(), name) != task.controls.end();
        if (!may_move && scenario.values.at(i) != task.setting.values.at(i)) {
            return {false, fmt::format("{} stays at {} in this task", e.params[i].title,
                                       to_text(task.setting.values[i]))};
        }
    }
    if (scenario.seed != task.setting.seed) {
        return {false, fmt::format("the seed stays at {} in this task", task.setting.seed)};
    }
    return {holds(task.reached, scenario)};
}

const Figure& figure_of(const Outcome& outcome, const std::string& id, const Place& place) {
    std::vector<std::string> ids;
    for (const FigureRow& row : outcome.rows) {
        for (const Figure& f : row.figures) {
            if (f.id == id) {
                return f;
            }
            ids.push_back(f.id);
        }
    }
    refuse_at(place, fmt::format("the lab shows no figure \"{}\"", id),
              fmt::format("it shows {}", fmt::join(ids, ", ")));
}

std::vector<std::pair<double, double>> series_of(const Outcome& outcome, const std::string& figure,
                                                 const std::string& label, const Place& place) {
    std::vector<std::string> labels;
    for (const Mark& mark : figure_of(outcome, figure, place).marks) {
        const auto* line = std::get_if<Line>(&mark);
        if (line && line->label == label) {
            std::vector<std::pair<double, double>> points;
            for (std::size_t i = 0; i < line->x.size(); ++i) {
                points.emplace_back(line->x[i], line->y[i]);
            }
            return points;
        }
        if (line) {
            labels.push_back(line->label);
        }
    }
    refuse_at(place, fmt::format("figure \"{}\" has no line \"{}\"", figure, label),
              fmt::format("its lines are \"{}\"", fmt::join(labels, "\", \"")));
}

std::pair<std::string, std::string> metric_words(const Metric& m) {
    std::string text;
    switch (m.style) {
        case NumberStyle::plain:
            return {format_number(m.value, m.digits), m.unit};
        case NumberStyle::percent:
            return {format_number(100 * m.value, m.digits), "%"};
        case NumberStyle::si:
            text = format_si(m.value, m.digits) + m.unit;
            break;
        case NumberStyle::bytes:
            text = format_bytes(m.value, m.digits);
            break;
    }
    const auto space = text.find(' ');
    return space == std::string::npos ? std::pair{text, m.unit}
                                      : std::pair{text.substr(0, space), text.substr(space + 1)};
}

}  // namespace nibble
