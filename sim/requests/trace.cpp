#include "sim/requests/trace.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <limits>

#include "sim/core/csv_cells.hpp"
#include "sim/core/error.hpp"
#include "sim/tensor/parse.hpp"

namespace nibble {
namespace {

constexpr std::size_t most_line = 4096;
constexpr double most_seconds = 1e9;  // 32 years; the time since 1970 is more

enum Column { arrival, prompt, output, prefix_id, prefix_len, column_count };
constexpr std::array<std::string_view, column_count> column_names = {"arrival", "prompt", "output",
                                                                     "prefix_id", "prefix_len"};

constexpr auto header_hint =
    "the first line names the columns: arrival (seconds), prompt and output (tokens), and perhaps "
    "prefix_id and prefix_len";

bool is_same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return (x >= 'A' && x <= 'Z' ? x - 'A' + 'a' : x) == y;
    });
}

/// What the header is cut at: the first of these that it has.
char separator_of(std::string_view header) {
    for (const char c : {',', ';', '\t'}) {
        if (header.find(c) != std::string_view::npos) {
            return c;
        }
    }
    return ',';
}

class Reader {
public:
    Reader(std::istream& in, const std::string& name, const TraceNeeds& needs)
        : in_(in), needs_(needs) {
        trace_.name = name;
    }

    RequestTrace read() {
        while (next_line()) {
            if (header_.empty()) {
                read_header();
            } else {
                read_request();
            }
        }
        if (trace_.requests.empty()) {
            throw Error(Error::Code::bad_file, fmt::format("{} holds no requests", trace_.name),
                        fmt::format("{}; each other line is a request", header_hint));
        }
        return std::move(trace_);
    }

private:
    [[noreturn]] void refuse(std::string_view column, const std::string& why,
                             const std::string& hint) const {
        throw Error(Error::Code::bad_file,
                    column.empty() ? fmt::format("{}, line {}: {}", trace_.name, number_, why)
                                   : fmt::format("{}, line {}, column {}: {}", trace_.name, number_,
                                                 printable(column, 40), why),
                    hint);
    }

    bool next_line() {
        while (std::getline(in_, line_)) {
            ++number_;
            if (line_.size() > most_line) {
                refuse("", fmt::format("{} characters", line_.size()), "is it a CSV file?");
            }
            std::string_view text = line_;
            if (number_ == 1) {
                check_encoding(text);
                text = without_byte_order_mark(text);
            }
            const std::string_view visible = trimmed(text);
            if (!visible.empty() && visible.front() != '#') {
                if (header_.empty()) {
                    separator_ = separator_of(visible);
                }
                split_cells(text, cells_, separator_);
                check_no_nul(text);
                return true;
            }
        }
        return false;
    }

