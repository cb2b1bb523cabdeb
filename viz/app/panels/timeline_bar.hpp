// The bar under the figures of what goes on step by step: play, a step back, a step forward, and a
// track with a thumb to drag and marks on the steps worth a look.
//
// It moves the view parameter that Outcome::timeline names. Playing is one undo step, waits for
// each picture before it asks for the next, and ends at the last step.
#pragma once

#include <optional>
#include <string>

#include "viz/app/session.hpp"
#include "viz/app/ui/ui.hpp"

namespace nibble {

class TimelineBar {
public:
    /// Points of the design that the bar takes.
    static constexpr float height = 44;

    /// The timeline of what is on the screen, or null.
    static const Timeline* of(const Session& session);

    /// Moves on when it plays and the time has come, then draws the bar. Only with a timeline.
    void draw(Ui& ui, Session& session, Rect area);
    /// Takes the keys that no widget wanted: Space plays, arrows, comma and full stop step, Home
    /// and End go to the ends. Only with a timeline.
    void take_keys(Ui& ui, Session& session);

    /// Plays from here (at the end: from the start), or pauses.
    void toggle(Ui& ui, Session& session);
    /// Goes `steps` on, or back when negative; pauses.
    void step(Session& session, std::int64_t steps);
    void pause(Session& session);
    bool playing() const { return play_.has_value(); }

private:
    struct Play {
        std::string experiment;
        Value shown;         // anything else in the parameter: somebody moved it, which pauses
        double next_at = 0;  // on the clock of Ui::now
    };
    /// The timeline with where it stands.
    struct Place {
        const Timeline& line;
        std::size_t param = 0;
        std::int64_t at = 0;
    };
    static Place place(const Session& session);
    void move_to(Session& session, std::int64_t at);
    void play_on(Ui& ui, Session& session);
    float draw_buttons(Ui& ui, Session& session, Rect area);
    float draw_step(Ui& ui, Session& session, Rect area);
    void draw_track(Ui& ui, Session& session, Rect area);

    std::optional<Play> play_;
    bool snapped_ = false;  // the press was on a mark: its step, however the pointer trembles
};

}  // namespace nibble
