// `nibble list` and `nibble show ID`: what there is to explore, read from the declarations.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/json_object.hpp"
#include "sim/core/text.hpp"
#include "sim/experiments/all.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/text.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

std::string_view name(ParamType type) {
    static constexpr std::string_view names[] = {"boolean", "integer", "real",
                                                 "choice",  "text",    "file"};
    return names[static_cast<int>(type)];
}

std::string_view name(Scale scale) {
    static constexpr std::string_view names[] = {"linear", "log10", "log2"};
    return names[static_cast<int>(scale)];
}

Json experiment_json(const Experiment& e) {
    return {{"id", e.id}, {"group", e.group}, {"title", e.title}, {"question", e.question}};
}

Json parameter_json(const ParamInfo& p) {
    Json j = {{"name", p.name}, {"title", p.title}, {"type", name(p.type)}};
    if (p.type == ParamType::integer) {
        j["min"] = static_cast<std::int64_t>(p.range.min);
        j["max"] = static_cast<std::int64_t>(p.range.max);
        j["scale"] = name(p.range.scale);
    }
    if (p.type == ParamType::real) {
        j["min"] = p.range.min;
        j["max"] = p.range.max;
        j["scale"] = name(p.range.scale);
    }
    for (const Choice& c : p.choices) {
        j["choices"].push_back({{"name", c.name}, {"label", c.label}});
    }
    if (p.type == ParamType::file) {
        j["suffixes"] = p.suffixes;
    }
    j["unit"] = p.unit_name;
    j["default"] = json_of(p.default_value);
    j["help"] = p.sentence;
    j["role"] = p.role == ParamRole::view ? "view" : "data";
    j["advanced"] = p.is_advanced;
    return j;
}

/// "default 4, 2 to 8 bit, more, view"
std::string facts(const ParamInfo& p) {
    const std::string fallback = to_text(p.default_value);
    return fmt::format("{}; default {}{}{}", p.accepts(), fallback.empty() ? "none" : fallback,
                       p.role == ParamRole::view ? "; view only" : "",
                       p.is_advanced ? "; advanced" : "");
}

std::string described(const Experiment& e) {
    const std::size_t width = page_width();
    std::string text = fmt::format("{}  ({}, under {})\n", e.title, e.id, e.group);
    text += wrapped(e.question, width) + "\n";
    for (const ParamInfo& p : e.params) {
        text += fmt::format("--{}  {}\n", p.name, p.title);
        text += wrapped(facts(p), width, 6);
        if (!p.sentence.empty()) {
            text += wrapped(p.sentence, width, 6);
        }
    }
    return text + fmt::format("\nTry: nibble run {}\n", e.id);
}

}  // namespace

int list_command(const Words& words) {
    CommandLine line("list [--json | --ids]", "Names every experiment, in teaching order.");
    line.add(switch_flag("json", "As JSON, for programs."), "Output");
    line.add(switch_flag("ids", "Only the ids, one a line, for scripts."), "Output");
    line.footer("Examples", {"nibble list", "nibble list --ids | xargs -n 1 nibble run"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    Json all = Json::array();
    std::string ids, text, group;
    std::size_t widest = 0;
    for (const Experiment& e : all_experiments()) {
        widest = std::max(widest, e.id.size());
    }
    for (const Experiment& e : all_experiments()) {
        all.push_back(experiment_json(e));
        ids += e.id + "\n";
        if (e.group != group) {
            group = e.group;
            text += (text.empty() ? "" : "\n") + group + "\n";
        }
        const std::size_t indent = widest + 4;
        text += fmt::format("  {:<{}}", e.id, widest + 2) +
                wrapped(e.title + ": " + e.question, page_width(), indent).substr(indent);
    }
    print(line.is_on("json") ? all.dump(2) + "\n" : line.is_on("ids") ? ids : text);
    return 0;
}

int show_command(const Words& words) {
    CommandLine line("show ID [--json]",
                     "Describes an experiment: its question and its parameters with their types, "
                     "ranges, units and defaults.");
    line.positional("ID", "An experiment, as `nibble list` names it.");
    line.add(switch_flag("json", "As JSON, for programs."), "Output");
    const std::string example = "nibble show " + all_experiments().back().id;
    line.footer("Examples", {example, example + " --json"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    const Experiment& e = find_experiment(all_experiments(), line.text("ID"));
    if (!line.is_on("json")) {
        print(described(e));
        return 0;
    }
    Json j = experiment_json(e);
    j["parameters"] = Json::array();
    for (const ParamInfo& p : e.params) {
        j["parameters"].push_back(parameter_json(p));
    }
    print(j.dump(2) + "\n");
    return 0;
}

}  // namespace nibble
