// ParagraphStyle text and figures on A4 pages: lines are broken, pages filled, everything stays
// vector.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/core/outcome.hpp"
#include "viz/figure/layout.hpp"
#include "viz/figure/theme.hpp"
#include "viz/lesson/rich_text.hpp"

namespace nibble {

/// How a paragraph is set.
struct ParagraphStyle {
    Font font = {Face::text, 10};
    float indent = 0;             // points from the left margin, for all lines
    std::string marker = {};      // hangs before the first line: "•", "2."
    float above = 6;              // space before it, unless it opens a page
    bool quiet = false;           // in the muted colour
    bool keep_with_next = false;  // a heading: not alone at the foot of a page
};

class Pages {
public:
    Pages();

    void text(const RichText& text, const ParagraphStyle& style = {});
    void text(std::string_view words, const ParagraphStyle& style = {});
    /// A row of a table: columns of equal width, over a hairline.
    void row(const std::vector<RichText>& cells, bool is_head);
    /// The outcome's figures over the width of the page.
    void figure(const Outcome& outcome, float height);
    /// Rules to write on.
    void rules(int count, float indent = 0);
    /// A label, a rule to write on, and what follows it: "Answer ______ ms".
    void blank(const std::string& label, const std::string& after, float width, float indent = 0);
    /// A small square to tick, left of the next paragraph, which is to be indented by 16 points.
    void tick_box(bool ticked, float indent);
    void gap(float height) { y_ += height; }
    /// Moves to a new page unless `height` points are left on this one.
    void keep_together(float height);
    void new_page();
    /// Starts a tinted stripe at the left margin; it runs to where it is ended, over pages.
    void begin_stripe();
    void end_stripe();

    /// The pages, each with the line at its foot and its number.
    std::vector<Scene> finish(const std::string& foot);

private:
    Scene& page() { return pages_.back(); }

    Theme theme_;
    std::vector<Scene> pages_;
    float y_ = 0;
    float stripe_from_ = -1;  // y on this page; negative: none
};

}  // namespace nibble
