#include "sim/serving/trace.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <limits>

#include "sim/core/csv_cells.hpp"
#include "sim/core/error.hpp"

namespace nibble::serving {
namespace {

constexpr std::size_t most_requests = 20'000'000;
constexpr std::size_t most_line = 4096;
constexpr std::int64_t most_tokens = 100'000'000;
constexpr double most_seconds = 1e9;

enum Column { arrival, prompt, output, prefix_id, prefix_len, column_count };
constexpr std::array<std::string_view, column_count> column_names = {"arrival", "prompt", "output",
                                                                     "prefix_id", "prefix_len"};

constexpr auto expected =
    "a header naming arrival, prompt and output, then numbers: seconds that never fall and tokens";

class Reader {
public:
    Reader(std::istream& in, const std::string& name) : in_(in) { trace_.name = name; }

    Trace read() {
        while (next_line()) {
            if (place_.empty()) {
                read_header();
            } else {
                read_request();
            }
        }
        if (trace_.requests.empty()) {
            throw Error(Error::Code::bad_file, fmt::format("{} holds no requests", trace_.name),
                        fmt::format("expected {}", expected));
        }
        return std::move(trace_);
    }

private:
    [[noreturn]] void refuse(std::string_view column, const std::string& why,
                             const std::string& hint) const {
        throw Error(Error::Code::bad_file,
                    column.empty() ? fmt::format("{}, line {}: {}", trace_.name, number_, why)
                                   : fmt::format("{}, line {}, column {}: {}", trace_.name, number_,
                                                 column, why),
                    hint);
    }

    bool next_line() {
        while (std::getline(in_, line_)) {
            ++number_;
            if (line_.size() > most_line) {
                refuse("", fmt::format("{} characters", line_.size()), "is it a CSV file?");
            }
            std::string_view text = trimmed(line_);
            if (number_ == 1) {
                text = without_byte_order_mark(text);
            }
            if (!text.empty() && text.front() != '#') {
                split_cells(text, fields_);
                return true;
            }
        }
        return false;
    }

    void read_header() {
        place_.assign(column_count, -1);
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            for (std::size_t c = 0; c < column_count; ++c) {
                if (fields_[i] == column_names[c]) {
                    if (place_[c] >= 0) {
                        refuse(fields_[i], "stands twice in the header", "name each column once");
                    }
                    place_[c] = static_cast<int>(i);
                }
            }
        }
        for (const Column c : {arrival, prompt, output}) {
            if (place_[c] < 0) {
                refuse(column_names[c], "is missing from the header",
                       fmt::format("expected {}", expected));
            }
        }
        if ((place_[prefix_id] < 0) != (place_[prefix_len] < 0)) {
            refuse(column_names[place_[prefix_id] < 0 ? prefix_id : prefix_len],
                   "is missing from the header", "prefix_id and prefix_len come together");
        }
        header_size_ = fields_.size();
    }

    std::string_view field(Column c) const { return fields_[static_cast<std::size_t>(place_[c])]; }

    template <class Number>
    Number number(Column c, Number least, Number most, const char* what) const {
        const std::string_view text = field(c);
        Number value{};
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (failed != std::errc{} || end != text.data() + text.size() ||
            !(value >= least && value <= most)) {
            refuse(column_names[c], fmt::format("\"{}\" is not {}", text.substr(0, 40), what),
                   fmt::format("{} to {}", least, most));
        }
        return value;
    }

    void read_request() {
        if (fields_.size() != header_size_) {
            refuse("",
                   fmt::format("{} fields where the header has {}", fields_.size(), header_size_),
                   "every line needs as many as the header");
        }
        if (trace_.requests.size() == most_requests) {
            refuse("", fmt::format("more than {} requests", most_requests), "cut the trace");
        }
        Request r;
        r.id = static_cast<std::int64_t>(trace_.requests.size());
        r.arrival = number<double>(arrival, 0, most_seconds, "a time in seconds");
        r.prompt = static_cast<std::int32_t>(
            number<std::int64_t>(prompt, 1, most_tokens, "a number of tokens"));
        r.output = static_cast<std::int32_t>(
            number<std::int64_t>(output, 1, most_tokens, "a number of tokens"));
        if (place_[prefix_id] >= 0 && !field(prefix_id).empty() && !field(prefix_len).empty()) {
            read_prefix(r);
        }
        if (!trace_.requests.empty() && r.arrival < trace_.requests.back().arrival) {
            refuse(column_names[arrival],
                   fmt::format("{} comes after {}", r.arrival, trace_.requests.back().arrival),
                   "sort the requests by arrival");
        }
        trace_.requests.push_back(r);
        trace_.lines.push_back(number_);
    }

    void read_prefix(Request& r) const {
        const auto id = number<std::int64_t>(
            prefix_id, -1, std::numeric_limits<std::int32_t>::max(), "the number of a prefix");
        const auto length = number<std::int64_t>(prefix_len, 0, most_tokens, "a number of tokens");
        if (length > r.prompt) {
            refuse(column_names[prefix_len],
                   fmt::format("{} tokens of a prompt of {}", length, r.prompt),
                   "a prefix is a part of the prompt");
        }
        if (id >= 0 && length > 0) {
            r.prefix_id = static_cast<std::int32_t>(id);
            r.prefix_len = static_cast<std::int32_t>(length);
        }
    }

    std::istream& in_;
    Trace trace_;
    std::string line_;
    std::size_t number_ = 0, header_size_ = 0;
    std::vector<std::string_view> fields_;  // into line_
    std::vector<int> place_;                // of each column; empty before the header
};

}  // namespace

Trace read_requests(std::istream& in, const std::string& name) {
    return Reader(in, name).read();
}

Trace read_requests(const std::filesystem::path& path) {
    std::error_code failed;
    std::ifstream in(path, std::ios::binary);
    if (!std::filesystem::is_regular_file(path, failed) || !in) {
        throw Error(Error::Code::io, fmt::format("{} cannot be read", path.string()),
                    "name a CSV file of requests");
    }
    return read_requests(in, path.string());
}

void check_fits(const Trace& trace, const Rules& rules) {
    for (std::size_t i = 0; i < trace.requests.size(); ++i) {
        const Refusal no = refusal(trace.requests[i], rules);
        if (!no.why.empty()) {
            throw Error(Error::Code::bad_file,
                        fmt::format("{}, line {}, column {}: {}", trace.name, trace.lines[i],
                                    no.column, no.why),
                        no.hint);
        }
    }
}

}  // namespace nibble::serving
