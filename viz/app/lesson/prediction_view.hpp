// A chart to predict on: the figure without its result, drawn on with the pointer; and afterwards
// the prediction over the result.
#pragma once

#include <memory>
#include <string>

#include "viz/app/lesson/lesson_reader.hpp"
#include "viz/app/ui/ui.hpp"
#include "viz/figure/layout.hpp"

namespace nibble {

/// The figure of a prediction with axes and context, and nothing that gives the result away, as a
/// whole panel. `outcome` is of the question's setting.
Outcome blank_chart(const Outcome& outcome, const QuestionBlock& question);

/// Puts a drawn line through (x, y), points kept in the order of x.
void put_point(std::vector<std::pair<double, double>>& line, double x, double y);

class PredictionView {
public:
    /// Draws the chart, or words in its place where nothing is drawn on one, and lets the pointer
    /// change the draft.
    void draw(Ui& ui, const QuestionBlock& question, LessonReader::Work& work, Rect area);

private:
    struct Key {
        std::shared_ptr<const Outcome> outcome;
        std::string question;
        float width = 0, height = 0, scale = 0;
        ThemeKind theme = ThemeKind::dark;
        bool operator==(const Key&) const = default;
    };
    Key key_;
    Scene scene_;
    Point last_;  // where the pointer was in the frame before
    TextureCache textures_;
};

/// What was predicted, in a plot that now shows the result.
void draw_prediction(const Ui& ui, const std::vector<std::pair<double, double>>& points,
                     const PlotArea& plot, Point origin);

}  // namespace nibble
