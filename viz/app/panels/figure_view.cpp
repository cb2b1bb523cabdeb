#include "viz/app/panels/figure_view.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <imgui.h>

#include "viz/app/compare.hpp"
#include "viz/app/ui/slider_scale.hpp"

namespace nibble {
namespace {

constexpr float zoom_step = 1.2F;  // of one notch of the wheel
constexpr float heading = 110;     // points that the finding and the explanation take
constexpr float least_row = 165;   // points a row of figures needs at least
constexpr float comfortable_row = 185;
constexpr float click_slack = 3;  // points a click may wander

ImGuiMouseCursor cursor_of(const Handle& handle) {
    const bool x = !handle.x_param.empty(), y = !handle.y_param.empty();
    return x && y ? ImGuiMouseCursor_ResizeAll
           : x    ? ImGuiMouseCursor_ResizeEW
                  : ImGuiMouseCursor_ResizeNS;
}

/// The smallest row decides how high the whole must be, within reason.
float least_share(const Outcome& outcome) {
    float least = 1;
    for (const FigureRow& row : outcome.rows) {
        least = std::min(least, static_cast<float>(row.height));
    }
    return std::max(least, 0.7F);
}

/// Which figures stand where, and how many names their bars have.
std::string shape_of(const Outcome& outcome) {
    std::string shape;
    for (const FigureRow& row : outcome.rows) {
        shape += fmt::format("|{}", row.height);
        for (const Figure& figure : row.figures) {
            std::size_t names = figure.y.named_ticks.size();
            for (const Mark& mark : figure.marks) {
                const auto* bars = std::get_if<Bars>(&mark);
                names += bars != nullptr ? bars->names.size() : 0;
            }
            shape += fmt::format(" {}:{}", figure.id, names);
        }
    }
    return shape;
}

/// The outcome with the figures of these ids alone; whole when there are none.
Outcome chosen_figures(const Outcome& outcome, const std::vector<std::string>& ids) {
    Outcome some = outcome;
    some.rows.clear();
    for (const FigureRow& row : outcome.rows) {
        FigureRow kept{row.height, {}};
        for (const Figure& figure : row.figures) {
            if (std::find(ids.begin(), ids.end(), figure.id) != ids.end()) {
                kept.figures.push_back(figure);
            }
        }
        if (!kept.figures.empty()) {
            some.rows.push_back(std::move(kept));
        }
    }
    return some.rows.empty() ? outcome : some;
}

/// The axis values at the two ends after moving both ends, in points.
std::pair<double, double> ends(const AxisMap& axis, float from, float to) {
    return {axis.invert(from), axis.invert(to)};
}

bool usable(const std::pair<double, double>& range) {
    const double span = std::abs(range.second - range.first);
    const double size = std::max(std::abs(range.first), std::abs(range.second));
    return std::isfinite(range.first) && std::isfinite(range.second) && span > size * 1e-9;
}

}  // namespace

void FigureView::update_scene(Ui& ui, const Session& session, Size size) {
    const Pinned* a = session.pinned();
    const bool ghost = a != nullptr && a->outcome != session.outcome();
    Key key{session.outcome(),
            ghost ? a->outcome : nullptr,
            size.width,
            size.height,
            ui.theme().scale,
            ui.theme().kind,
            zoom_version_,
            session.experiment().id,
            only_};
    if (key == key_) {
        return;
    }
    key_ = std::move(key);
    ++layouts_;
    LayoutOptions options;
    options.zooms = *zooms_now_;
    const auto laid_out = [&](const Outcome& outcome) {
        return layout(only_.empty() ? outcome : chosen_figures(outcome, only_), size, ui.theme(),
                      ui.fonts(), options);
    };
    scene_ = laid_out(ghost ? with_ghost(*key_.outcome, *key_.pinned) : *key_.outcome);
    textures_.sweep();
}

const PlotArea* FigureView::plot_at(Point at) const {
    for (const PlotArea& plot : scene_.plots) {
        if (plot.frame.contains(at)) {
            return &plot;
        }
    }
    return nullptr;
}

const HandleSpot* FigureView::handle_at(Point at) const {
    for (std::size_t i = scene_.handles.size(); i-- > 0;) {
        if (scene_.handles[i].area.contains(at)) {
            return &scene_.handles[i];
        }
    }
    return nullptr;
}

void FigureView::press(Point at) {
    drag_ = {};
    drag_.from = at;
    if (const HandleSpot* handle = handle_at(at)) {
        drag_.kind = Drag::Kind::handle;
        drag_.handle = *handle;
        drag_.plot = scene_.plots.at(handle->plot);
        const Point centre = {
            handle->handle.x ? drag_.plot.x(*handle->handle.x) : at.x,
            handle->handle.y ? drag_.plot.y(*handle->handle.y) : at.y,
        };
        drag_.grip = {centre.x - at.x, centre.y - at.y};
    } else if (const PlotArea* plot = plot_at(at); plot != nullptr && plot->zoomable) {
        drag_.kind = Drag::Kind::pan;
        drag_.plot = *plot;
    }
}

void FigureView::move_handle(Ui& ui, Session& session, Point at) {
    const Handle& handle = drag_.handle.handle;
    const auto move = [&](const std::string& param, const AxisMap& axis, float position,
                          double scale) {
        const double value = axis.invert(position) / scale;
        if (!param.empty() && std::isfinite(value)) {
            const std::size_t i = session.experiment().index_of(param);
            // What half a point moves: the eye places no finer.
            const double step =
                std::abs(axis.invert(position + 0.5F) - axis.invert(position)) / std::abs(scale);
            ui.later([&session, i, to = rounded(value, step)] { session.drag(i, Value(to)); });
        }
    };
    move(handle.x_param, drag_.plot.x, at.x + drag_.grip.x, handle.x_scale);
    move(handle.y_param, drag_.plot.y, at.y + drag_.grip.y, handle.y_scale);
}

void FigureView::pan(Point at) {
    const float dx = at.x - drag_.from.x, dy = at.y - drag_.from.y;
    const auto x = ends(drag_.plot.x, drag_.plot.x.from - dx, drag_.plot.x.to - dx);
    const auto y = ends(drag_.plot.y, drag_.plot.y.from - dy, drag_.plot.y.to - dy);
    if (usable(x) && usable(y)) {
        (*zooms_now_)[drag_.plot.figure_id] = {x, y};
        ++zoom_version_;
    }
}

void FigureView::zoom(const PlotArea& plot, Point at, float steps) {
    const float factor = std::pow(zoom_step, -steps);
    const auto around = [factor](const AxisMap& axis, float p) {
        return ends(axis, p + (axis.from - p) * factor, p + (axis.to - p) * factor);
    };
    const auto x = around(plot.x, at.x), y = around(plot.y, at.y);
    if (usable(x) && usable(y)) {
        (*zooms_now_)[plot.figure_id] = {x, y};
        ++zoom_version_;
    }
}

void FigureView::show_only(std::vector<std::string> figures) {
    only_ = std::move(figures);
}

FigureView::Heights FigureView::heights(const Ui& ui, const Session& session, float width) {
    const Outcome some = only_.empty() ? Outcome{} : chosen_figures(*session.outcome(), only_);
    const Outcome& outcome = only_.empty() ? *session.outcome() : some;
    float share = 0;
    for (const FigureRow& row : outcome.rows) {
        share += static_cast<float>(row.height > 0 ? row.height : 1);
    }
    const float rows = share / least_share(outcome);
    const float least = ui.px(heading + least_row * rows);
    HeightKey key{session.experiment().id + shape_of(outcome), width, ui.theme().scale};
    if (key != height_key_) {
        height_key_ = std::move(key);
        const float from = ui.px(heading + comfortable_row * rows);
        comfortable_ = comfortable_height(outcome, width, from, ui.theme(), ui.fonts());
    }
    // Keys and wrapped titles of this outcome take more than usual: it scrolls before its plots or
    // the names of its rows pay for them.
    const bool crowded = comfortable_ > ui.px(heading + comfortable_row * rows);
    return {crowded ? std::max(least, 0.8F * comfortable_) : least, comfortable_};
}

void FigureView::point_at(Ui& ui, Session& session, const Pointer& pointer) {
    const Point at = pointer.at;
    const PlotArea* plot = plot_at(at);
    const float wheel = pointer.zooms ? ImGui::GetIO().MouseWheel : 0;
    if (plot != nullptr && plot->zoomable && wheel != 0) {
        zoom(*plot, at, wheel);
        ui.wake_in(0);
        return;
    }
    if (const HandleSpot* handle = handle_at(at)) {
        ImGui::SetMouseCursor(cursor_of(handle->handle));
        if (pointer.double_clicked) {
            for (const std::string& param : {handle->handle.x_param, handle->handle.y_param}) {
                if (!param.empty()) {
                    const std::size_t i = session.experiment().index_of(param);
                    ui.later([&session, i] { session.reset(i); });
                }
            }
        }
        return;
    }
    const std::optional<HoverSpot> spot = hover_at(scene_, at);
    if (spot) {
        ui.tooltip_now(spot->text);
        if (!spot->set.empty()) {
            ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
        }
    }
    if (pointer.double_clicked && plot != nullptr && zooms_now_->erase(plot->figure_id) > 0) {
        ++zoom_version_;
        ui.wake_in(0);
    } else if (pointer.clicked && spot && !spot->set.empty()) {
        ui.later([&session, values = spot->set] { session.set(values); });
    }
}

void FigureView::draw(Ui& ui, Session& session, Rect area, float alpha, bool scrolls) {
    origin_ = {area.x, area.y};
    zooms_now_ = &zooms_[session.experiment().id];
    if (!session.outcome()) {
        scene_ = {};
        key_ = {};
        return;
    }
    const Hit hit = ui.hit("figure", area, false);
    const ImVec2 pointer = ImGui::GetIO().MousePos;
    const Point at = {pointer.x - origin_.x, pointer.y - origin_.y};
    update_scene(ui, session, {area.width, area.height});
    if (hit.grabbed) {
        press(at);
    }
    if (hit.held || hit.let_go) {
        const float away = std::hypot(at.x - drag_.from.x, at.y - drag_.from.y);
        drag_.moved = drag_.moved || away > click_slack;
        if (drag_.kind == Drag::Kind::handle) {
            ImGui::SetMouseCursor(cursor_of(drag_.handle.handle));
            if (drag_.moved) {
                move_handle(ui, session, at);
            }
        } else if (drag_.kind == Drag::Kind::pan && drag_.moved) {
            ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeAll);
            pan(at);
            ui.wake_in(0);
        }
    }
    if (hit.let_go) {
        ui.later([&session] { session.release(); });
    }
    if (hit.hovered && !(hit.held && drag_.moved)) {
        point_at(ui, session,
                 {at, hit.let_go && !drag_.moved, hit.double_clicked,
                  !scrolls || ImGui::GetIO().KeyCtrl});
    }
    if (hit.let_go) {
        drag_ = {};
    }
    for (std::size_t i = 0; i < scene_.handles.size(); ++i) {
        const HandleSpot& spot = scene_.handles[i];
        const std::string& param =
            spot.handle.x_param.empty() ? spot.handle.y_param : spot.handle.x_param;
        Rect r = spot.area;
        r.x += origin_.x;
        r.y += origin_.y;
        ui.record("handle:" + param, r);
    }
    ImDrawList& draw_list = ui.draw();
    draw_list.PushClipRect({area.x, area.y}, {area.right(), area.bottom()}, true);
    ImGuiCanvas canvas(draw_list, ui.fonts(), textures_, origin_, alpha);
    paint(scene_, canvas);
    draw_list.PopClipRect();
}

}  // namespace nibble
