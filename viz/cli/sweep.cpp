// `nibble sweep ID`: computes an experiment at every point of a grid and writes one table.
//
// Points run side by side and land in a row of their own, so the table is the same for any number
// of threads, but for speeds that a lab measures while its neighbours run. Nothing is written
// before the last point is done.
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "sim/core/csv_cells.hpp"
#include "sim/core/json_object.hpp"
#include "sim/core/parallel.hpp"
#include "sim/experiments/all.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/grid.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/text.hpp"
#include "viz/figure/embed.hpp"
#include "viz/figure/files.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

/// What to compute: the scenario that the fixed flags make, and what varies.
struct Plan {
    const Experiment* experiment = nullptr;
    Scenario fixed;
    Grid grid;
};

/// One point of the grid: its metrics, or why there are none.
struct Row {
    std::vector<Metric> metrics;
    std::string error;
};

Scenario scenario_at(const Plan& plan, std::size_t point) {
    Scenario scenario = plan.fixed;
    const std::vector<Value> values = plan.grid.at(point);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::string& name = plan.grid.axes()[i].param.name;
        if (name == "seed") {
            scenario.seed = static_cast<std::uint64_t>(std::get<std::int64_t>(values[i]));
        } else {
            scenario.values[plan.experiment->index_of(name)] = values[i];
        }
    }
    return scenario;
}

Row computed(const Plan& plan, std::size_t point, const std::stop_token& stop, Cache& shared) {
    const Scenario scenario = scenario_at(plan, point);
    RunContext context;
    context.seed = scenario.seed;
    context.device = scenario.device;
    context.stop = stop;
    context.shared = &shared;
    try {
        return {evaluate(*plan.experiment, scenario.values, context).metrics, {}};
    } catch (const Error& e) {
        if (e.code() == Error::Code::cancelled) {
            throw;
        }
        return {{}, one_line(e.line())};
    } catch (const BrokenInvariant& e) {
        throw BrokenInvariant(
            fmt::format("{}, in {}", e.what(), to_command(scenario, all_experiments())));
    }
}

/// Beside the work: keeps the progress line and passes Ctrl+C on to the points in flight.
class Watch {
public:
    Watch(std::size_t points, const std::atomic<std::size_t>& finished, std::stop_source& stop)
        : thread_([this, points, &finished, &stop](const std::stop_token& over) {
              Progress progress("sweep");
              std::unique_lock lock(mutex_);
              while (!over.stop_requested()) {
                  if (Interruptible::asked()) {
                      stop.request_stop();
                  }
                  const std::size_t count = finished;
                  progress.show(static_cast<double>(count) / static_cast<double>(points),
                                fmt::format("{}/{}", count, points));
                  tick_.wait_for(lock, over, std::chrono::milliseconds(50), [] { return false; });
              }
          }) {}

private:
    std::mutex mutex_;
    std::condition_variable_any tick_;
    std::jthread thread_;  // last: it uses everything above
};

std::vector<Row> computed(const Plan& plan) {
    std::vector<Row> rows(plan.grid.points());
    std::atomic<std::size_t> finished = 0;
    std::stop_source stop;
    Cache shared(std::size_t{768} << 20);
    Watch watch(rows.size(), finished, stop);
    parallel_for(rows.size(), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            if (stop.stop_requested()) {
                throw Error(Error::Code::cancelled, "stopped", "nothing was written");
            }
            rows[i] = computed(plan, i, stop.get_token(), shared);
            ++finished;
        }
    });
    return rows;
}

/// Every metric that any point has, in the order of their first appearance.
std::vector<Metric> columns_of(const std::vector<Row>& rows) {
    std::vector<Metric> columns;
    for (const Row& row : rows) {
        for (const Metric& m : row.metrics) {
            if (std::none_of(columns.begin(), columns.end(),
                             [&](const Metric& c) { return c.name == m.name; })) {
                columns.push_back(m);
            }
        }
    }
    return columns;
}

const Metric* find(const Row& row, const std::string& name) {
    const auto found = std::find_if(row.metrics.begin(), row.metrics.end(),
                                    [&](const Metric& m) { return m.name == name; });
    return found == row.metrics.end() ? nullptr : &*found;
}

