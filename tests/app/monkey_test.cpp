// The window never ends, and loses no frame: every lab after every other, every lesson, and
// thousands of random events. They are put straight into the window's queue, so that a frame is all
// that each of them costs.
#include <GLFW/glfw3.h>
#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <random>

#include "tests/app/window_fixture.hpp"

namespace nibble::monkey_test {

using nibble::test::can_show_windows;
using nibble::test::Desk;

namespace {

class Monkey {
public:
    explicit Monkey(unsigned seed) : desk_(wide()), random_(seed) {
        std::filesystem::current_path(desk_.home());  // what is saved by chance is saved there
    }
    ~Monkey() { std::filesystem::current_path(before_); }
    Monkey(const Monkey&) = delete;
    Monkey& operator=(const Monkey&) = delete;

    Desk& desk() { return desk_; }
    bool has(const std::string& widget) { return desk_.has(widget); }

    /// Frames until every event has been seen. Few of them are painted: that takes longest.
    void draw() {
        do {
            glfwPollEvents();
            if (++frames_ % 50 == 0) {
                desk_.window().draw_now();
            } else {
                desk_.window().build_frame();
            }
            INFO("after " << last_ << " in " << desk_.session().experiment().id << ": "
                          << desk_.app().lost_why());
            REQUIRE(desk_.app().lost_frames() == 0);
        } while (!input().empty());
    }
    void click(const std::string& widget) {
        last_ = "a click on " + widget;
        const Point at = desk_.place(widget);
        input().move(at.x, at.y);
        button(true);
        button(false);
        draw();
        draw();  // and what it changed
    }
    /// Anything a hand may do.
    void play() {
        switch (below(12)) {
            case 0:
            case 1:
            case 2:
            case 3:
                press_widget();
                break;
            case 4:
            case 5:
                press_anywhere();
                break;
            case 6:
                wheel();
                break;
            case 7:
                resize();
                break;
            default:
                key();
        }
        draw();
    }

private:
    static WindowOptions wide() {
        WindowOptions options;
        options.size = {1280, 1040};  // every lab of the list is in sight
        return options;
    }
    InputQueue& input() { return desk_.window().input(); }
    std::size_t below(std::size_t count) {
        return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
    }
    float share() { return std::uniform_real_distribution<float>(0, 1)(random_); }
    void button(bool down) { input().button(GLFW_MOUSE_BUTTON_LEFT, down); }
    /// A dialog that writes: nothing is to lead out of the scratch folder.
    bool may_write() { return has("file:path") || has("export:folder"); }

    void press_widget() {
        const auto& rects = desk_.app().ui().rects();
        if (rects.empty()) {
            return;
        }
        const auto& [name, r] = *std::next(rects.begin(), std::ptrdiff_t(below(rects.size())));
        if (name == "file:..") {
            return;
        }
        last_ = "a press on " + name;
        press({r.x + r.width * share(), r.y + r.height * share()});
    }
    void press_anywhere() {
        last_ = "a press somewhere";
        const Size all = desk_.app().ui().screen();
        const Point at = {all.width * share(), all.height * share()};
        if (!may_write()) {
            press(at);
        }
    }
    /// A click, two of them, or a drag.
    void press(Point at) {
        input().move(at.x, at.y);
        button(true);
        const std::size_t moves = may_write() ? 0 : below(4);
        for (std::size_t i = 0; i < moves; ++i) {
            draw();  // the queue keeps only the last of several moves
            input().move(at.x + 200 * (share() - 0.5F), at.y + 60 * (share() - 0.5F));
        }
        button(false);
        if (moves == 0 && below(3) == 0) {
            button(true);
            button(false);
        }
    }
    void wheel() {
        last_ = "the wheel";
        const int mods = below(3) == 0 ? GLFW_MOD_CONTROL : 0;
        input().key(GLFW_KEY_LEFT_CONTROL, mods != 0, false, mods);
        input().scroll(0, 6 * (double(share()) - 0.5));
        input().key(GLFW_KEY_LEFT_CONTROL, false, false, 0);
    }
    void resize() {
        const int sizes[][2] = {{1, 1},     {7, 300},    {320, 200}, {600, 40},
                                {900, 600}, {1280, 800}, {700, 900}, {1280, 1040}};
        const auto& [width, height] = sizes[below(std::size(sizes))];
        last_ = fmt::format("a window of {} by {}", width, height);
        glfwSetWindowSize(glfwGetCurrentContext(), width, height);
    }
    void key() {
        static constexpr int controls[] = {
            GLFW_KEY_TAB,  GLFW_KEY_ENTER, GLFW_KEY_ESCAPE,  GLFW_KEY_SPACE,     GLFW_KEY_UP,
            GLFW_KEY_DOWN, GLFW_KEY_LEFT,  GLFW_KEY_RIGHT,   GLFW_KEY_PAGE_DOWN, GLFW_KEY_PAGE_UP,
            GLFW_KEY_HOME, GLFW_KEY_END,   GLFW_KEY_DELETE,  GLFW_KEY_BACKSPACE, GLFW_KEY_F1,
            GLFW_KEY_F5,   GLFW_KEY_TAB,   GLFW_KEY_KP_ENTER};
        static constexpr int chords[] = {GLFW_KEY_K, GLFW_KEY_E, GLFW_KEY_S, GLFW_KEY_O,
                                         GLFW_KEY_Z, GLFW_KEY_Y, GLFW_KEY_C, GLFW_KEY_A};
        static constexpr char letters[] = "0123456789-tplarxze ?";
        const std::size_t kind = below(4);
        if (kind == 0) {
            const int mods = GLFW_MOD_CONTROL | (below(4) == 0 ? GLFW_MOD_SHIFT : 0);
            tap(chords[below(std::size(chords))], mods);
        } else if (kind == 1) {
            const char letter = letters[below(std::size(letters) - 1)];
            tap(letter >= 'a' && letter <= 'z' ? GLFW_KEY_A + (letter - 'a') : letter, 0);
            input().character(static_cast<unsigned char>(letter));
        } else if (kind == 2 && !desk_.app().ui().is_typing()) {
            const char sign = below(2) == 0 ? ',' : '.';
            tap(sign, 0);
            input().character(static_cast<unsigned char>(sign));
        } else {
            const int control = controls[below(std::size(controls))];
            const bool erases = control == GLFW_KEY_DELETE || control == GLFW_KEY_BACKSPACE;
            static constexpr int mods[] = {0, 0, 0, GLFW_MOD_SHIFT, GLFW_MOD_ALT};
            if (may_write()) {
                tap(erases ? GLFW_KEY_ESCAPE : control, 0);
            } else {
                tap(control, mods[below(std::size(mods))]);
            }
        }
    }
    void tap(int key, int mods) {
        last_ = fmt::format("key {} with {}", key, mods);
        input().key(key, true, false, mods);
        input().key(key, false, false, 0);
    }

