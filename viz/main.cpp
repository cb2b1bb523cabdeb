// `nibble` alone, or with options of the window, opens the window; with a word after it, it is the
// command line.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>

#include "sim/core/error.hpp"
#include "viz/cli/cli.hpp"

#if NIBBLE_GUI
#include <CLI/CLI.hpp>

#include "sim/experiments/all.hpp"
#include "viz/app/app.hpp"
#include "viz/figure/export.hpp"

namespace {

using namespace nibble;

constexpr const char* no_display =
    "nibble: there is no display to open a window on\n"
    "Compute without one: `nibble list` shows the labs, `nibble run quantizer --out chart.svg` "
    "draws "
    "one.\nOver ssh, `ssh -X` brings the display along.\n";

/// An id opens that lab on its defaults; anything else is a file that holds a scenario.
Scenario scenario_named(const std::string& name) {
    for (const Experiment& e : all_experiments()) {
        if (e.id == name) {
            Scenario scenario;
            scenario.experiment = e.id;
            scenario.values = e.defaults();
            return scenario;
        }
    }
    return read_scenario(name, all_experiments());
}

std::pair<int, int> size_from(const std::string& text) {
    int width = 0, height = 0;
    char rest = 0;
    if (std::sscanf(text.c_str(), "%dx%d%c", &width, &height, &rest) != 2 || width < 900 ||
        height < 600 || width > 16384 || height > 16384) {
        throw Error(Error::Code::bad_param, "--size = \"" + text + "\" is not a window's size",
                    "WIDTHxHEIGHT from 900x600, such as 1280x800");
    }
    return {width, height};
}

int open_window(const WindowOptions& options) {
    if (!has_display()) {
        std::fputs(no_display, stderr);
        return 1;
    }
    return run_window(options);
}

/// Says in words of ours what is wrong with words that CLI11 has refused.
[[noreturn]] void refuse_words(int argc, char** argv) {
    static const std::pair<std::string_view, std::string_view> takes[] = {
        {"--frames", "a number of frames, such as 60"},
        {"--screenshot", "the PNG to write, such as window.png"},
        {"--theme", "dark or light"},
        {"--size", "WIDTHxHEIGHT, such as 1280x800"},
        {"--lesson", "a lesson, such as 02"},
        {"--page", "a page of the lesson, from 1"},
    };
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const std::string_view flag = word.substr(0, word.find('='));
        for (const auto& [name, what] : takes) {
            const bool bare = flag == word && (i + 1 == argc || argv[i + 1][0] == '-');
            if (flag == name && (bare || word.ends_with('=') || name == "--frames")) {
                throw Error(Error::Code::bad_param, std::string(name) + " needs a value",
                            "it takes " + std::string(what));
            }
        }
        const bool known = flag == "--projector" || flag == "--present" ||
                           std::any_of(std::begin(takes), std::end(takes),
                                       [&](const auto& t) { return t.first == flag; });
        if (flag.starts_with("-") && !known) {
            throw Error(
                Error::Code::bad_param, "no option " + std::string(flag),
                "the window takes --theme, --projector, --size, --screenshot, --frames, --lesson, "
                "--page and --present");
        }
    }
    throw Error(Error::Code::bad_param, "too many words",
                "the window takes one lab, or one file, and its options");
}

int window_command(int argc, char** argv) {
    CLI::App cli("Opens the window. `nibble help` tells about the command line.", "nibble");
    WindowOptions options;
    std::string theme, size, what;
    bool projector = false;
    std::size_t page = 1;
    cli.add_option("--frames", options.frames, "render this many frames once idle, then quit");
    cli.add_option("--screenshot", options.screenshot,
                   "write what is on the screen to this PNG, then quit");
    cli.add_option("--theme", theme, "dark or light");
    cli.add_flag("--projector", projector, "white and large, for a room");
    cli.add_option("--size", size, "of the window: 1280x800");
    cli.add_option("--lesson", options.lesson, "read this lesson beside the lab");
    cli.add_option("--page", page, "of the lesson, from 1");
    cli.add_flag("--present", options.presents, "the lesson for a room");
    cli.add_option("what", what, "a lab's id, or a file: scenario or exported chart");
    try {
        cli.parse(argc, argv);
    } catch (const CLI::CallForHelp& e) { return cli.exit(e); } catch (const CLI::ParseError&) {
        refuse_words(argc, argv);
    }
    if (!what.empty()) {
        options.start = scenario_named(what);
    }
    options.lesson_page = page > 0 ? page - 1 : 0;
    if (!theme.empty()) {
        options.theme = theme_kind(theme);
    }
    if (projector) {
        if (options.theme && *options.theme == ThemeKind::dark) {
            throw Error(Error::Code::bad_param, "--theme dark does not go with --projector",
                        "the projector's page is white: leave one of them out");
        }
        options.projector = true;
    }
    if (!size.empty()) {
        options.size = size_from(size);
    }
    // A picture for a page must not depend on who takes it.
    options.remembers = options.frames == 0 && options.screenshot.empty();
    return open_window(options);
}

bool is_for_window(int argc, char** argv) {
    if (argc < 2) {
        return true;
    }
    const std::string_view first = argv[1];
    for (const std::string_view flag : {"--frames", "--screenshot", "--theme", "--projector",
                                        "--size", "--lesson", "--page", "--present"}) {
        if (first == flag || (first.starts_with(flag) && first[flag.size()] == '=')) {
            return true;
        }
    }
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGXFSZ, SIG_IGN);  // a limit on files then fails a write, as a full disk does
    try {
        if (is_for_window(argc, argv)) {
            return window_command(argc, argv);
        }
        return run_command_line(argc, argv, [](const WindowRequest& request) {
            if (!has_display()) {  // `open` then prints the command that gives the same result
                throw Error(Error::Code::no_device, "there is no display to open a window on");
            }
            WindowOptions options;
            options.start = request.scenario;
            options.lesson = request.lesson;
            options.lesson_page = request.page;
            options.presents = request.presents;
            return run_window(options);
        });
    } catch (const nibble::Error& e) {
        std::fprintf(stderr, "nibble: %s\n", e.line().c_str());
        return e.code() == Error::Code::bad_param ? 2 : 1;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "nibble: this is a bug in Nibble, please report it: %s\n", e.what());
        return 3;
    }
}

#else

int main(int argc, char** argv) {
    std::signal(SIGXFSZ, SIG_IGN);
    return nibble::run_command_line(argc, argv);
}

#endif
