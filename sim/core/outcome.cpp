#include "sim/core/outcome.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/core/error.hpp"

namespace nibble {
namespace {


nlohmann::json number(double v) {
    return std::isfinite(v) ? nlohmann::json(v) : nlohmann::json(nullptr);
}

template <class T>
nlohmann::json numbers(const std::vector<T>& values) {
    nlohmann::json list = nlohmann::json::array();
    for (const T v : values) {
        list.push_back(number(v));
    }
    return list;
}

std::string role_name(Role role) {
    static const char* const names[] = {"subject", "baseline", "reference", "limit", "muted"};
    const int k = static_cast<int>(role);
    return k < 5 ? names[k] : "category" + std::to_string(k - 5);
}

nlohmann::json base(const char* kind, const std::string& label, Role role) {
    return {{"mark", kind}, {"label", label}, {"role", role_name(role)}};
}

/// One overload a mark: what a reader of the JSON needs to draw it again.
struct MarkToJson {
    nlohmann::json operator()(const Line& m) const {
        nlohmann::json j = base("line", m.label, m.role);
        j["x"] = numbers(m.x);
        j["y"] = numbers(m.y);
        return j;
    }
    nlohmann::json operator()(const Points& m) const {
        nlohmann::json j = base("points", m.label, m.role);
        j["x"] = numbers(m.x);
        j["y"] = numbers(m.y);
        j["names"] = m.names;
        return j;
    }
    nlohmann::json operator()(const Bars& m) const {
        nlohmann::json j = {{"mark", "bars"}, {"names", m.names}, {"stacked", m.stacked}};
        for (const Bars::Series& s : m.series) {
            nlohmann::json one = base("series", s.label, s.role);
            one["values"] = numbers(s.values);
            j["series"].push_back(one);
        }
        return j;
    }
    nlohmann::json operator()(const Band& m) const {
        nlohmann::json j = base("band", m.label, m.role);
        j["x"] = numbers(m.x);
        j["low"] = numbers(m.low);
        j["high"] = numbers(m.high);
        return j;
    }
    nlohmann::json operator()(const Histogram& m) const {
        nlohmann::json j = base("histogram", m.label, m.role);
        j["edges"] = numbers(m.edges);
        j["counts"] = numbers(m.counts);
        return j;
    }
    nlohmann::json operator()(const Heatmap& m) const {
        return {{"mark", "heatmap"},      {"label", m.label},         {"unit", m.unit},
                {"rows", m.rows},         {"cols", m.cols},           {"low", number(m.low)},
                {"high", number(m.high)}, {"cells", numbers(m.cells)}};
    }
    nlohmann::json operator()(const Rule& m) const {
        nlohmann::json j = base("rule", m.label, m.role);
        j["vertical"] = m.vertical;
        j["at"] = number(m.at);
        return j;
    }
    nlohmann::json operator()(const Ticks& m) const {
        nlohmann::json j = base("ticks", m.label, m.role);
        j["vertical"] = m.vertical;
        j["at"] = numbers(m.at);
        return j;
    }
    nlohmann::json operator()(const Note& m) const {
        nlohmann::json j = base("note", m.text, m.role);
        j["x"] = number(m.x);
        j["y"] = number(m.y);
        return j;
    }
    nlohmann::json operator()(const Segments& m) const {
        nlohmann::json j = {{"mark", "segments"}, {"lanes", m.lanes}, {"items", nlohmann::json::array()}};
        for (const Segments::Item& s : m.items) {
            nlohmann::json one = base("segment", s.label, s.role);
            one["lane"] = s.lane;
            one["start"] = number(s.start);
            one["end"] = number(s.end);
            j["items"].push_back(one);
        }
        return j;
    }
    nlohmann::json operator()(const Cells& m) const {
        nlohmann::json j = {{"mark", "cells"}, {"columns", m.columns}, {"items", nlohmann::json::array()}};
        for (const Cells::Item& c : m.items) {
            nlohmann::json one = base("cell", c.label, c.role);
            one["text"] = c.text;
            one["filled"] = number(c.filled);
            j["items"].push_back(one);
        }
        return j;
    }
    nlohmann::json operator()(const Tree& m) const {
        nlohmann::json j = {{"mark", "tree"}, {"nodes", nlohmann::json::array()}};
        for (const Tree::Node& n : m.nodes) {
            nlohmann::json one = base("node", n.text, n.role);
            one["parent"] = n.parent;
            one["edge"] = n.edge;
            j["nodes"].push_back(one);
        }
        return j;
    }
    nlohmann::json operator()(const Links& m) const {
        const auto boxes = [](const std::vector<Links::Box>& list) {
            nlohmann::json j = nlohmann::json::array();
            for (const Links::Box& box : list) {
                nlohmann::json one = base("box", box.name, box.role);
                one["note"] = box.note;
                one["slots"] = box.slots;
                j.push_back(one);
            }
            return j;
        };
        nlohmann::json j = {{"mark", "links"},
                  {"left_heading", m.left_heading},
                  {"right_heading", m.right_heading},
                  {"left", boxes(m.left)},
                  {"right", boxes(m.right)},
                  {"arrows", nlohmann::json::array()}};
        for (const Links::Arrow& arrow : m.arrows) {
            j["arrows"].push_back({{"from", arrow.from}, {"to", arrow.to}});
        }
        return j;
    }
    nlohmann::json operator()(const Tokens& m) const {
        nlohmann::json j = {{"mark", "tokens"}, {"items", nlohmann::json::array()}};
        for (const Tokens::Item& t : m.items) {
            nlohmann::json one = base("token", t.label, t.role);
            one["text"] = t.text;
            one["intensity"] = number(t.intensity);
            j["items"].push_back(one);
        }
        return j;
    }
    nlohmann::json operator()(const Listing& m) const {
        nlohmann::json j = {{"mark", "listing"},
                  {"first_line", m.first_line},
                  {"chosen", m.chosen},
                  {"lines", nlohmann::json::array()}};
        for (const Listing::Item& line : m.lines) {
            nlohmann::json one = base("line", line.label, line.role);
            one["text"] = line.text;
            one["note"] = line.note;
            j["lines"].push_back(one);
        }
        return j;
    }
    nlohmann::json operator()(const Handle& m) const {
        nlohmann::json j = base("handle", m.label, m.role);
        j["x"] = m.x ? number(*m.x) : nlohmann::json(nullptr);
        j["y"] = m.y ? number(*m.y) : nlohmann::json(nullptr);
        j["x_param"] = m.x_param;
        j["y_param"] = m.y_param;
        return j;
    }
};

nlohmann::json timeline_to_json(const Timeline& t) {
    nlohmann::json j = {{"param", t.param}, {"first", t.first}, {"last", t.last}, {"marks", nlohmann::json::array()}};
    for (const Timeline::Mark& m : t.marks) {
        j["marks"].push_back({{"at", m.at}, {"label", m.label}});
    }
    return j;
}

nlohmann::json axis_to_json(const Axis& a) {
    static const char* const scales[] = {"linear", "log10", "log2"};
    return {{"label", a.label}, {"unit", a.unit}, {"scale", scales[static_cast<int>(a.scale)]}};
}

nlohmann::json figure_to_json(const Figure& f) {
    nlohmann::json j = {{"id", f.id},
              {"title", f.title},
              {"alt_text", f.alt_text},
              {"x", axis_to_json(f.x)},
              {"y", axis_to_json(f.y)},
              {"footnote", f.footnote},
              {"marks", nlohmann::json::array()}};
    for (const Mark& m : f.marks) {
        j["marks"].push_back(std::visit(MarkToJson{}, m));
    }
    return j;
}

}  // namespace

std::string_view name(Origin::Kind kind) {
    static constexpr std::string_view names[] = {"measured here", "recorded",  "computed",
                                                 "datasheet",     "published", "assumed"};
    return names[static_cast<int>(kind)];
}

std::string badge(const Origin& origin) {
    const std::string kind(name(origin.kind));
    if (origin.source.empty()) {
        return kind;
    }
    switch (origin.kind) {
        case Origin::Kind::recorded:
            return "recorded on " + origin.source;
        case Origin::Kind::measured_here:
            return kind + ": " + origin.source;
        default:
            return kind;
    }
}

const Metric& Outcome::metric(std::string_view wanted) const {
    for (const Metric& m : metrics) {
        if (m.name == wanted) {
            return m;
        }
    }
    broken_invariant("metric", ("no metric " + std::string(wanted)).c_str(), __FILE__, __LINE__);
}

Outcome reproducible(Outcome outcome) {
    const auto is_timed = [](const auto& part) { return part.timed; };
    std::erase_if(outcome.metrics, is_timed);
    std::erase_if(outcome.tables, is_timed);
    for (FigureRow& row : outcome.rows) {
        std::erase_if(row.figures, is_timed);
    }
    return outcome;
}

nlohmann::json metrics_to_json(const Outcome& outcome) {
    nlohmann::json list = nlohmann::json::array();
    for (const Metric& m : outcome.metrics) {
        list.push_back({{"name", m.name},
                        {"value", number(m.value)},
                        {"unit", m.unit},
                        {"origin", badge(m.origin)}});
        if (!m.origin.source.empty()) {
            list.back()["source"] = m.origin.source;
        }
        if (m.timed) {
            list.back()["timed"] = true;
        }
    }
    return list;
}

nlohmann::json tables_to_json(const Outcome& outcome) {
    nlohmann::json tables = nlohmann::json::object();
    for (const Table& t : outcome.tables) {
        nlohmann::json columns = nlohmann::json::array(), rows = nlohmann::json::array();
        for (const Table::Column& c : t.columns) {
            columns.push_back({{"name", c.name}, {"unit", c.unit}});
        }
        for (const auto& row : t.rows) {
            nlohmann::json one = nlohmann::json::object();
            for (std::size_t i = 0; i < row.size(); ++i) {
                const auto* real = std::get_if<double>(&row[i]);
                one[t.columns.at(i).name] =
                    real ? number(*real)
                         : std::visit([](const auto& v) { return nlohmann::json(v); }, row[i]);
            }
            rows.push_back(one);
        }
        tables[t.name] = {{"columns", columns}, {"rows", rows}};
        if (t.timed) {
            tables[t.name]["timed"] = true;
        }
    }
    return tables;
}

nlohmann::json to_json(const Outcome& outcome) {
    nlohmann::json figures = nlohmann::json::array();
    for (const FigureRow& row : outcome.rows) {
        for (const Figure& f : row.figures) {
            figures.push_back(figure_to_json(f));
        }
    }
    nlohmann::json equations = nlohmann::json::array();
    for (const Equation& e : outcome.equations) {
        equations.push_back({{"symbols", e.symbols}, {"values", e.values}, {"note", e.note}});
    }
    nlohmann::json all = {{"finding", outcome.finding},
                {"explanation", outcome.explanation},
                {"sampling", outcome.sampling},
                {"figures", figures},
                {"metrics", metrics_to_json(outcome)},
                {"tables", tables_to_json(outcome)},
                {"equations", equations}};
    if (outcome.timeline) {
        all["timeline"] = timeline_to_json(*outcome.timeline);
    }
    return all;
}

}  // namespace nibble
