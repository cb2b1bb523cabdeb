// Requests from a CSV file: a header naming the columns, then a request a line.
//
//     arrival,prompt,output
//     0,512,128
//     0.25,64,300
//
// arrival in seconds, never falling; prompt and output in tokens, whole numbers from 1. The
// optional columns prefix_id and prefix_len, both or neither, say that the first prefix_len tokens
// of the prompt are those of prefix prefix_id; empty or a length of 0: none. Columns stand in any
// order, others are skipped, lines that start with # too.
#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <vector>

#include "sim/serving/rules.hpp"

namespace nibble::serving {

struct Trace {
    std::vector<Request> requests;
    std::vector<std::size_t> lines;  // of the file, from 1, of each request
    std::string name;                // of the file, for errors
};

/// Throws Error::bad_file naming line and column, Error::io when the file cannot be read.
Trace read_requests(const std::filesystem::path& path);
Trace read_requests(std::istream& in, const std::string& name);

/// Throws Error::bad_file naming line and column of the first request that can never be served.
void check_fits(const Trace& trace, const Rules& rules);

}  // namespace nibble::serving
