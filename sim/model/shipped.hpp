// The tiny models that come with the program, by name; any other model by its path.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string_view>

#include "sim/model/model_files.hpp"

namespace nibble {

/// `target` is the larger; `draft` guesses what it will say, for speculative decoding.
inline constexpr std::array<std::string_view, 2> shipped_models = {"target", "draft"};

/// tinylm/NAME in the data folder for the name of a shipped model, else `name_or_path` itself. A
/// folder of the reader's with such a name is reached as ./target.
std::filesystem::path model_path(std::string_view name_or_path);

/// Opens it. Throws what ModelFiles::open throws, and Error::io for a shipped model that is not
/// there, naming the folder and the command that makes one.
std::shared_ptr<const ModelFiles> open_model(std::string_view name_or_path);

}  // namespace nibble
