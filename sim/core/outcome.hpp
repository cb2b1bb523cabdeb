// What an experiment answers: figures, metrics, tables, and sentences computed from the values.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/core/figure.hpp"

namespace nibble {

/// Where a number comes from. Shown as a badge, exported with the data. `measured_here` says that
/// something was really done and looked at: an error that a quantizer made, the same in every run,
/// or a time, which is not; the latter are also `timed`.
struct Origin {
    enum class Kind { measured_here, recorded, computed, datasheet, published, assumed };
    Kind kind = Kind::computed;
    std::string source = {};  // the machine, the sheet, the paper; empty for computed
};
/// "computed", "measured here: <source>", "recorded on <source>", ...
std::string badge(const Origin& origin);
std::string_view name(Origin::Kind kind);

/// Which way a metric improves; colours the difference to a pinned run.
enum class Better { neither, lower, higher };

struct Metric {
    std::string name;   // snake_case, its formula's name: JSON key and CSV column
    std::string label;  // "Mean squared error"
    double value = 0;
    std::string unit = {};
    Origin origin = {};
    Better better = Better::neither;
    NumberStyle style = NumberStyle::plain;
    int digits = 3;
    /// Read off a clock, or made of what was: different in every run. Only times and rates of real
    /// hardware, never of the emulator.
    bool timed = false;
};

struct Table {
    using Cell = std::variant<std::int64_t, double, std::string>;
    struct Column {
        std::string name;  // snake_case
        std::string unit = {};
    };
    std::string name;
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows;
    bool timed = false;  // holds values off a clock
};

/// An equation and the same with the live values in it. Plain text in Unicode; a letter run is set
/// in italics, "_{...}" lowers and "^{...}" raises: "s = max|w| / (2^{b-1} - 1)".
struct Equation {
    std::string symbols;
    std::string values;
    std::string note = {};  // "group 12 of 128"
};

/// Something that goes on step by step. The window shows it under the figures, with play, step back
/// and forward; it moves the view parameter `param`.
struct Timeline {
    struct Mark {
        std::int64_t at = 0;
        std::string label;  // on hover: "preemption of request 12"
    };
    std::string param;  // an integer with the role `view`
    std::int64_t first = 0, last = 0;
    std::string step_name = "step";  // "step 118 of 200"
    double steps_a_second = 8;       // while it plays
    std::vector<Mark> marks = {};    // what to look out for
    std::string marks_meaning = {};  // "preemptions"
};

struct Outcome {
    std::string finding;      // one sentence, computed: the headline
    std::string explanation;  // one or two sentences with the numbers in them, computed
    std::vector<FigureRow> rows;
    std::vector<Metric> metrics;  // the first four or five are headlines
    std::vector<Table> tables;
    std::vector<Equation> equations;
    std::optional<Timeline> timeline = {};
    std::string sampling = {};  // what was left out, when not everything was computed; else empty

    /// Throws BrokenInvariant when there is no such metric.
    const Metric& metric(std::string_view name) const;
};

/// The outcome without its timed metrics, tables and figures: what "same seed, same result" is
/// about. Tests of determinism hash it and grading compares it. Sentences never quote timed values.
Outcome reproducible(Outcome outcome);

/// Everything in the outcome, figures' data included: what `--out x.json` writes. NaN and
/// infinities become null.
nlohmann::json to_json(const Outcome& outcome);
/// The metrics and tables only: what `--json` prints.
nlohmann::json metrics_to_json(const Outcome& outcome);
nlohmann::json tables_to_json(const Outcome& outcome);

}  // namespace nibble
