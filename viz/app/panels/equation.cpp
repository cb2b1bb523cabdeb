#include "viz/app/panels/equation.hpp"

#include <algorithm>

namespace nibble {
namespace {

constexpr float script_size = 0.7F;  // of the base size
constexpr float raise = 0.36F, drop = 0.2F;

float run_width(const Ui& ui, const MathRun& run, Font base) {
    base.size *= run.level == 0 ? 1 : script_size;
    return ui.fonts().width(run.text, base, run.italic);
}

}  // namespace

float math_width(const Ui& ui, std::string_view text, Font base) {
    float wide = 0;
    for (const MathRun& run : math_runs(text)) {
        wide += run_width(ui, run, base);
    }
    return wide;
}

float draw_math(const Ui& ui, Point at, std::string_view text, Font base, Color color) {
    float x = at.x;
    for (const MathRun& run : math_runs(text)) {
        Font font = base;
        float y = at.y;
        if (run.level != 0) {
            font.size *= script_size;
            y += base.size * (run.level > 0 ? -raise : drop);
        }
        draw_text(ui.draw(), ui.fonts(), {{x, y}, run.text, font, color}, run.italic);
        x += run_width(ui, run, base);
    }
    return x - at.x;
}

float draw_equation(const Ui& ui, Point at, std::string_view text, Color color, float room) {
    Font base = ui.theme().math();
    const float wide = math_width(ui, text, base);
    if (wide > room) {
        base.size *= std::max(0.6F, room / wide);
    }
    return draw_math(ui, {at.x, at.y + base.size * 0.33F}, text, base, color);
}

}  // namespace nibble
