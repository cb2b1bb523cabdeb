#include "viz/app/lesson/prediction_view.hpp"

#include <algorithm>
#include <cmath>
#include <imgui.h>

#include "viz/lesson/prediction.hpp"

namespace nibble {
namespace {

constexpr Role prediction_role = Role::category3;

/// The index of the x nearest to the pointer on the screen.
std::size_t nearest_x(const std::vector<std::pair<double, double>>& truth, const AxisMap& axis,
                      float pointer) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < truth.size(); ++i) {
        if (std::abs(axis(truth[i].first) - pointer) <
            std::abs(axis(truth[best].first) - pointer)) {
            best = i;
        }
    }
    return best;
}

/// The stroke from `from` to `to` bends the line at every x that it passes.
void draw_stroke(std::vector<std::pair<double, double>>& line,
                 const std::vector<std::pair<double, double>>& truth, const PlotArea& plot,
                 Point from, Point to) {
    const auto y_at = [&](float y) {
        return plot.y.invert(std::clamp(y, plot.frame.y, plot.frame.bottom()));
    };
    const auto [left, right] = std::minmax(from.x, to.x);
    for (const auto& [x, y] : truth) {
        const float at = plot.x(x);
        if (at >= left && at <= right && right > left) {
            const float share = (at - from.x) / (to.x - from.x);
            put_point(line, x, y_at(from.y + (to.y - from.y) * share));
        }
    }
    put_point(line, truth[nearest_x(truth, plot.x, to.x)].first, y_at(to.y));
}

}  // namespace

Outcome blank_chart(const Outcome& outcome, const QuestionBlock& question) {
    Figure figure = figure_to_draw_on(outcome, question);
    if (figure.marks.empty()) {
        figure.marks.push_back(Line{"", Role::muted, {}, {}});  // axes are for marks
    }
    figure.title = question.kind == AnswerKind::point ? "Press where the point will lie"
                                                      : "Draw the line with the pointer";
    figure.title_role = prediction_role;
    Outcome blank;
    blank.rows = {{1, {std::move(figure)}}};
    return blank;
}

void put_point(std::vector<std::pair<double, double>>& line, double x, double y) {
    const auto at = std::lower_bound(line.begin(), line.end(), x,
                                     [](const auto& point, double v) { return point.first < v; });
    if (at != line.end() && at->first == x) {
        at->second = y;
    } else {
        line.insert(at, {x, y});
    }
}

void PredictionView::draw(Ui& ui, const QuestionBlock& question, LessonReader::Work& work,
                          Rect area) {
    const Theme& t = ui.theme();
    const auto say = [&](const std::string& words) {
        ui.text(area.centre(), words, t.body(), t.muted, HAlign::centre);
    };
    if (question.figure.empty()) {
        say("Predict first: the lab shows the result afterwards.");
        return;
    }
    if (!work.outcome || !work.truth || work.truth->line.empty()) {
        say("computing \u2026");
        return;
    }
    Key key{work.outcome, question.id, area.width, area.height, t.scale, t.kind};
    if (!(key == key_)) {
        key_ = std::move(key);
        LayoutOptions options;
        options.headings = false;
        scene_ = layout(blank_chart(*work.outcome, question), {area.width, area.height}, t,
                        ui.fonts(), options);
    }
    ImGuiCanvas canvas(ui.draw(), ui.fonts(), textures_, {area.x, area.y});
    paint(scene_, canvas);
    if (scene_.plots.empty()) {
        return;
    }
    const PlotArea& plot = scene_.plots.front();
    Rect frame = plot.frame;
    frame.x += area.x;
    frame.y += area.y;
    const Hit h = ui.hit("prediction", frame, false);
    const ImVec2 pointer = ImGui::GetIO().MousePos;
    const Point at = {pointer.x - area.x, pointer.y - area.y};
    if (h.hovered || h.held) {
        ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
    }
    if (h.held) {
        auto& points = work.draft.points;
        if (question.kind == AnswerKind::point) {
            points = {{plot.x.invert(std::clamp(at.x, plot.frame.x, plot.frame.right())),
                       plot.y.invert(std::clamp(at.y, plot.frame.y, plot.frame.bottom()))}};
        } else {
            draw_stroke(points, work.truth->line, plot, h.grabbed ? at : last_, at);
        }
        work.problem.clear();
    }
    last_ = at;
    draw_prediction(ui, work.draft.points, plot, {area.x, area.y});
}

void draw_prediction(const Ui& ui, const std::vector<std::pair<double, double>>& points,
                     const PlotArea& plot, Point origin) {
    if (points.empty()) {
        return;
    }
    const Theme& t = ui.theme();
    const Color color = t.style(prediction_role).color;
    ImDrawList& draw = ui.draw();
    const Rect f = plot.frame;
    draw.PushClipRect({origin.x + f.x - ui.px(8), origin.y + f.y - ui.px(8)},
                      {origin.x + f.right() + ui.px(8), origin.y + f.bottom() + ui.px(8)}, true);
    std::vector<ImVec2> path;
    for (const auto& [x, y] : points) {
        const ImVec2 at = {origin.x + plot.x(x), origin.y + plot.y(y)};
        if (std::isfinite(at.x) && std::isfinite(at.y)) {
            path.push_back(at);
        }
    }
    draw.AddPolyline(path.data(), static_cast<int>(path.size()), packed(color), 0, ui.px(2.5F));
    for (const ImVec2& at : path) {
        draw.AddCircleFilled(at, ui.px(points.size() == 1 ? 6 : 4), packed(color), 24);
    }
    if (!path.empty()) {
        const bool right_half = path.back().x > origin.x + f.centre().x;
        const float beside = ui.px(10) * (right_half ? -1.0F : 1.0F);
        const float y = std::max(path.back().y - ui.px(14), origin.y + f.y + ui.px(8));
        const float wide = ui.width("your prediction", {Face::medium, t.small().size});
        const float left = path.back().x + beside - (right_half ? wide : 0);
        ui.fill({left - ui.px(3), y - ui.px(8), wide + ui.px(6), ui.px(16)},
                t.background.with_alpha(0.85), ui.px(3));
        ui.text({path.back().x + beside, y}, "your prediction", {Face::medium, t.small().size},
                ink(color, t), right_half ? HAlign::right : HAlign::left);
    }
    draw.PopClipRect();
}

}  // namespace nibble
