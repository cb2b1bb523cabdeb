#include "viz/figure/export.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "sim/core/error.hpp"
#include "sim/core/text.hpp"
#include "sim/core/version.hpp"
#include "viz/figure/cairo_canvas.hpp"
#include "viz/figure/chrome_trace.hpp"
#include "viz/figure/csv.hpp"
#include "viz/figure/embed.hpp"
#include "viz/figure/files.hpp"
#include "viz/figure/glyphs.hpp"
#include "viz/figure/png_file.hpp"
#include "viz/figure/svg_canvas.hpp"

namespace nibble {
namespace {

namespace fs = std::filesystem;

constexpr double most_pixels = 32.0 * (1 << 20);

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
    throw Error(Error::Code::bad_param, what, hint);
}

std::string checked_suffix(const fs::path& path) {
    std::string suffix = path.extension().string();
    std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto& known = export_suffixes();
    if (std::find(known.begin(), known.end(), suffix) == known.end()) {
        refuse(suffix.empty() ? fmt::format("\"{}\" has no suffix", path.string())
                              : fmt::format("\"{}\" is not a format that can be written", suffix),
               fmt::format("end the name in {}", fmt::join(known, ", ")));
    }
    return suffix;
}

void check_size(const ExportOptions& o) {
    for (const float side : {o.size.width, o.size.height}) {
        if (!(side >= 64 && side <= 8192)) {
            refuse(fmt::format("an export of {} x {} points", o.size.width, o.size.height),
                   "each side takes 64 to 8192 points");
        }
    }
    const double pixels = double(o.size.width) * o.size.height * o.scale * o.scale;
    if (!(o.scale >= 0.1F && o.scale <= 16 && pixels <= most_pixels)) {
        refuse(fmt::format("an export of {} x {} points at {} pixels a point", o.size.width,
                           o.size.height, o.scale),
               "the scale takes 0.1 to 16, and a picture at most 32 Mi pixels");
    }
}

/// The outcome with one figure alone. Throws for an id that no figure has.
Outcome only_figure(const Outcome& outcome, const std::string& id) {
    std::vector<std::string> ids;
    for (const FigureRow& row : outcome.rows) {
        for (const Figure& f : row.figures) {
            if (f.id == id) {
                Outcome one = outcome;
                one.rows = {{1, {f}}};
                return one;
            }
            ids.push_back(f.id);
        }
    }
    const std::string near = nearest(id, ids);
    refuse(fmt::format("no figure is called \"{}\"", id),
           near.empty() ? fmt::format("there are {}", fmt::join(ids, ", "))
                        : fmt::format("did you mean {}?", near));
}

const Table& table_named(const Outcome& outcome, const std::string& name) {
    std::vector<std::string> names;
    for (const Table& t : outcome.tables) {
        if (t.name == name) {
            return t;
        }
        names.push_back(t.name);
    }
    const std::string near = nearest(name, names);
    refuse(fmt::format("no table is called \"{}\"", name),
           !near.empty()   ? fmt::format("did you mean {}?", near)
           : names.empty() ? "this result has none"
                           : fmt::format("there are {}", fmt::join(names, ", ")));
}

/// What the figures show, for someone who cannot see them.
std::string description_of(const Outcome& outcome) {
    std::string text = outcome.explanation;
    for (const FigureRow& row : outcome.rows) {
        for (const Figure& f : row.figures) {
            const std::string& words = f.alt_text.empty() ? f.title : f.alt_text;
            text += (text.empty() || words.empty() ? "" : " ") + words;
        }
    }
    return text;
}

struct Drawn {
    Scene scene;
    Theme theme;
};

Drawn drawn(const Outcome& outcome, const Scenario& scenario, const Experiments& all,
            const ExportOptions& options) {
    Drawn d{{}, make_theme(options.theme)};
    LayoutOptions how;
    how.headings = options.figure.empty();
    how.footer = true;
    how.footer_text =
        fmt::format("{}  ·  {}  ·  Nibble {}", find_experiment(all, scenario.experiment).title,
                    to_command(scenario, all), version);
    how.handles = false;
    how.zooms = options.zooms;
    d.scene = layout(outcome, options.size, d.theme, FontMeasure(), how);
    return d;
}

std::string json_text(const Outcome& outcome, const std::string& scenario) {
    nlohmann::ordered_json whole;
    whole["scenario"] = nlohmann::ordered_json::parse(scenario);
    whole.update(nlohmann::ordered_json(to_json(outcome)));
    return whole.dump(1, ' ', /*ensure_ascii=*/false,
                      nlohmann::ordered_json::error_handler_t::replace) +
           "\n";
}

}  // namespace

const std::vector<std::string>& export_suffixes() {
    static const std::vector<std::string> suffixes = {".svg", ".pdf", ".png", ".csv", ".json"};
    return suffixes;
}

std::string export_bytes(const Outcome& whole, const Scenario& scenario, const Experiments& all,
                         const std::string& suffix, const ExportOptions& options) {
    check_size(options);
    const Outcome outcome = options.figure.empty() ? whole : only_figure(whole, options.figure);
    const std::string json = to_json_text(scenario, all, -1);
    if (suffix == ".csv") {
        return fmt::format("# {}: {}\n{}", scenario_key, json,
                           options.table.empty() ? csv_text(outcome)
                                                 : csv_text(table_named(outcome, options.table)));
    }
    if (suffix == ".json") {
        return json_text(outcome, json);
    }
    const Drawn d = drawn(outcome, scenario, all, options);
    const Color paper = d.theme.background;
    if (suffix == ".svg") {
        return svg_text(d.scene, paper, {outcome.finding, description_of(outcome), json});
    }
    if (suffix == ".pdf") {
        return pdf_bytes(
            d.scene, paper,
            {outcome.finding, description_of(outcome), fmt::format("{}: {}", scenario_key, json)});
    }
    const Raster r = raster_of(d.scene, paper, options.scale);
    return png_bytes(r.pixels, r.width, r.height, {{scenario_key, json}, {"Software", "Nibble"}},
                     options.scale);
}

void export_outcome(const Outcome& outcome, const Scenario& scenario, const Experiments& all,
                    const fs::path& path, const ExportOptions& options) {
    if (is_chrome_trace(path.filename().string())) {
        write_whole_file(path, chrome_trace_text(outcome, to_json_text(scenario, all, -1)));
        return;
    }
    write_whole_file(path, export_bytes(outcome, scenario, all, checked_suffix(path), options));
}

Scenario read_scenario(const fs::path& path, const Experiments& all) {
    const std::string json = embedded_scenario(path);
    try {
        return scenario_from_json(json, all);
    } catch (const Error& e) {
        throw Error(e.code(), fmt::format("{}: {}", path.string(), e.what()), e.hint());
    }
}

}  // namespace nibble
