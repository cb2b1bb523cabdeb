// One row a parameter: slider, segmented buttons or list, switch, file or text field.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "viz/app/session.hpp"
#include "viz/app/ui/ui.hpp"

namespace nibble {

/// What a row asks of the window: things that open above the panel.
struct PanelRequests {
    struct List {
        std::size_t param = 0;
        Rect anchor;
    };
    std::optional<List> open_list;      // of a choice with many options
    std::optional<List> list_tensors;   // of the file that this parameter names one of
    std::optional<std::size_t> browse;  // pick a file for this parameter
    bool any() const { return open_list || list_tensors || browse; }
};

class ParamPanel {
public:
    /// Draws the rows of the present lab from `top_left` on; returns the y below them.
    float draw(Ui& ui, Session& session, Point top_left, float width, PanelRequests& requests);

    /// What a page of a lesson offers of a lab: these parameters first, the others behind "More
    /// parameters", or not at all. An empty list offers what the lab itself shows.
    struct Offer {
        std::string experiment;
        std::vector<std::string> params;
        bool hides_rest = false;
    };
    void offer(Offer offer) { offer_ = std::move(offer); }

    /// Whether the rarely used parameters are shown; kept per lab.
    bool& shows_more(const std::string& experiment) { return more_[experiment]; }
    /// What is wrong with what was typed into a row; empty when nothing is.
    std::string typing_error(const std::string& param) const;
    /// Forgets typing errors: another lab, or values that came from elsewhere.
    void forget_errors() { errors_.clear(); }

private:
    struct Row;
    void label(const Row& row);
    float number_row(const Row& row);
    float choice_row(const Row& row, PanelRequests& requests);
    std::size_t segments(const Row& row, Rect r, std::size_t now);
    std::size_t list_button(const Row& row, Rect r, std::size_t now, PanelRequests& requests);
    std::size_t arrow_choice(const Row& row, bool focused, std::size_t now);
    float switch_row(const Row& row);
    float text_row(const Row& row, PanelRequests& requests);
    float error_line(const Row& row, float y);
    void slide(const Row& row, Rect track);
    void value_field(const Row& row, Rect r);
    void type_in(const Row& row, const std::string& text);

    Offer offer_;
    std::map<std::string, bool> more_;
    struct TypingError {
        std::string words, experiment;
        std::size_t param = 0;
        Value beside;  // another value in its place: the error is of the past
    };
    std::map<std::string, TypingError> errors_;  // by parameter name
};

}  // namespace nibble