    void check_encoding(std::string_view text) const {
        if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
            refuse("1", "the text is UTF-16", "save the file as UTF-8");
        }
    }

    void check_no_nul(std::string_view text) const {
        if (text.find('\0') == std::string_view::npos) {
            return;
        }
        std::size_t i = 0;
        while (i + 1 < cells_.size() && cells_[i].find('\0') == std::string_view::npos) {
            ++i;
        }
        refuse(i < header_.size() ? header_[i] : std::to_string(i + 1), "a byte of value 0 (NUL)",
               "CSV files are plain text: save it as UTF-8, or export it again");
    }

    void read_header() {
        header_.assign(cells_.begin(), cells_.end());
        place_.assign(column_count, -1);
        for (std::size_t i = 0; i < cells_.size(); ++i) {
            for (std::size_t c = 0; c < column_count; ++c) {
                if (is_same_name(cells_[i], column_names[c])) {
                    if (place_[c] >= 0) {
                        refuse(cells_[i], "stands twice in the header", "name each column once");
                    }
                    place_[c] = static_cast<int>(i);
                }
            }
        }
        for (const Column c : {arrival, prompt, output}) {
            if (!has(c) && (c != arrival || needs_.arrivals)) {
                refuse_missing(c);
            }
        }
        if (has(prefix_id) != has(prefix_len)) {
            refuse(column_names[has(prefix_id) ? prefix_len : prefix_id],
                   "is missing from the header", "prefix_id and prefix_len come together");
        }
    }

    [[noreturn]] void refuse_missing(Column c) const {
        std::string there;
        for (const std::string& name : header_) {
            there += (there.empty() ? "" : ", ") + printable(name, 40);
        }
        refuse(column_names[c],
               fmt::format("is missing from the header ({})", printable(there, 200)),
               there.starts_with('{') || there.starts_with('[')
                   ? "this looks like JSON; a trace is a CSV file"
               : header_.size() == 1 ? "separate the names by commas, semicolons or tabs"
                                     : header_hint);
    }

    bool has(Column c) const { return place_[c] >= 0; }
    std::string_view cell(Column c) const { return cells_[static_cast<std::size_t>(place_[c])]; }

    /// NaN when the cell is no number. Where semicolons separate, a comma is the decimal point.
    double number(std::string_view text) const {
        std::string dotted;
        if (const auto comma = text.find(','); separator_ == ';' && comma != text.npos) {
            dotted = text;
            dotted[comma] = '.';
            text = dotted;
        }
        double value = 0;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool is_number = failed == std::errc{} && end == text.data() + text.size();
        return is_number ? value : std::numeric_limits<double>::quiet_NaN();
    }

    [[noreturn]] void refuse_cell(Column c, const char* what, std::string hint) const {
        const std::string_view text = cell(c);
        if (text.find(',') != text.npos) {
            hint = "write a decimal point, or separate the columns by semicolons";
        }
        refuse(column_names[c], fmt::format("\"{}\" is not {}", printable(text, 40), what), hint);
    }

    std::int32_t whole(Column c, std::int32_t least, std::int32_t most, const char* what) const {
        const std::string_view text = cell(c);
        std::int32_t value = 0;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (failed != std::errc{} || end != text.data() + text.size()) {  // 100.0 is whole too
            const double exact = number(text);
            const bool fits = exact >= least && exact <= most && exact == std::floor(exact);
            value = fits ? static_cast<std::int32_t>(exact) : least - 1;
        }
        if (value < least || value > most) {
            refuse_cell(c, what,
                        c == output && number(text) == 0
                            ? "a request gets a token at least: remove those that failed"
                            : fmt::format("a whole number, {} to {}", least, most));
        }
        return value;
    }

    double read_arrival() const {
        const double value = number(cell(arrival));
        if (value > most_seconds && std::isfinite(value)) {
            refuse(column_names[arrival],
                   fmt::format("\"{}\" looks like a time since 1970", printable(cell(arrival), 40)),
                   "subtract the first arrival from all, in seconds, so that the trace begins at "
                   "0");
        }
        if (!(value >= 0 && value <= most_seconds)) {
            refuse_cell(
                arrival, "a time in seconds",
                fmt::format("seconds from the beginning of the trace, 0 to {}", most_seconds));
        }
        if (!trace_.requests.empty() && value < trace_.requests.back().arrival) {
            refuse(column_names[arrival],
                   fmt::format("{} comes after {}", value, trace_.requests.back().arrival),
                   "sort the requests by arrival");
        }
        return value;
    }

    void read_request() {
        if (cells_.size() != header_.size()) {
            refuse_count();
        }
        if (trace_.requests.size() == needs_.most_requests) {
            refuse("", fmt::format("more than {} requests", needs_.most_requests), "cut the trace");
        }
        Request r;
        r.id = static_cast<std::int64_t>(trace_.requests.size());
        r.arrival = has(arrival) ? read_arrival() : 0;
        r.prompt = whole(prompt, 1, longest_request, "a number of tokens");
        r.output = whole(output, 1, longest_request, "a number of tokens");
        if (has(prefix_id) && !cell(prefix_id).empty() && !cell(prefix_len).empty()) {
            read_prefix(r);
        }
        trace_.requests.push_back(r);
        trace_.lines.push_back(number_);
    }

    /// More or fewer cells than names.
    [[noreturn]] void refuse_count() const {
        const std::size_t at = std::min(cells_.size(), header_.size());
        refuse(at < header_.size() ? header_[at] : std::to_string(at + 1),
               fmt::format("{} cells where the header has {}", cells_.size(), header_.size()),
               "every line has a cell for each name of the header; one that holds the separator "
               "stands in quotes");
    }

    void read_prefix(Request& r) const {
        constexpr auto most_id = std::numeric_limits<std::int32_t>::max();
        const std::int32_t id = whole(prefix_id, -1, most_id, "the number of a prefix");
        const std::int32_t length = whole(prefix_len, -1, longest_request, "a number of tokens");
        if (id < 0 || length <= 0) {
            return;
        }
        if (length > r.prompt) {
            refuse(column_names[prefix_len],
                   fmt::format("{} tokens of a prompt of {}", length, r.prompt),
                   "a prefix is a part of the prompt");
        }
        r.prefix_id = id;
        r.prefix_len = length;
    }

    std::istream& in_;
    TraceNeeds needs_;
    RequestTrace trace_;
    std::string line_;
    std::size_t number_ = 0;  // of the line
    char separator_ = ',';
    std::vector<std::string> header_;      // empty before it was read
    std::vector<std::string_view> cells_;  // into line_
    std::vector<int> place_;               // of each column; negative: not there
};

}  // namespace

std::size_t RequestTrace::line_of(const Request& request) const {
    return lines.empty() ? 0 : lines[static_cast<std::size_t>(request.id)];
}

std::string RequestTrace::where(const Request& request, std::string_view column) const {
    return fmt::format("{}, line {}, column {}", name, line_of(request), column);
}

RequestTrace read_trace(std::istream& in, const std::string& name, const TraceNeeds& needs) {
    return Reader(in, name, needs).read();
}

RequestTrace read_trace(const std::filesystem::path& path, const TraceNeeds& needs) {
    std::error_code failed;
    std::ifstream in(path, std::ios::binary);
    if (!std::filesystem::is_regular_file(path, failed) || !in) {
        throw Error(Error::Code::io, fmt::format("{} cannot be read", path.string()),
                    "name a CSV file of requests");
    }
    return read_trace(in, path.filename().string(), needs);
}

}  // namespace nibble
