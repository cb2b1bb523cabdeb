// Requests from a CSV file: a header naming the columns, then a request a line.
//
//     arrival,prompt,output
//     0,512,128
//     0.25,64,300
//
//   arrival      seconds, never falling; without this column all come at 0
//   prompt       tokens, whole numbers from 1
//   output       the same
//   prefix_id    the first prefix_len tokens of the prompt are those of prefix prefix_id: a whole
//   prefix_len   number from 0, and at most the prompt; empty, -1 or a length of 0: none. Both
//                columns or neither
//
// Columns stand in any order, in capitals or not, and others are passed over. The header says
// whether commas, semicolons (then numbers may have decimal commas) or tabs separate the cells. A
// cell may stand in quotes; empty lines and lines that start with # are skipped. The text is UTF-8.
#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "sim/requests/request.hpp"

namespace nibble {

struct RequestTrace {
    std::string name;  // for people: the file's, or "chat (ShareGPT)"
    std::vector<Request> requests;
    std::vector<std::size_t> lines;  // of the file, from 1, by the id of the request; or empty

    /// Of the file, from 1; 0 when the request comes from none.
    std::size_t line_of(const Request& request) const;
    /// "requests.csv, line 7, column output": where a number of a request stands.
    std::string where(const Request& request, std::string_view column) const;
};

/// Whoever keeps the history of each request takes no more.
inline constexpr std::size_t most_kept_requests = 1'000'000;

/// What a reader of a trace asks of it.
struct TraceNeeds {
    bool arrivals = false;  // the column arrival must be there
    std::size_t most_requests = most_kept_requests;
};

/// More tokens than any model takes; a longer request is a slip.
inline constexpr std::int32_t longest_request = 10'000'000;

/// Throws Error::bad_file naming line and column, and Error::io when the file cannot be read.
RequestTrace read_trace(const std::filesystem::path& path, const TraceNeeds& needs = {});
/// `name` is for errors.
RequestTrace read_trace(std::istream& in, const std::string& name, const TraceNeeds& needs = {});

}  // namespace nibble
