// Numbers and names as people read them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nibble {

/// The shortest of fixed and scientific that keeps `digits` significant digits: 0.0428, 13.7,
/// 1.2e-07. Never "-0". "nan" and "inf" in words.
std::string format_number(double value, int digits = 3);

/// Whole numbers with thin-space groups: "16 777 216" (U+2009).
std::string format_count(double value);

/// SI prefixes: 312e12 -> "312 T", 0.0042 -> "4.2 m" (then the unit follows directly).
std::string format_si(double value, int digits = 3);

/// Binary bytes: 32 * 2^30 -> "32 GiB".
std::string format_bytes(double bytes, int digits = 3);

/// Smallest number of edits (insert, delete, replace) that turns a into b.
int edit_distance(std::string_view a, std::string_view b);

/// The candidate closest to `name`, or "" when none is near enough to be a slip of the hand.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace nibble