    const std::filesystem::path before_ = std::filesystem::current_path();
    Desk desk_;
    std::mt19937 random_;
    std::string last_ = "nothing";
    int frames_ = 0;
};

unsigned chosen_seed() {
    const char* given = std::getenv("NIBBLE_MONKEY_SEED");
    return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : 1;
}

/// Seconds that a lab gets to bring its result, so that its timeline is there.
constexpr double patience = NIBBLE_SANITIZED != 0 ? 0.2 : 0.7;
constexpr int events = NIBBLE_SANITIZED != 0 ? 500 : 10000;
/// Labs from one to the next of those that all others are visited from.
constexpr std::size_t stride = NIBBLE_SANITIZED != 0 ? 8 : 1;

}  // namespace

TEST_CASE("every lab follows every other, and every lesson opens from a lab", "[window][monkey]") {
    if (!can_show_windows()) {
        return;
    }
    Monkey monkey(1);
    const Experiments& all = all_experiments();
    const auto lab = [&](std::size_t i) { return "nav:" + all[i].id; };
    std::size_t timelines = 0, last_timeline = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        monkey.click(lab(i));
        const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(patience);
        while (monkey.desk().session().busy() && std::chrono::steady_clock::now() < end) {
            monkey.desk().window().pump(0.05);
        }
        if (TimelineBar::of(monkey.desk().session()) != nullptr) {
            ++timelines;
            last_timeline = i;
        }
    }
    CHECK(timelines >= 2);
    CHECK(timelines < all.size());
    for (std::size_t from = 0; from < all.size(); from += stride) {
        for (std::size_t to = from; to < all.size(); ++to) {
            monkey.click(lab(from));
            monkey.click(lab(to));
        }
        monkey.click(lab(from));
    }
    for (const LessonReader::Entry& entry : monkey.desk().app().lessons().entries()) {
        if (entry.lesson) {
            monkey.click(lab(last_timeline));
            monkey.click("tab:lessons");
            monkey.click("lesson:" + entry.lesson->id);
            REQUIRE(monkey.desk().app().reads());
            monkey.click("lesson:next");
            monkey.click("lesson:leave");
            monkey.click("tab:labs");
        }
    }
}

TEST_CASE("nothing a hand does ends the window or loses a frame", "[window][monkey]") {
    if (!can_show_windows()) {
        return;
    }
    const unsigned seed = chosen_seed();
    INFO("NIBBLE_MONKEY_SEED=" << seed);
    Monkey monkey(seed);
    for (int i = 0; i < events; ++i) {
        monkey.play();
    }
}

}  // namespace nibble::monkey_test
