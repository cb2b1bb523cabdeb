// `nibble run ID`: computes an experiment once, prints what it found, and writes its charts.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/text.hpp"
#include "sim/experiments/all.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/text.hpp"
#include "viz/figure/export.hpp"
#include "viz/lesson/bench.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

std::string report(const Outcome& outcome) {
    const std::size_t width = page_width();
    std::string text = wrapped(outcome.finding, width);
    if (!outcome.explanation.empty()) {
        text += wrapped(outcome.explanation, width);
    }
    if (!outcome.sampling.empty()) {
        text += wrapped(fmt::format("({})", outcome.sampling), width);
    }
    Columns metrics({Align::left, Align::right, Align::left, Align::left}, 2);
    for (const Metric& m : outcome.metrics) {
        const auto [number, unit] = metric_words(m);
        metrics.add({m.label, number, unit, fmt::format("[{}]", badge(m.origin))});
    }
    return text + (outcome.metrics.empty() ? "" : "\n") + metrics.text();
}

Json report_json(const Outcome& outcome, const Scenario& scenario) {
    Json whole = Json::parse(to_json_text(scenario, all_experiments()));
    return {{"experiment", scenario.experiment},
            {"parameters", whole["parameters"]},
            {"seed", scenario.seed},
            {"device", kernels::name(scenario.device)},
            {"finding", outcome.finding},
            {"explanation", outcome.explanation},
            {"metrics", metrics_to_json(outcome)},
            {"tables", tables_to_json(outcome)}};
}

void add_output_flags(CommandLine& line) {
    const ExportOptions fallback;
    line.add(file_flag("out", export_suffixes(),
                       "Write the charts (.svg, .pdf, .png), their data (.csv) or everything "
                       "(.json), or a schedule for Perfetto (.trace.json). May be given again. "
                       "The scenario travels inside."),
             "Output", "FILE", Takes::many);
    const auto size = [&](const char* name, float value, const char* title) {
        ParamInfo p = whole_flag(name, static_cast<std::int64_t>(value), {64, 8192}, title);
        p.unit_name = "points";
        line.add(p, "Output");
    };
    size("width", fallback.size.width, "Width of the page");
    size("height", fallback.size.height, "Height of the page");
    line.add(real_flag("scale", fallback.scale, {0.1, 16}, "Pixels a point in a PNG"), "Output");
    line.add(choice_flag("theme", {"print", "light", "dark"}, "Colours of the charts"), "Output");
    line.add(text_flag("figure", "Write this figure alone, named by its id."), "Output", "ID");
    line.add(text_flag("table", "Write this table to .csv files, instead of the charts' data."),
             "Output", "NAME");
    line.add(switch_flag("json", "Print the result as JSON, for programs."), "Output");
}

ExportOptions export_options(const CommandLine& line) {
    ExportOptions options;
    options.size = {static_cast<float>(std::get<std::int64_t>(line.value("width"))),
                    static_cast<float>(std::get<std::int64_t>(line.value("height")))};
    options.scale = static_cast<float>(std::get<double>(line.value("scale")));
    options.theme = theme_kind(std::get<std::string>(line.value("theme")));
    options.figure = std::get<std::string>(line.value("figure"));
    options.table = std::get<std::string>(line.value("table"));
    return options;
}

/// What the flags make of the scenario that `base` holds.
Scenario chosen(const Base& base, const CommandLine& line) {
    Scenario scenario = base.scenario;
    for (std::size_t i = 0; i < base.experiment->params.size(); ++i) {
        const std::string& name = base.experiment->params[i].name;
        if (line.given(name)) {
            scenario.values[i] = line.value(name);
        }
    }
    if (line.given("seed")) {
        scenario.seed = static_cast<std::uint64_t>(std::get<std::int64_t>(line.value("seed")));
    }
    return scenario;
}

/// Says which of the flags given change nothing under the values chosen.
void note_irrelevant(const Experiment& experiment, const Scenario& scenario,
                     const CommandLine& line) {
    const std::vector<bool> relevant = experiment.relevant(scenario.values);
    for (std::size_t i = 0; i < relevant.size(); ++i) {
        if (!relevant[i] && line.given(experiment.params[i].name)) {
            note(fmt::format("note: --{} changes nothing with these values",
                             experiment.params[i].name));
        }
    }
}

Outcome computed(const Experiment& experiment, const Scenario& scenario) {
    Progress progress(experiment.id);
    RunContext context;
    context.seed = scenario.seed;
    context.device = scenario.device;
    context.progress = [&progress](double share) {
        progress.show(share, fmt::format("{:.0f} %", 100 * share));
    };
    return evaluate(experiment, scenario.values, context);
}

}  // namespace

int run_command(const Words& words) {
    const Base base = base_of("run", words);
    const std::string id = base.experiment ? base.experiment->id : "ID";
    CommandLine line(fmt::format("run {} [--param value]... [--out FILE]... [--json]", id),
                     base.experiment ? base.experiment->title + ": " + base.experiment->question
                                     : "Computes an experiment once, prints what it found, and "
                                       "writes its charts. `nibble run ID --help` lists the "
                                       "parameters of one.");
    line.positional("ID", base.experiment ? "" : "An experiment, as `nibble list` names it.",
                    false);
    if (base.experiment) {
        line.add_schema(*base.experiment);
    }
    add_common_flags(line, base.experiment);
    add_output_flags(line);
    line.footer("Examples", {fmt::format("nibble run {}", id),
                             fmt::format("nibble run {} --out chart.svg --out data.csv", id),
                             fmt::format("nibble run {} --seed 7 --json", id),
                             "nibble run --scenario chart.svg --out chart.pdf"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    Scenario scenario = chosen(base, line);
    const ExportOptions options = export_options(line);
    for (const std::string& path : line.texts("out")) {
        check_output(path, export_suffixes());
    }
    const bool json = line.is_on("json");
    note_irrelevant(*base.experiment, scenario, line);
    use_threads(line);
    use_device(line, *base.experiment, scenario);
    const Outcome outcome = computed(*base.experiment, scenario);
    std::string written;
    for (const std::string& path : line.texts("out")) {
        export_outcome(outcome, scenario, all_experiments(), path, options);
        if (json) {
            note("wrote " + path);
        } else {
            written += "wrote " + path + "\n";
        }
    }
    if (json) {
        print(report_json(outcome, scenario).dump(2) + "\n");
        return 0;
    }
    print(report(outcome) + (written.empty() ? "" : "\n" + written));
    return 0;
}

}  // namespace nibble
