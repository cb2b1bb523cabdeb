// What the commands on models have in common: which model, and which tokens go through it.
#pragma once

#include <string>
#include <vector>

#include "sim/model/evaluate.hpp"
#include "sim/model/model_files.hpp"
#include "viz/cli/flags.hpp"

namespace nibble {

/// --model, and --text, --tokens or --domain with what belongs to them.
void add_model_flag(CommandLine& line);
void add_token_flags(CommandLine& line);

/// Throws Error::bad_param when --model was not given, and what open_model() throws.
std::shared_ptr<const ModelFiles> model_of(const CommandLine& line);

/// The sequences that the flags name; `what` they are, for people ("text of a.txt").
struct TokenInput {
    std::vector<TokenIds> sequences;
    std::string what;
};
/// Throws Error::bad_param when not exactly one source is named, or it is empty; Error::bad_file
/// for a JSON file that is not {"seqs": [[ids]]}.
TokenInput tokens_from(const CommandLine& line, const ModelFiles& files);

/// The names of the corpus's domains.
std::vector<std::string> domain_names();
/// JSON holds text; a piece of a tokenizer may be part of a character, which then becomes U+FFFD.
std::string valid_utf8(const std::string& bytes);
/// Of {"seqs": [[ids]]}. Throws Error::bad_file.
std::vector<TokenIds> token_ids_of_json(const std::string& path);
/// After the model's begin token, if it has one. Throws Error::bad_param for an empty file.
TokenIds token_ids_of_text(const std::string& path, const ModelFiles& files);

/// Of --split.
Split split_of(const CommandLine& line);

}  // namespace nibble
