#include "viz/cli/flags.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <sstream>

#include "sim/core/error.hpp"
#include "sim/core/text.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/text.hpp"

namespace nibble {
namespace {

constexpr std::size_t help_column = 26;

ParamInfo common_flag(std::string name, ParamType type, Value fallback, Range range = {}) {
    ParamInfo p;
    p.name = std::move(name);
    p.type = type;
    p.default_value = std::move(fallback);
    p.range = range;
    return p;
}

/// --group-size is --group_size.
std::string snake(std::string name) {
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

bool is_boolean_word(const std::string& word) {
    static const Words known = {"true", "1", "on", "yes", "false", "0", "off", "no"};
    return std::find(known.begin(), known.end(), word) != known.end();
}

std::string placeholder_of(ParamType type, Takes takes) {
    if (takes == Takes::grid) {
        return "VALUES";
    }
    switch (type) {
        case ParamType::boolean:
            return "";
        case ParamType::integer:
            return "N";
        case ParamType::real:
            return "X";
        case ParamType::choice:
            return "NAME";
        case ParamType::text:
            return "TEXT";
        case ParamType::file:
            return "FILE";
    }
    broken_invariant("type", "a parameter type is not handled", __FILE__, __LINE__);
}

/// "Bits per code: 2 to 8 bit (default 4). Fewer bits, coarser levels." A flag without a title has
/// only its sentence.
std::string described(const ParamInfo& p) {
    if (p.title.empty()) {
        return p.sentence;
    }
    const std::string fallback = to_text(p.default_value);
    return fmt::format("{}: {} (default {}).{}{}", p.title, p.accepts(),
                       fallback.empty() ? "none" : fallback, p.sentence.empty() ? "" : " ",
                       p.sentence);
}

/// CLI11's help in our layout: descriptions wrapped to the page, one blank line between groups.
class Help : public CLI::Formatter {
public:
    std::string make_option(const CLI::Option* option, bool is_positional) const override {
        std::string left =
            "  " + (is_positional ? option->get_name(true) : "--" + option->get_lnames().at(0));
        if (!is_positional && !option->get_option_text().empty()) {
            left += " " + option->get_option_text();
        }
        std::string right = wrapped(option->get_description(), page_width(), help_column);
        if (columns_of(left) + 2 > help_column) {
            return left + "\n" + right;
        }
        return left + right.substr(columns_of(left));
    }
    std::string make_group(std::string group, bool is_positional,
                           std::vector<const CLI::Option*> options) const override {
        std::string text = "\n" + group + "\n";
        for (const CLI::Option* option : options) {
            text += make_option(option, is_positional);
        }
        return text;
    }
    std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
        std::string text = wrapped(app->get_description(), page_width());
        text += "\nUsage: nibble " + app->get_name() + "\n";
        for (const CLI::Option* option : app->get_options([](const CLI::Option* o) {
                 return o->get_positional() && !o->get_description().empty();
             })) {
            text += make_option(option, true);
        }
        for (const std::string& group : app->get_groups()) {
            const auto options = app->get_options([&group](const CLI::Option* option) {
                return option->get_group() == group && option->nonpositional();
            });
            if (!options.empty()) {
                text += make_group(group, false, options);
            }
        }
        return text + app->get_footer();
    }
};

}  // namespace

ParamInfo switch_flag(std::string name, std::string help) {
    ParamInfo p = common_flag(std::move(name), ParamType::boolean, false);
    p.sentence = std::move(help);
    return p;
}

ParamInfo text_flag(std::string name, std::string help) {
    ParamInfo p = common_flag(std::move(name), ParamType::text, std::string());
    p.sentence = std::move(help);
    return p;
}

ParamInfo file_flag(std::string name, const std::vector<std::string>& suffixes, std::string help) {
    ParamInfo p = text_flag(std::move(name), std::move(help));
    p.type = ParamType::file;
    p.suffixes = suffixes;
    return p;
}

ParamInfo whole_flag(std::string name, std::int64_t fallback, Range range, std::string title) {
    ParamInfo p = common_flag(std::move(name), ParamType::integer, fallback, range);
    p.title = std::move(title);
    return p;
}

ParamInfo real_flag(std::string name, double fallback, Range range, std::string title) {
    ParamInfo p = common_flag(std::move(name), ParamType::real, fallback, range);
    p.title = std::move(title);
    return p;
}

ParamInfo choice_flag(std::string name, const std::vector<std::string>& choices,
                      std::string title) {
    ParamInfo p = common_flag(std::move(name), ParamType::choice, choices.at(0));
    p.title = std::move(title);
    for (const std::string& choice : choices) {
        p.choices.push_back({choice, choice});
    }
    return p;
}

struct CommandLine::Inside {
    struct Flag {
        ParamInfo info;
        Takes takes = Takes::one;
        CLI::Option* option = nullptr;
    };
    CLI::App app;
    std::map<std::string, Flag, std::less<>> flags;
    std::map<std::string, std::pair<CLI::Option*, bool>, std::less<>> positionals;  // required?

