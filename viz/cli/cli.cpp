#include "viz/cli/cli.hpp"

#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <new>

#include "sim/core/text.hpp"
#include "sim/core/version.hpp"
#include "sim/experiments/all.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/terminal.hpp"

namespace nibble {
namespace {

constexpr int done = 0, failed = 1, wrong_command = 2, our_bug = 3;
constexpr int ended_by_interrupt = 128 + 2, ended_by_closed_pipe = 128 + 13;  // as a shell has it

struct Command {
    std::string word, operands, does;
    std::function<int(const Words&, const OpenWindow&)> run;
};

/// A command that has no use for a window.
std::function<int(const Words&, const OpenWindow&)> plain(int (*command)(const Words&)) {
    return [command](const Words& words, const OpenWindow&) { return command(words); };
}

const std::vector<Command>& commands() {
    static const std::vector<Command> all = {
        {"list", "", "the experiments", plain(list_command)},
        {"show", "ID", "an experiment's question and parameters", plain(show_command)},
        {"run", "ID", "compute it once: findings, charts, data", plain(run_command)},
        {"sweep", "ID", "compute it over a grid of parameters into one table",
         plain(sweep_command)},
        {"open", "FILE", "the scenario inside an exported chart", open_command},
        {"inspect", "FILE", "the tensors in a .npy, .safetensors or .gguf file",
         plain(inspect_command)},
        {"kernels", "[ID]", "the GPU kernels, rung by rung, and what they ask of memory",
         plain(kernels_command)},
        {"measure", "", "how fast this machine is: memory, arithmetic, kernels",
         plain(measure_command)},
        {"generate", "", "a model goes on with a text", plain(generate_command)},
        {"speculate", "", "a small model drafts what a large one writes", plain(speculate_command)},
        {"perplexity", "", "how surprised a model is by a text", plain(perplexity_command)},
        {"capture", "", "what a layer of a model reads, as input for calibration",
         plain(capture_command)},
        {"quantize", "IN", "a layer or a model through GPTQ, AWQ and others",
         plain(quantize_command)},
        {"train", "", "a small model from nothing", plain(train_command)},
        {"lesson", "[NN]", "lessons: list, read, check, print, hand in", lesson_command},
        {"grade", "FILE...", "hand-ins of a lesson into grades", plain(grade_command)},
        {"devices", "", "the machines that the labs know, with sources", plain(devices_command)},
        {"models", "", "the models that the labs know, with sources", plain(models_command)},
    };
    return all;
}

std::string overview() {
    std::string lines;
    for (const Command& c : commands()) {
        lines += fmt::format("  {:20}  {}\n", c.word + (c.operands.empty() ? "" : " " + c.operands),
                             c.does);
    }
    return fmt::format(
        "Nibble {0}: a laboratory for the efficiency of LLM inference.\n"
        "\n"
        "Usage: nibble               open the window; nibble --theme light, --projector, --size\n"
        "                            WxH, --screenshot FILE.png: how, and a picture of it\n"
        "       nibble COMMAND ...   work without one\n"
        "\n"
        "Commands\n"
        "{1}"
        "  help COMMAND          more about one; the same as nibble COMMAND --help\n"
        "\n"
        "Examples\n"
        "  nibble run quantizer --help\n"
        "  nibble run quantizer --out chart.svg\n"
        "  nibble open chart.svg --command\n"
        "\n"
        "Answers go to standard output, everything else to standard error. The exit status is 0;\n"
        "1 when the work failed; 2 when the command was wrong; 3 for a bug in Nibble.\n",
        version, lines);
}

std::string without_dashes(const std::string& word) {
    return word.substr(std::min(word.find_first_not_of('-'), word.size()));
}

[[noreturn]] void refuse_command(const std::string& word) {
    const std::string what = fmt::format("no command \"{}\"", word);
    for (const Experiment& e : all_experiments()) {
        if (e.id == word) {
            throw Error(Error::Code::bad_param, what, fmt::format("did you mean run {}?", word));
        }
    }
    std::error_code ignored;
    if (std::filesystem::is_regular_file(word, ignored)) {
        throw Error(Error::Code::bad_param, what,
                    fmt::format("did you mean open {0} or inspect {0}?", word));
    }
    Words known = {"help", "version"};
    for (const Command& c : commands()) {
        known.push_back(c.word);
    }
    const std::string near = nearest(without_dashes(word), known);
    throw Error(
        Error::Code::bad_param, what,
        near.empty() ? "`nibble --help` lists them" : fmt::format("did you mean {}?", near));
}

int obey(const std::string& word, Words rest, const OpenWindow& open_window) {
    if (word == "help" && !rest.empty()) {
        const std::string about = rest[0];
        rest.erase(rest.begin());
        rest.push_back("--help");
        return obey(about == "help" ? "--help" : about, rest, open_window);
    }
    for (const Command& c : commands()) {
        if (c.word == word) {
            return c.run(rest, open_window);
        }
    }
    if (word.empty() || word == "help" || word == "--help" || word == "-h") {
        print(overview());
        return done;
    }
    if (word == "version" || word == "--version" || word == "-V") {
        print(fmt::format("nibble {}\n", version));
        return done;
    }
    refuse_command(word);
}

}  // namespace

int run_command_line(int argc, const char* const* argv, const OpenWindow& open_window) {
    const Words words(argv + std::min(argc, 1), argv + argc);
    try {
        return obey(words.empty() ? "" : words[0],
                    words.empty() ? Words{} : Words(words.begin() + 1, words.end()), open_window);
    } catch (const ClosedPipe&) { return ended_by_closed_pipe; } catch (const Error& e) {
        if (e.code() == Error::Code::cancelled) {
            note("nibble: stopped; " + (e.hint().empty() ? "nothing was written" : e.hint()));
            return ended_by_interrupt;
        }
        note("nibble: " + e.line());
        return e.code() == Error::Code::bad_param ? wrong_command : failed;
    } catch (const std::bad_alloc&) {
        note("nibble: there is not enough memory; make the experiment smaller");
        return failed;
    } catch (const std::exception& e) {
        note(fmt::format("nibble: this is a bug in Nibble: {}; please report it with the command",
                         e.what()));
        return our_bug;
    }
}

}  // namespace nibble
