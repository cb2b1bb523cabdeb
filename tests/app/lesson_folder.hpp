// The toy lesson in a folder of its own, with settings of its own.
#pragma once

#include <filesystem>
#include <fstream>

#include "tests/app/window_fixture.hpp"
#include "tests/lesson/fixture.hpp"

namespace nibble::test {

class LessonFolder {
public:
    LessonFolder() {
        std::filesystem::create_directories(lessons());
        std::ofstream(lessons() / "01-toy.md") << toy_lesson_text();
    }
    std::filesystem::path lessons() const { return own_.root() / "lessons"; }

private:
    OwnSettings own_;
};

}  // namespace nibble::test
