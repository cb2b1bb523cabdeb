// The figures of the present lab on the screen: painting, hover values, zoom, pan, handles, picks.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "viz/app/session.hpp"
#include "viz/app/ui/ui.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {

class FigureView {
public:
    /// Draws the session's outcome into `area` and works the pointer there. `alpha` dims what is
    /// no longer the answer. Where the pane scrolls, the wheel zooms with Ctrl only.
    void draw(Ui& ui, Session& session, Rect area, float alpha, bool scrolls);
    /// Below `least` the figures cannot be read; `comfortable` shows all their titles and labels.
    struct Heights {
        float least = 0, comfortable = 0;
    };
    Heights heights(const Ui& ui, const Session& session, float width);

    /// Shows only these of an outcome's figures, where it has any of them; empty: all.
    void show_only(std::vector<std::string> figures);

    /// What is on the screen, and where its corner is. For the tests.
    const Scene& scene() const { return scene_; }
    Point origin() const { return origin_; }
    const Zooms& zooms(const std::string& experiment) { return zooms_[experiment]; }
    int layouts() const { return layouts_; }

private:
    /// What the scene was laid out for: laid out again only when this changes.
    struct Key {
        std::shared_ptr<const Outcome> outcome, pinned;
        float width = 0, height = 0, scale = 0;
        ThemeKind theme = ThemeKind::dark;
        int zoom_version = 0;
        std::string experiment;
        std::vector<std::string> only;
        bool operator==(const Key&) const = default;
    };
    struct Drag {
        enum class Kind { none, handle, pan } kind = Kind::none;
        HandleSpot handle;
        PlotArea plot;  // as it was when the drag began: the axes may refit under it
        Point from;     // pointer at the press, scene points
        Point grip;     // from the pointer to the handle's own position
        bool moved = false;
    };
    void update_scene(Ui& ui, const Session& session, Size size);
    void press(Point at);
    void move_handle(Ui& ui, Session& session, Point at);
    void pan(Point at);
    void zoom(const PlotArea& plot, Point at, float steps);
    struct Pointer {
        Point at;
        bool clicked = false, double_clicked = false, zooms = false;
    };
    void point_at(Ui& ui, Session& session, const Pointer& pointer);
    const PlotArea* plot_at(Point at) const;
    const HandleSpot* handle_at(Point at) const;

    /// What the height of a scrolling panel was found for: not again for each step of a slider.
    struct HeightKey {
        std::string shape;
        float width = 0, scale = 0;
        bool operator==(const HeightKey&) const = default;
    };

    std::vector<std::string> only_;
    Key key_;
    HeightKey height_key_;
    float comfortable_ = 0;
    Scene scene_;
    Point origin_;
    Drag drag_;
    TextureCache textures_;
    std::map<std::string, Zooms> zooms_;
    Zooms* zooms_now_ = nullptr;
    int zoom_version_ = 0, layouts_ = 0;
};

}  // namespace nibble
