// Flags and their help, read from a schema.
//
// Every flag is a ParamInfo: those of an experiment come from its declaration, the few that all
// experiments share (--seed, --out) are made here. CLI11 collects the words and lays out the help;
// ParamInfo reads and checks the values, so a flag, a slider and a scenario refuse alike.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/experiment.hpp"

namespace nibble {

using Words = std::vector<std::string>;

/// Whole numbers up to here are exact as doubles, which ranges are made of: "no limit".
inline constexpr double whole_limit = 0x1p53;

/// A flag that needs no value and is false unless given.
ParamInfo switch_flag(std::string name, std::string help);
ParamInfo text_flag(std::string name, std::string help);
ParamInfo file_flag(std::string name, const std::vector<std::string>& suffixes, std::string help);
/// The help of these is "title: range (default).".
ParamInfo whole_flag(std::string name, std::int64_t fallback, Range range, std::string title);
ParamInfo real_flag(std::string name, double fallback, Range range, std::string title);
/// The first choice is the default.
ParamInfo choice_flag(std::string name, const std::vector<std::string>& choices, std::string title);

/// How the values of a flag are written.
enum class Takes {
    one,   // one value; the last one given counts
    many,  // may be given again and again
    grid,  // a list or a range of values, checked by parse_axis
};

/// The words of one command: which flags it knows, which were given, and its help.
class CommandLine {
public:
    /// `usage` is what follows "nibble "; `about` a sentence or two.
    CommandLine(std::string usage, std::string about);
    ~CommandLine();

    /// A word without dashes, in order; `name` as in the usage.
    void positional(const std::string& name, const std::string& help, bool required = true);
    /// `heading` groups flags in the help. The placeholder stands for the value there.
    void add(const ParamInfo& info, const std::string& heading, const std::string& placeholder = {},
             Takes takes = Takes::one);
    /// Every parameter of the experiment, primary ones first.
    void add_schema(const Experiment& experiment, Takes takes = Takes::one);
    /// Lines under a heading at the end of the help.
    void footer(const std::string& heading, const std::vector<std::string>& lines);

    /// Returns false when help was asked for. Throws Error::bad_param for an unknown flag (naming
    /// the nearest), a missing value or a word too many.
    bool parse(const Words& words);
    std::string help() const;

    bool given(std::string_view name) const;
    /// The last text given, or "". Of a positional too.
    std::string text(std::string_view name) const;
    std::vector<std::string> texts(std::string_view name) const;
    /// The text read and checked by its ParamInfo; the default when it was not given.
    Value value(std::string_view name) const;
    template <class T>
    T get(std::string_view name) const {
        return std::get<T>(value(name));
    }
    bool is_on(std::string_view name) const { return std::get<bool>(value(name)); }
    /// The names of the flags given, in the order of the words.
    std::vector<std::string> order() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

bool asks_for_help(const Words& words);

/// The first word when it is no flag, else the first word that is the id of an experiment, or "".
std::string experiment_word(const Words& words, const std::vector<std::string>& ids);

}  // namespace nibble
