// Reading a hand-in that anybody may have made: it is looked at, never executed.
//
// The file must be what report.hpp writes: a short list of elements and attributes, no script, no
// style that fetches, pictures as SVG inside the file. Whatever else stands in it is refused by
// name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "viz/lesson/answers.hpp"

namespace nibble {

inline constexpr std::size_t largest_hand_in = 16U << 20U;  // bytes

struct HandInFigure {
    std::string id;
    std::string data;     // digest of the numbers behind it, as the file claims
    std::string picture;  // digest of its SVG, as the file claims
    std::string svg;      // the picture itself
};

struct HandIn {
    LessonAnswers answers;
    std::vector<HandInFigure> figures;
    int points = 0, out_of = 0;  // as the file claims
    std::vector<std::string> warnings;
};

/// What stands in the file, before it is known whether its lesson exists.
struct RawHandIn {
    std::string json;
    std::string lesson;
    std::vector<std::pair<std::string, std::string>> pictures;  // id of the block, SVG
};

/// Throws Error::bad_file, naming what is not allowed.
RawHandIn read_raw_hand_in(std::string_view html);
/// Takes the answers to `lesson` out of it. Throws Error::bad_file.
HandIn read_hand_in(const RawHandIn& raw, const Lesson& lesson, const Experiments& all);

}  // namespace nibble