bool any_failed(const std::vector<Row>& rows) {
    return std::any_of(rows.begin(), rows.end(), [](const Row& r) { return !r.error.empty(); });
}

std::string heading(const std::string& name, const std::string& unit) {
    return csv_cell(unit.empty() ? name : fmt::format("{} ({})", name, unit));
}

std::string to_csv(const Plan& plan, const std::vector<Row>& rows) {
    const std::vector<Metric> columns = columns_of(rows);
    const bool errors = any_failed(rows);
    std::vector<std::string> cells;
    for (const GridAxis& axis : plan.grid.axes()) {
        cells.push_back(heading(axis.param.name, axis.param.unit_name));
    }
    for (const Metric& m : columns) {
        cells.push_back(heading(m.name, m.unit));
    }
    if (errors) {
        cells.emplace_back("error");
    }
    std::string text = csv_line(cells);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        cells.clear();
        for (const Value& value : plan.grid.at(i)) {
            cells.push_back(csv_cell(to_text(value)));
        }
        for (const Metric& m : columns) {
            const Metric* found = find(rows[i], m.name);
            const bool missing = !found || std::isnan(found->value);
            cells.push_back(missing ? "" : fmt::format("{}", found->value));
        }
        if (errors) {
            cells.push_back(csv_cell(rows[i].error));
        }
        text += csv_line(cells);
    }
    return text;
}

std::string to_json(const Plan& plan, const std::vector<Row>& rows) {
    const Json scenario = Json::parse(to_json_text(plan.fixed, all_experiments()));
    Json whole = {{"experiment", plan.fixed.experiment},
                  {"parameters", scenario["parameters"]},
                  {"seed", plan.fixed.seed},
                  {"device", kernels::name(plan.fixed.device)},
                  {"swept", Json::array()},
                  {"metrics", Json::array()},
                  {"rows", Json::array()},
                  {"scenario", scenario}};
    for (const GridAxis& axis : plan.grid.axes()) {
        Json values = Json::array();
        for (const Value& value : axis.values) {
            values.push_back(json_of(value));
        }
        whole["swept"].push_back(
            {{"name", axis.param.name}, {"unit", axis.param.unit_name}, {"values", values}});
        whole["parameters"].erase(axis.param.name);
    }
    for (const Metric& m : columns_of(rows)) {
        whole["metrics"].push_back(
            {{"name", m.name}, {"unit", m.unit}, {"origin", badge(m.origin)}});
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        Json row = {{"parameters", Json::object()}, {"metrics", Json::object()}};
        const std::vector<Value> values = plan.grid.at(i);
        for (std::size_t k = 0; k < values.size(); ++k) {
            row["parameters"][plan.grid.axes()[k].param.name] = json_of(values[k]);
        }
        for (const Metric& m : rows[i].metrics) {
            row["metrics"][m.name] = std::isfinite(m.value) ? Json(m.value) : Json(nullptr);
        }
        if (!rows[i].error.empty()) {
            row["error"] = rows[i].error;
        }
        whole["rows"].push_back(row);
    }
    return whole.dump(2) + "\n";
}

const std::vector<std::string>& table_suffixes() {
    static const std::vector<std::string> suffixes = {".csv", ".json"};
    return suffixes;
}

/// After the scenario on a line of its own, as in every exported CSV.
std::string csv_file(const Plan& plan, const std::vector<Row>& rows) {
    return fmt::format("# {}: {}\n{}", scenario_key,
                       to_json_text(plan.fixed, all_experiments(), -1), to_csv(plan, rows));
}

bool is_json(const std::string& path) {
    return lower_suffix(path) == ".json";
}

