// The content of the window: what each frame shows and what its buttons, keys and dialogs do.
//
// It draws with Dear ImGui into whatever context is current and knows no window system, apart from
// key names; Window gives it frames. A frame first takes over what has come, then draws one state,
// and then makes the changes that were asked for while it was drawn, by Ui::later().
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "viz/app/lesson/lesson_reader.hpp"
#include "viz/app/lesson/prediction_view.hpp"
#include "viz/app/panels/device_board.hpp"
#include "viz/app/panels/figure_view.hpp"
#include "viz/app/panels/param_panel.hpp"
#include "viz/app/panels/timeline_bar.hpp"
#include "viz/app/session.hpp"
#include "viz/app/settings.hpp"
#include "viz/app/ui/ui.hpp"

namespace nibble {

class App;

/// Something that opens above the window and takes all keys while it is there.
class Overlay {
public:
    virtual ~Overlay() = default;
    /// One frame of it; false when it wants to close.
    virtual bool draw(Ui& ui, App& app) = 0;
};

/// Something the person can do by name: a row of the command palette, a line of the key help.
struct Action {
    std::string title;
    std::string keys;  // "Ctrl+Z"; empty when it has none
    std::function<void()> run;
};

class App {
public:
    App(Session& session, DeviceBoard& devices, LessonReader& lessons, const FontSet& fonts,
        Settings settings);

    /// Builds one frame. `keys` were pressed since the last one, `now` counts seconds.
    void frame(std::vector<KeyPress> keys, double now);
    /// Frames that could not be drawn or changed, for a bug in Nibble: the window tells and goes
    /// on.
    int lost_frames() const { return lost_frames_; }
    /// Why the last one was; empty when none was.
    std::string lost_why() const { return lost_ ? lost_->why : ""; }

    Session& session() { return session_; }
    DeviceBoard& devices() { return devices_; }
    LessonReader& lessons() { return lessons_; }
    Ui& ui() { return ui_; }
    FigureView& figure() { return figure_; }
    ParamPanel& params() { return params_; }
    TimelineBar& timeline() { return timeline_; }
    Settings& settings() { return settings_; }
    const Theme& theme() const { return theme_; }
    /// Pixels a point, from the screen.
    void set_screen_scale(float scale);

    // What can be done
    void toggle_theme();
    void toggle_projector();
    void toggle_pin();
    void select(const std::string& experiment);
    void choose_device(kernels::Machine device);
    void open_file(const std::filesystem::path& path);
    void save_file(const std::filesystem::path& path);
    void drop(const std::filesystem::path& path);
    void copy_command();
    void reset_panel();
    void show(std::unique_ptr<Overlay> overlay);
    void show_export();
    void show_palette();
    void show_devices();
    void show_parameter(std::size_t param);
    const std::vector<Action>& actions() const { return actions_; }

    // Lessons
    /// Opens one at a page, beside the lab. `presents`: for a room, see LessonReader.
    void open_lesson(const std::string& name, bool presents = false, std::size_t page = 0);
    /// Back to the list of lessons, or out of the presentation.
    void leave_lesson();
    void show_report();
    /// Whether the left side shows lessons, rather than labs.
    bool shows_lessons() const { return shows_lessons_; }
    void show_lessons(bool lessons);
    /// Whether a lesson is being read.
    bool reads() const { return shows_lessons_ && lessons_.lesson() != nullptr; }
    bool presents() const { return reads() && lessons_.presents(); }

    /// A sentence in the status line for a while.
    void tell(std::string words);
    const std::string& notice() const { return notice_; }
    bool has_overlay() const { return !overlays_.empty(); }
    /// Whether something that settings.json keeps has changed since this was last asked.
    bool take_settings_changed();
    /// Once after another lab has come: its row in the list is brought into sight.
    bool take_lab_changed();
    void note_settings() { settings_changed_ = true; }
    bool wants_close() const { return wants_close_; }

private:
    struct Places {
        Rect top, nav, centre, timeline, status, right;
        bool nav_fits = true;    // the labs, or a lesson, have a column of their own
        bool right_fits = true;  // so do the parameters
    };
    /// What a frame was lost in. The same would be lost again, so it is drawn no more.
    struct Lost {
        std::string why;
        Scenario scenario;
        std::shared_ptr<const Outcome> outcome;
    };
    bool is_lost() const;
    void guarded(const std::function<void()>& part);
    void lose_frame(const std::string& why);
    void draw_lost(const Places& at);
    void follow();
    void draw();
    void draw_panels(const Places& at);
    void draw_nav(Rect area);
    void make_changes();
    Places places() const;
    Places lesson_places() const;
    void follow_lesson();
    void lesson_keys();
    void draw_lesson(Rect area, bool with_controls);
    void draw_hidden_result(Rect area);
    void draw_title_page(Rect area);
    void draw_made_prediction();
    void update_theme();
    void follow_devices();
    void age_notice(bool something_done);
    void make_actions();
    void shortcuts();
    void draw_top_bar(const Places& at);
    float draw_top_left(const Places& at);
    std::string device_badge_now() const;
    void draw_device(Rect chip, const std::string& badge);
    void draw_seed(Rect chip);
    void draw_centre(const Places& at);
    void scroll_centre();
    void draw_error(Rect area);
    void draw_status(Rect area);
    std::string status_words();
    void draw_right(Rect area);
    void serve(const PanelRequests& requests);
    void list_tensors(const PanelRequests::List& list);
    void draw_overlays();
    bool dims() const;
    /// Whether the present parameters have no result, so that what is shown answers earlier ones.
    bool failed() const;

    Session& session_;
    DeviceBoard& devices_;
    LessonReader& lessons_;
    Settings settings_;
    Ui ui_;
    FigureView figure_;
    ParamPanel params_;
    TimelineBar timeline_;
    PredictionView prediction_;
    Theme theme_;
    float screen_scale_ = 1;
    std::vector<Action> actions_;
    std::vector<std::unique_ptr<Overlay>> overlays_;
    std::string notice_, listed_lab_;
    double notice_since_ = -1;  // negative: not shown yet
    std::optional<Lost> lost_;
    int lost_frames_ = 0;
    bool settings_changed_ = false, wants_close_ = false;
    bool devices_asked_ = false;
    bool shows_more_numbers_ = false;
    bool shows_lessons_ = false;
    bool scroll_lesson_ = false;  // the page of a presentation moves up
    float unread_ = 0;            // points of it below what is seen
};

/// The list of labs or of lessons, in the pane that is current. Returns the y below it.
float draw_navigation(Ui& ui, App& app, Rect area);
/// Labs | Lessons, over either list. Returns the y below.
float draw_tabs(Ui& ui, App& app, Rect area);

}  // namespace nibble
