#include "sim/kvcache/trace.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <string_view>

#include "sim/core/csv_cells.hpp"
#include "sim/core/data_folder.hpp"
#include "sim/core/error.hpp"

namespace nibble {
namespace {

using Cells = std::vector<std::string_view>;

std::string shown(std::string_view cell) {
    return cell.size() <= 40 ? std::string(cell) : std::string(cell.substr(0, 40)) + "...";
}

/// Reads one file; keeps its name for errors.
class Reader {
public:
    explicit Reader(std::string name) : trace_{std::move(name), {}} {}

    RequestTrace read(std::string_view text) {
        text = without_byte_order_mark(text);
        for (int line = 1; !text.empty(); ++line) {
            const auto end = text.find('\n');
            take(text.substr(0, end), line);
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
        if (trace_.requests.empty()) {
            throw Error(Error::Code::bad_file, fmt::format("{}: no requests", trace_.name),
                        "the first line names the columns, prompt and output; each other line is "
                        "a request");
        }
        return std::move(trace_);
    }

private:
    void take(std::string_view text, int line) {
        split_cells(text, cells_);
        const Cells& cells = cells_;
        if (cells.size() == 1 && cells.front().empty()) {
            return;  // an empty line
        }
        if (columns_ == 0) {
            columns_ = cells.size();
            trace_.prompt_column = column(cells, "prompt", line);
            trace_.output_column = column(cells, "output", line);
            if (has(cells, "prefix_id") || has(cells, "prefix_len")) {
                prefix_id_column_ = column(cells, "prefix_id", line);
                prefix_len_column_ = column(cells, "prefix_len", line);
            }
            return;
        }
        if (cells.size() != columns_) {
            throw Error(
                Error::Code::bad_file,
                fmt::format("{}, line {}, column {}: {} cells where the header has {}", trace_.name,
                            line, std::min(cells.size(), columns_) + 1, cells.size(), columns_),
                "every line has one cell for each name of the first");
        }
        if (static_cast<std::int64_t>(trace_.requests.size()) == most_requests) {
            throw Error(Error::Code::bad_file,
                        fmt::format("{}, line {}, column 1: more than {} requests", trace_.name,
                                    line, most_requests),
                        "cut the trace");
        }
        TraceRequest r{number(cells, trace_.prompt_column, "prompt", line),
                       number(cells, trace_.output_column, "output", line), line};
        if (prefix_id_column_ > 0) {
            r.prefix_id = number(cells, prefix_id_column_, "prefix_id", line, 0);
            r.prefix_len = number(cells, prefix_len_column_, "prefix_len", line, 0);
        }
        trace_.requests.push_back(r);
    }

    static bool has(const Cells& header, std::string_view name) {
        return std::find(header.begin(), header.end(), name) != header.end();
    }

    /// Counted from 1.
    int column(const Cells& header, std::string_view wanted, int line) const {
        const auto found = std::find(header.begin(), header.end(), wanted);
        if (found == header.end()) {
            throw Error(Error::Code::bad_file,
                        fmt::format("{}, line {}, column {}: no column is named {}", trace_.name,
                                    line, header.size() + 1, wanted),
                        "the first line names the columns, prompt and output among them");
        }
        if (const auto again = std::find(found + 1, header.end(), wanted); again != header.end()) {
            throw Error(Error::Code::bad_file,
                        fmt::format("{}, line {}, column {}: {} is there twice", trace_.name, line,
                                    again - header.begin() + 1, wanted),
                        "name each column once");
        }
        return static_cast<int>(found - header.begin()) + 1;
    }

    std::int64_t number(const Cells& cells, int at, std::string_view name, int line,
                        std::int64_t least = 1) const {
        const std::string_view cell = cells[static_cast<std::size_t>(at) - 1];
        std::int64_t value = 0;
        const auto [rest, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
        const bool whole = rest == cell.data() + cell.size() && !cell.empty();
        if (!whole || error == std::errc::invalid_argument) {
            throw wrong(at, name, line, fmt::format("\"{}\" is no whole number", shown(cell)));
        }
        if (error == std::errc::result_out_of_range || value < least || value > longest_request) {
            throw wrong(at, name, line,
                        least == 1
                            ? fmt::format("{} tokens, and a request has 1 to {}", shown(cell),
                                          longest_request)
                            : fmt::format("{} is outside 0 to {}", shown(cell), longest_request));
        }
        return value;
    }

    Error wrong(int at, std::string_view name, int line, const std::string& what) const {
        return {Error::Code::bad_file,
                fmt::format("{}, line {}, column {} ({}): {}", trace_.name, line, at, name, what),
                "correct the cell; nothing was run"};
    }

    RequestTrace trace_;
    Cells cells_;                                       // of the present line
    std::size_t columns_ = 0;                           // 0: the header has not come yet
    int prefix_id_column_ = 0, prefix_len_column_ = 0;  // 0: there is none
};

struct Mix {
    const char *name, *label, *file, *source;
};

constexpr Mix mixes[] = {
    {"chat", "chat (ShareGPT)", "sharegpt-200.csv", "lengths of ShareGPT conversations"},
    {"conversation", "long chat (Azure)", "azure-conversation-200.csv",
     "Azure LLM inference trace 2023, CC-BY 4.0"},
    {"code", "code completion (Azure)", "azure-code-64.csv",
     "Azure LLM inference trace 2023, CC-BY 4.0"},
};

const Mix& entry(LengthMix mix) {
    return mixes[static_cast<std::size_t>(mix)];
}

}  // namespace

std::string RequestTrace::where_output(const TraceRequest& request) const {
    return fmt::format("{}, line {}, column {} (output)", name, request.line, output_column);
}

RequestTrace parse_trace(const std::string& text, const std::string& name) {
    return Reader(name).read(text);
}

RequestTrace read_trace(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in || std::filesystem::is_directory(path)) {
        throw Error(Error::Code::io, path.string() + " cannot be read",
                    "give the path of a CSV file with the columns prompt and output");
    }
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    return parse_trace(text, path.filename().string());
}

std::vector<Choice> length_mix_choices() {
    std::vector<Choice> choices;
    for (const Mix& mix : mixes) {
        choices.push_back({mix.name, mix.label});
    }
    return choices;
}

std::string source_of(LengthMix mix) {
    return entry(mix).source;
}

RequestTrace trace_of(LengthMix mix) {
    RequestTrace trace = read_trace(data_folder() / "traces" / entry(mix).file);
    trace.name = entry(mix).label;
    return trace;
}

}  // namespace nibble