    const Flag* find(const std::string& name) const {
        const auto found = flags.find(snake(name));
        return found == flags.end() ? nullptr : &found->second;
    }

    /// The flag that a word like "--bits" or "--bits=4" names, or null.
    const Flag* flag_of(const std::string& word) const {
        return word.starts_with("--") ? find(word.substr(2, word.find('=') - 2)) : nullptr;
    }

    [[noreturn]] void refuse_unknown(const std::string& word) const {
        const std::string name = word.substr(0, word.find('='));
        Words known;
        for (const auto& [key, flag] : flags) {
            known.push_back(key);
        }
        const std::string near =
            nearest(snake(name.substr(std::min<std::size_t>(2, name.size()))), known);
        throw Error(Error::Code::bad_param, "no parameter " + name,
                    near.empty() ? fmt::format("`nibble {} --help` lists them", command())
                                 : fmt::format("did you mean --{}?", near));
    }

    /// "run quantizer" of the usage "run quantizer [--param value]...", "open" of "open FILE".
    std::string command() const {
        std::istringstream usage(app.get_name());
        std::string words, word;
        while (usage >> word && std::islower(static_cast<unsigned char>(word[0])) != 0) {
            words += (words.empty() ? "" : " ") + word;
        }
        return words;
    }

    std::string value_after(const Words& words, std::size_t i, const Flag& flag) const {
        if (i + 1 == words.size() || flag_of(words[i + 1])) {
            throw Error(Error::Code::bad_param, fmt::format("--{} needs a value", flag.info.name),
                        "it takes " + flag.info.accepts());
        }
        return words[i + 1];
    }