/// Flags with one value hold for the whole sweep, the others are its axes, in the order given.
Plan plan_of(const Base& base, const CommandLine& line, const ParamInfo& seed) {
    Scenario fixed = base.scenario;
    std::vector<GridAxis> axes;
    for (const std::string& name : line.order()) {
        const auto& params = base.experiment->params;
        const auto found = std::find_if(params.begin(), params.end(),
                                        [&](const ParamInfo& p) { return p.name == name; });
        if (found == params.end() && name != "seed") {
            continue;
        }
        const ParamInfo& param = found == params.end() ? seed : *found;
        std::vector<Value> values = parse_axis(param, line.text(name));
        if (values.size() > 1) {
            axes.push_back({param, std::move(values)});
        } else if (found == params.end()) {
            fixed.seed = static_cast<std::uint64_t>(std::get<std::int64_t>(values[0]));
        } else {
            fixed.values[static_cast<std::size_t>(found - params.begin())] = values[0];
        }
    }
    return {base.experiment, std::move(fixed), Grid(std::move(axes))};
}

/// "--bits 2..8": what the first parameter that counts or chooses could be swept over.
std::string example_axis(const Experiment& experiment) {
    for (const ParamInfo& p : experiment.params) {
        if (p.role == ParamRole::view || p.is_advanced) {
            continue;
        }
        if (p.type == ParamType::choice || p.type == ParamType::boolean) {
            return fmt::format("--{} all", p.name);
        }
        if (p.type == ParamType::integer || p.type == ParamType::real) {
            const bool doubling = p.range.scale != Scale::linear && p.range.min > 0;
            return fmt::format("--{} {}..{}{}", p.name, p.range.min, p.range.max,
                               doubling ? ":x2" : "");
        }
    }
    return "--seed 1..5";
}

void describe(CommandLine& line, const Experiment& example) {
    line.add(file_flag("out", table_suffixes(),
                       "Write the table as .csv or .json; without it the CSV is printed. "
                       "May be given again."),
             "Output", "FILE", Takes::many);
    line.add(switch_flag("json", "Print the table as JSON."), "Output");
    const std::string start = "nibble sweep " + example.id;
    line.footer("Values",
                {"2,4,8         these", "2..8          every whole number; eleven of a real",
                 "0..1:0.25     in steps", "16..1024:x2   each twice the one before",
                 "all           every choice, or the whole range of a whole number"});
    line.footer("Examples",
                {fmt::format("{} {}", start, example_axis(example)),
                 fmt::format("{} {} --seed 1..5 --out table.csv", start, example_axis(example))});
}

}  // namespace

int sweep_command(const Words& words) {
    const Base base = base_of("sweep", words);
    const std::string id = base.experiment ? base.experiment->id : "ID";
    CommandLine line(fmt::format("sweep {} [--param values]... [--out FILE]... [--json]", id),
                     "Computes an experiment at every point of a grid of parameters and writes one "
                     "table: the swept parameters, then every metric. The last flag varies "
                     "fastest. Points run side by side; --threads 1 when speeds are measured.");
    line.positional("ID", base.experiment ? "" : "An experiment, as `nibble list` names it.",
                    false);
    if (base.experiment) {
        line.add_schema(*base.experiment, Takes::grid);
    }
    const ParamInfo seed = add_common_flags(line, base.experiment, Takes::grid);
    describe(line, base.experiment ? *base.experiment : all_experiments().front());
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    for (const std::string& path : line.texts("out")) {
        check_output(path, table_suffixes());
    }
    Plan plan = plan_of(base, line, seed);
    use_device(line, *plan.experiment, plan.fixed);
    const Interruptible interruptible;  // until the files are written
    use_threads(line);
    const std::vector<Row> rows = computed(plan);
    for (const std::string& path : line.texts("out")) {
        write_whole_file(path, is_json(path) ? to_json(plan, rows) : csv_file(plan, rows));
        note(fmt::format("wrote {}: {} rows", path, rows.size()));
    }
    if (line.is_on("json")) {
        print(to_json(plan, rows));
    } else if (!line.given("out")) {
        print(to_csv(plan, rows));
    }
    const auto failed =
        std::count_if(rows.begin(), rows.end(), [](const Row& row) { return !row.error.empty(); });
    if (failed > 0) {
        note(fmt::format("nibble: {} of {} points failed; the column \"error\" says why", failed,
                         rows.size()));
    }
    return failed > 0 ? 1 : 0;
}

}  // namespace nibble
