// The names a person may have meant, out of many.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nibble {

/// The `count` candidates nearest to `name`: those that contain it, or that it contains, come
/// first; within each, fewest edits first.
std::vector<std::string> nearest_names(std::string_view name, std::vector<std::string> candidates,
                                       std::size_t count);

}  // namespace nibble