    /// Each flag as two words, its name and its value, whichever way it was written. CLI11 alone
    /// would take the word after a boolean flag for its value, and the word after `--text=` too.
    /// Throws Error::bad_param for an unknown flag and for a value that is not there.
    Words paired(const Words& words) const {
        Words pairs;
        for (std::size_t i = 0; i < words.size(); ++i) {
            const std::string& word = words[i];
            const Flag* flag = flag_of(word);
            if (!flag) {
                if (word.size() > 1 && word[0] == '-') {
                    refuse_unknown(word);
                }
                pairs.push_back(word);
                continue;
            }
            const auto equals = word.find('=');
            std::string value = "true";
            if (equals != std::string::npos) {
                value = word.substr(equals + 1);
            } else if (flag->info.type != ParamType::boolean || flag->takes == Takes::grid) {
                value = value_after(words, i++, *flag);
            } else if (i + 1 < words.size() && is_boolean_word(words[i + 1])) {
                value = words[++i];
            }
            pairs.push_back("--" + flag->info.name);
            pairs.push_back(value);
        }
        return pairs;
    }
};

CommandLine::CommandLine(std::string usage, std::string about)
    : inside_(std::make_unique<Inside>()) {
    CLI::App& app = inside_->app;
    app.name(std::move(usage));
    app.description(std::move(about));
    app.formatter(std::make_shared<Help>());
    app.set_help_flag();  // none: help is asked for before the flags are known
    app.allow_extras();
}

CommandLine::~CommandLine() = default;

void CommandLine::positional(const std::string& name, const std::string& help, bool required) {
    CLI::Option* option = inside_->app.add_option(name)->description(help);
    inside_->positionals[name] = {option, required};
}

void CommandLine::add(const ParamInfo& info, const std::string& heading,
                      const std::string& placeholder, Takes takes) {
    NIBBLE_ASSERT(!inside_->flags.contains(info.name),
                  "a parameter may not have the name of a flag of ours: --seed, --out, ...");
    CLI::Option* option = inside_->app.add_option("--" + info.name);
    option->description(described(info))->group(heading);
    option->option_text(placeholder.empty() ? placeholder_of(info.type, takes) : placeholder);
    option->multi_option_policy(takes == Takes::many ? CLI::MultiOptionPolicy::TakeAll
                                                     : CLI::MultiOptionPolicy::TakeLast);
    inside_->flags[info.name] = {info, takes, option};
}

void CommandLine::add_schema(const Experiment& experiment, Takes takes) {
    const auto add_where = [&](const std::string& heading, const auto& wanted) {
        for (const ParamInfo& p : experiment.params) {
            if (wanted(p)) {
                add(p, heading, {}, takes);
            }
        }
    };
    const auto is_view = [](const ParamInfo& p) { return p.role == ParamRole::view; };
    add_where("Parameters", [&](const auto& p) { return !is_view(p) && !p.is_advanced; });
    add_where("More parameters", [&](const auto& p) { return !is_view(p) && p.is_advanced; });
    add_where("View parameters: they change what is drawn, not what is computed", is_view);
}

void CommandLine::footer(const std::string& heading, const std::vector<std::string>& lines) {
    inside_->app.footer(fmt::format("{}\n{}\n  {}\n", inside_->app.get_footer(), heading,
                                    fmt::join(lines, "\n  ")));
}

bool CommandLine::parse(const Words& words) {
    if (asks_for_help(words)) {
        return false;
    }
    Words pairs = inside_->paired(words);
    std::reverse(pairs.begin(), pairs.end());  // what CLI11 wants of a vector
    try {
        inside_->app.parse(pairs);
    } catch (const CLI::ParseError& e) { throw Error(Error::Code::bad_param, e.what()); }
    if (const Words extra = inside_->app.remaining(); !extra.empty()) {
        throw Error(Error::Code::bad_param, fmt::format("unexpected word \"{}\"", extra[0]),
                    "the usage is nibble " + inside_->app.get_name());
    }
    for (const auto& [name, word] : inside_->positionals) {
        if (word.second && word.first->results().empty()) {
            throw Error(Error::Code::bad_param,
                        fmt::format("{} needs {}", inside_->command(), name),
                        "the usage is nibble " + inside_->app.get_name());
        }
    }
    return true;
}

std::string CommandLine::help() const {
    return inside_->app.help();
}

std::vector<std::string> CommandLine::texts(std::string_view name) const {
    if (const auto word = inside_->positionals.find(name); word != inside_->positionals.end()) {
        return word->second.first->results();
    }
    const auto flag = inside_->flags.find(name);
    NIBBLE_ASSERT(flag != inside_->flags.end(), "a flag is asked for that was never added");
    return flag->second.option->results();
}

bool CommandLine::given(std::string_view name) const {
    return !texts(name).empty();
}

std::string CommandLine::text(std::string_view name) const {
    const Words all = texts(name);
    return all.empty() ? "" : all.back();
}

Value CommandLine::value(std::string_view name) const {
    const auto flag = inside_->flags.find(name);
    NIBBLE_ASSERT(flag != inside_->flags.end(), "a flag is asked for that was never added");
    const ParamInfo& info = flag->second.info;
    return given(name) ? info.parsed(text(name)) : info.default_value;
}

std::vector<std::string> CommandLine::order() const {
    std::vector<std::string> names;
    for (const CLI::Option* option : inside_->app.parse_order()) {
        for (const auto& [name, flag] : inside_->flags) {
            if (flag.option == option &&
                std::find(names.begin(), names.end(), name) == names.end()) {
                names.push_back(name);
            }
        }
    }
    return names;
}

bool asks_for_help(const Words& words) {
    return std::any_of(words.begin(), words.end(),
                       [](const std::string& w) { return w == "--help" || w == "-h"; });
}

std::string experiment_word(const Words& words, const std::vector<std::string>& ids) {
    if (!words.empty() && !words[0].starts_with('-')) {
        return words[0];
    }
    const auto found = std::find_first_of(words.begin(), words.end(), ids.begin(), ids.end());
    return found == words.end() ? "" : *found;
}

}  // namespace nibble
