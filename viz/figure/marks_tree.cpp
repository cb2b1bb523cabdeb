// Trees drawn left to right: a column a depth, leaves evenly apart, parents amid their children.
#include <algorithm>
#include <cmath>

#include "viz/figure/plot.hpp"

namespace nibble {
namespace {

struct Shape {
    std::vector<int> depth;   // of each node
    std::vector<float> line;  // of each node: 0, 1, 2 ... for the leaves
    std::vector<std::vector<std::size_t>> children;
    std::vector<std::size_t> roots;
    int depths = 0;
    float lines = 0;
};

/// Lines from the leaves up. Parents come before children in the list, so one pass down numbers the
/// depths and one pass in drawing order numbers the leaves.
Shape shape_of(const Tree& tree) {
    const std::size_t count = tree.nodes.size();
    Shape s;
    s.depth.assign(count, 0);
    s.line.assign(count, 0);
    s.children.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        const int parent = tree.nodes[i].parent;
        if (parent >= 0 && static_cast<std::size_t>(parent) < i) {
            s.children[static_cast<std::size_t>(parent)].push_back(i);
            s.depth[i] = s.depth[static_cast<std::size_t>(parent)] + 1;
        } else {
            s.roots.push_back(i);
        }
        s.depths = std::max(s.depths, s.depth[i] + 1);
    }
    std::vector<std::size_t> order, stack(s.roots.rbegin(), s.roots.rend());
    while (!stack.empty()) {
        const std::size_t node = stack.back();
        stack.pop_back();
        order.push_back(node);
        if (s.children[node].empty()) {
            s.line[node] = s.lines++;
        }
        stack.insert(stack.end(), s.children[node].rbegin(), s.children[node].rend());
    }
    for (auto node = order.rbegin(); node != order.rend(); ++node) {
        const auto& below = s.children[*node];
        if (!below.empty()) {
            s.line[*node] = (s.line[below.front()] + s.line[below.back()]) / 2;
        }
    }
    return s;
}

struct Columns {
    std::vector<float> left, width;
};

/// Each depth as wide as its widest text; narrowed alike when the sum does not fit.
Columns columns_of(const Tree& tree, const Shape& shape, const Plot& plot, Font font) {
    const float s = plot.theme.scale, padding = 16 * s;
    Columns c;
    c.width.assign(static_cast<std::size_t>(shape.depths), 12 * s);
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
        float& width = c.width[static_cast<std::size_t>(shape.depth[i])];
        width = std::max(width, plot.text_width(tree.nodes[i].text, font) + padding);
    }
    float total = 0;
    for (const float w : c.width) {
        total += w;
    }
    const auto gaps = static_cast<float>(shape.depths - 1);
    float gap = gaps > 0 ? (plot.frame.width - total) / gaps : 0;
    if (gap < 24 * s) {
        gap = std::min(24 * s, plot.frame.width * 0.4F / std::max(gaps, 1.0F));
        const float narrower = (plot.frame.width - gap * gaps) / total;
        for (float& w : c.width) {
            w *= std::min(narrower, 1.0F);
        }
    }
    gap = std::min(gap, 160 * s);
    float x = plot.frame.x;
    for (const float w : c.width) {
        c.left.push_back(x);
        x += w + gap;
    }
    return c;
}

}  // namespace

void draw(const Tree& mark, Plot& plot) {
    if (mark.nodes.empty()) {
        return;
    }
    const Theme& theme = plot.theme;
    const float s = theme.scale;
    const Font font = theme.small(), edge_font = {Face::text, 10.5F * s};
    const Shape shape = shape_of(mark);
    const Columns columns = columns_of(mark, shape, plot, font);
    const float line = std::min(plot.frame.height / std::max(shape.lines, 1.0F), 40 * s);
    const float height = std::min(22 * s, line - 2);
    const bool has_text = height >= font.size + 2;
    const auto rect_of = [&](std::size_t i) {
        const auto depth = static_cast<std::size_t>(shape.depth[i]);
        const float middle = plot.frame.y + (shape.line[i] + 0.5F) * line;
        const float h = std::max(height, 2.0F);
        const float w = has_text ? std::min(columns.width[depth],
                                            plot.text_width(mark.nodes[i].text, font) + 16 * s)
                                 : std::min(columns.width[depth], h * 2);
        return Rect{snap(columns.left[depth]), snap(middle - h / 2), snap(std::max(w, 2.0F)),
                    snap(h)};
    };
    for (std::size_t i = 0; i < mark.nodes.size(); ++i) {
        const Tree::Node& node = mark.nodes[i];
        if (shape.depth[i] == 0) {
            continue;
        }
        const Rect from = rect_of(static_cast<std::size_t>(node.parent)), to = rect_of(i);
        const Point a = {from.right(), from.centre().y}, b = {to.x, to.centre().y};
        const float bend = std::max(a.x + 8 * s, b.x - (b.x - a.x) * 0.5F);
        plot.add(Polyline{
            {a, {std::min(a.x + 8 * s, bend), a.y}, {std::min(a.x + 24 * s, bend), b.y}, b},
            theme.faint,
            theme.hairline()});
        const float room = b.x - (a.x + 28 * s);
        if (has_text && !node.edge.empty() && plot.text_width(node.edge, edge_font) <= room &&
            line >= edge_font.size * 1.6F) {
            plot.add(TextRun{
                {b.x - 4 * s, b.y - 3 * s}, node.edge, edge_font, theme.muted, HAlign::right});
        }
    }
    for (std::size_t i = 0; i < mark.nodes.size(); ++i) {
        const Tree::Node& node = mark.nodes[i];
        const Rect rect = rect_of(i);
        const Color color = plot.color(node.role);
        const bool quiet = node.role == Role::muted;
        const float radius = std::min(5 * s, rect.height / 2), w = theme.hairline();
        plot.add(FillRect{rect, quiet ? theme.raised : color, radius});
        if (quiet) {
            plot.add(StrokeRect{rect.inset(w / 2), theme.line, w, radius});
        }
        if (has_text) {
            const std::string text = shortened(node.text, font, rect.width - 8 * s, plot.measure);
            plot.add(TextRun{rect.centre(), text, font, quiet ? theme.text : ink_on(color),
                             HAlign::centre, VAlign::middle});
        }
        const std::string told = node.edge.empty() ? node.text : node.text + "\n" + node.edge;
        plot.scene.hovers.push_back({rect, told, picked(mark.pick, i)});
    }
}

}  // namespace nibble
