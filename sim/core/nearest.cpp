#include "sim/core/nearest.hpp"

#include <algorithm>
#include <tuple>

#include "sim/core/text.hpp"

namespace nibble {

std::vector<std::string> nearest_names(std::string_view name, std::vector<std::string> candidates,
                                       std::size_t count) {
    const auto far = [name](const std::string& candidate) {
        const bool overlap = !name.empty() && (candidate.find(name) != std::string::npos ||
                                               name.find(candidate) != std::string_view::npos);
        return std::tuple(!overlap, edit_distance(name, candidate));
    };
    std::stable_sort(candidates.begin(), candidates.end(),
                     [&](const auto& a, const auto& b) { return far(a) < far(b); });
    candidates.resize(std::min(count, candidates.size()));
    return candidates;
}

}  // namespace nibble
