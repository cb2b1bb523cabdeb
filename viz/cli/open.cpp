// `nibble open FILE`: the scenario inside an exported chart, back in the window, or as the command
// or the JSON that gives the same result.
#include "sim/experiments/all.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/figure/export.hpp"

namespace nibble {

int open_command(const Words& words, const OpenWindow& open_window) {
    CommandLine line("open FILE [--json | --command]",
                     "Opens the window on the scenario inside an exported chart (.svg, .pdf, .png, "
                     ".csv, .json) or a saved scenario. Without a display it prints the command "
                     "that gives the same result.");
    line.positional("FILE", "An exported chart, its data, or a scenario.");
    line.add(switch_flag("json", "Print the scenario as JSON instead."), "Output");
    line.add(switch_flag("command", "Print the command instead."), "Output");
    line.footer("Examples", {"nibble open chart.svg", "nibble open chart.svg --command"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    const Experiments& all = all_experiments();
    const Scenario scenario = read_scenario(line.text("FILE"), all);
    if (line.is_on("json")) {
        print(to_json_text(scenario, all) + "\n");
        return 0;
    }
    if (!line.is_on("command")) {
        try {
            if (open_window) {
                return open_window({scenario});
            }
            note("nibble: no window can be opened here; this gives the same result");
        } catch (const Error& e) {
            if (e.code() != Error::Code::no_device) {
                throw;
            }
            note("nibble: " + e.line() + "; this gives the same result");
        }
    }
    print(to_command(scenario, all) + "\n");
    return 0;
}

}  // namespace nibble
