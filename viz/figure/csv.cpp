#include "viz/figure/csv.hpp"

#include <cmath>
#include <fmt/format.h>

#include "sim/core/csv_cells.hpp"

namespace nibble {
namespace {

struct CsvRow {
    double x = NAN, y = NAN, low = NAN, high = NAN, value = NAN;
    std::string_view label = {};
};

/// Writes the rows of one mark after another.
struct Writer {
    std::string out;
    std::string figure;

    void number(double v) {
        out += ',';
        if (!std::isnan(v)) {
            fmt::format_to(std::back_inserter(out), "{}", v);
        }
    }
    void row(const char* mark, const std::string& series, const CsvRow& r) {
        out += figure;
        out += ',';
        out += mark;
        out += ',';
        out += csv_cell(series);
        for (const double v : {r.x, r.y, r.low, r.high, r.value}) {
            number(v);
        }
        out += ',';
        out += csv_cell(r.label);
        out += '\n';
    }

    void operator()(const Line& m) {
        for (std::size_t i = 0; i < std::min(m.x.size(), m.y.size()); ++i) {
            row("line", m.label, {.x = m.x[i], .y = m.y[i]});
        }
    }
    void operator()(const Points& m) {
        for (std::size_t i = 0; i < std::min(m.x.size(), m.y.size()); ++i) {
            row("points", m.label,
                {.x = m.x[i], .y = m.y[i], .label = i < m.names.size() ? m.names[i] : ""});
        }
    }
    void operator()(const Bars& m) {
        for (const Bars::Series& s : m.series) {
            for (std::size_t i = 0; i < std::min(s.values.size(), m.names.size()); ++i) {
                row("bars", s.label, {.value = s.values[i], .label = m.names[i]});
            }
        }
    }
    void operator()(const Band& m) {
        for (std::size_t i = 0; i < std::min({m.x.size(), m.low.size(), m.high.size()}); ++i) {
            row("band", m.label, {.x = m.x[i], .low = m.low[i], .high = m.high[i]});
        }
    }
    void operator()(const Histogram& m) {
        for (std::size_t i = 0; i < m.counts.size() && i + 1 < m.edges.size(); ++i) {
            row("histogram", m.label,
                {.low = m.edges[i], .high = m.edges[i + 1], .value = m.counts[i]});
        }
    }
    void operator()(const Heatmap& m) {
        for (std::size_t i = 0; i < m.cells.size() && m.cols > 0; ++i) {
            const auto cols = static_cast<std::size_t>(m.cols);
            // A float's own shortest digits: as a double it would drag along meaningless ones.
            out += fmt::format("{},heatmap,{},{},{},,,", figure, csv_cell(m.label), i % cols,
                               i / cols);
            out += std::isnan(m.cells[i]) ? "" : fmt::format("{}", m.cells[i]);
            out += ",\n";
        }
    }
    void operator()(const Rule& m) {
        row("rule", m.label, m.vertical ? CsvRow{.x = m.at} : CsvRow{.y = m.at});
    }
    void operator()(const Ticks& m) {
        for (const double at : m.at) {
            row("ticks", m.label, m.vertical ? CsvRow{.x = at} : CsvRow{.y = at});
        }
    }
    void operator()(const Note& m) { row("note", "", {.x = m.x, .y = m.y, .label = m.text}); }
    void operator()(const Segments& m) {
        for (const Segments::Item& s : m.items) {
            const bool known = s.lane >= 0 && s.lane < static_cast<int>(m.lanes.size());
            row("segment", known ? m.lanes[static_cast<std::size_t>(s.lane)] : "",
                {.low = s.start, .high = s.end, .label = s.label});
        }
    }
    void operator()(const Cells& m) {
        for (std::size_t i = 0; i < m.items.size(); ++i) {
            const Cells::Item& c = m.items[i];
            row("cell", "",
                {.x = static_cast<double>(i),
                 .value = c.filled,
                 .label = c.label.empty() ? c.text : c.label});
        }
    }
    void operator()(const Tree& m) {
        for (std::size_t i = 0; i < m.nodes.size(); ++i) {
            const Tree::Node& n = m.nodes[i];
            row("node", n.edge,
                {.x = static_cast<double>(i), .y = n.parent < 0 ? NAN : n.parent, .label = n.text});
        }
    }
    void operator()(const Links& m) {
        for (const auto& [side, boxes] :
             {std::pair(m.left_heading, &m.left), std::pair(m.right_heading, &m.right)}) {
            for (std::size_t i = 0; i < boxes->size(); ++i) {
                row("box", side,
                    {.x = static_cast<double>(i),
                     .label = fmt::format("{}: {}", (*boxes)[i].name,
                                          fmt::join((*boxes)[i].slots, " "))});
            }
        }
        for (const Links::Arrow& arrow : m.arrows) {
            row("arrow", "",
                {.x = static_cast<double>(arrow.from), .y = static_cast<double>(arrow.to)});
        }
    }
    void operator()(const Tokens& m) {
        for (std::size_t i = 0; i < m.items.size(); ++i) {
            const Tokens::Item& t = m.items[i];
            row("token", "",
                {.x = static_cast<double>(i),
                 .value = t.intensity < 0 ? NAN : t.intensity,
                 .label = t.text});
        }
    }
    void operator()(const Listing& m) {
        for (std::size_t i = 0; i < m.lines.size(); ++i) {
            row("source", m.lines[i].note,
                {.x = static_cast<double>(m.first_line) + static_cast<double>(i),
                 .label = m.lines[i].text});
        }
    }
    void operator()(const Handle& m) {
        row("handle", m.label, {.x = m.x.value_or(NAN), .y = m.y.value_or(NAN)});
    }
};

}  // namespace

std::string csv_text(const Outcome& outcome, const std::string& figure) {
    Writer writer;
    writer.out = "figure,mark,series,x,y,low,high,value,label\n";
    for (const FigureRow& row : outcome.rows) {
        for (const Figure& f : row.figures) {
            if (!figure.empty() && f.id != figure) {
                continue;
            }
            writer.figure = csv_cell(f.id);
            for (const Mark& mark : f.marks) {
                std::visit(writer, mark);
            }
        }
    }
    return std::move(writer.out);
}

std::string csv_text(const Table& table) {
    std::vector<std::string> cells;
    for (const auto& column : table.columns) {
        cells.push_back(csv_cell(column.name));
    }
    std::string text = csv_line(cells);
    for (const std::vector<Table::Cell>& row : table.rows) {
        cells.clear();
        for (const Table::Cell& value : row) {
            cells.push_back(std::visit(
                [](const auto& v) -> std::string {
                    if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string>) {
                        return csv_cell(v);
                    } else if constexpr (std::is_same_v<std::decay_t<decltype(v)>, double>) {
                        return std::isnan(v) ? "" : fmt::format("{}", v);
                    } else {
                        return fmt::format("{}", v);
                    }
                },
                value));
        }
        text += csv_line(cells);
    }
    return text;
}

}  // namespace nibble
