// Requests by their lengths: how many tokens each brings and how many it will get.
//
// A trace is a CSV file with a header; the columns `prompt` and `output`, and where requests share
// their beginnings `prefix_id` and `prefix_len`, may stand anywhere, others are passed over. Some
// traces come with the program (data/traces).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sim/core/param.hpp"

namespace nibble {

struct TraceRequest {
    std::int64_t prompt = 0, output = 0;  // tokens, at least 1 each
    int line = 0;                         // of the file, counted from 1
    // Whose beginning it shares, and over how many tokens of its prompt; 0: nobody's.
    std::int64_t prefix_id = 0, prefix_len = 0;

    std::int64_t tokens() const { return prompt + output; }
};

struct RequestTrace {
    std::string name;  // for people: "chat (ShareGPT)", or the file's name
    std::vector<TraceRequest> requests;
    int prompt_column = 1, output_column = 2;  // of the file, counted from 1

    /// "requests.csv, line 7, column 2 (output)": where a number of a request stands.
    std::string where_output(const TraceRequest& request) const;
};

/// More than any model takes; a longer request is a slip.
inline constexpr std::int64_t longest_request = 10'000'000;
inline constexpr std::int64_t most_requests = 1'000'000;

/// From text as a file has it; `name` is for errors. Throws Error::bad_file naming line and column:
/// a column that is missing or there twice, a cell that is no whole number, one outside
/// 1 .. longest_request (ids and lengths of prefixes: from 0), a row of too few cells, no row at
/// all or more than most_requests.
RequestTrace parse_trace(const std::string& text, const std::string& name);
/// Throws Error::io when unreadable, and what parse_trace throws.
RequestTrace read_trace(const std::filesystem::path& path);

/// Lengths of real requests that come with the program.
enum class LengthMix { chat, conversation, code };
std::vector<Choice> length_mix_choices();
/// Where their lengths are from, with the licence.
std::string source_of(LengthMix mix);
/// Throws Error::io when the data folder lacks it.
RequestTrace trace_of(LengthMix mix);

}  // namespace nibble
