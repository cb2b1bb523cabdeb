// Layout: whatever the data, labels stand apart from each other and from the data, nothing leaves
// the scene, and it is fast enough to run while a slider is dragged.
#include "viz/figure/layout.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "viz/figure/recording_canvas.hpp"

#include "tests/catch.hpp"
#include "tests/figure/samples.hpp"
#include "tests/figure/scene_checks.hpp"

namespace nibble::layout_test {

using samples::outcome_of;

namespace {

const FixedMeasure measure;
constexpr double infinity = INFINITY;

Scene laid_out(const Outcome& outcome, Size size = {640, 480}, ThemeKind kind = ThemeKind::dark,
               float scale = 1, const Zooms& zooms = {}) {
    LayoutOptions options;
    options.footer = true;
    options.footer_text = "nibble run quantizer";
    options.zooms = zooms;
    return layout(outcome, size, make_theme(kind, scale), measure, options);
}

std::vector<double> ramp(int count) {
    std::vector<double> x;
    for (int i = 0; i < count; ++i) {
        x.push_back(i);
    }
    return x;
}

Figure with(std::vector<Mark> marks, Scale y_scale = Scale::linear) {
    Figure f;
    f.id = "nasty";
    f.title = "A title";
    f.x.label = "x";
    f.y.label = "y";
    f.y.scale = y_scale;
    f.marks = std::move(marks);
    return f;
}

Segments broken_segments() {
    Segments s;
    s.lanes = {"lane"};
    for (const auto& [lane, start, end] :
         {std::tuple(7, 0.0, 1.0), {-1, 0.0, 1.0}, {0, 5.0, 1.0}, {0, double(NAN), 1.0}}) {
        s.items.push_back({lane, start, end, Role::subject, "item"});
    }
    return s;
}

/// Every kind of data that has broken a plotting program.
std::vector<samples::Sample> nasty_figures() {
    std::vector<samples::Sample> list;
    const auto add = [&](const char* name, Figure f) { list.push_back({name, std::move(f)}); };
    add("nothing", with({}));
    add("no values", with({Line{"empty", Role::subject, {}, {}}, Points{}, Bars{}, Band{},
                           Histogram{}, Heatmap{}, Ticks{}, Segments{}}));
    add("free marks without items", with({Cells{}, Tree{}, Links{}, Tokens{}, Listing{}}));
    add("one point", with({Line{"alone", Role::subject, {3}, {5}}}));
    add("all NaN", with({Line{"nan", Role::subject, {1, 2}, {NAN, NAN}}}));
    add("infinities", with({Line{"inf", Role::subject, {1, 2, 3}, {-infinity, 2, infinity}}}));
    add("constant", with({Line{"flat", Role::subject, ramp(50), std::vector<double>(50, 7)}}));
    add("constant zero", with({Line{"zero", Role::subject, ramp(9), std::vector<double>(9, 0)}}));
    add("huge", with({Line{"huge", Role::subject, {0, 1}, {-1.7e308, 1.7e308}}}));
    add("tiny", with({Line{"tiny", Role::subject, {0, 1}, {1e-320, 5e-308}}}));
    add("large offset", with({Line{"offset", Role::subject, {0, 1}, {1e15, 1e15 + 1}}}));
    add("log with zeros and negatives",
        with({Line{"log", Role::subject, ramp(6), {0, -1, 1, 100, 0, 1e4}, true}}, Scale::log10));
    add("log without positives", with({Line{"log", Role::subject, ramp(2), {0, -1}},
                                       Histogram{"h", Role::subject, {0, 1, 2}, {0, 0}}},
                                      Scale::log10));
    add("log bars", with({Bars{{"a", "b"}, {{"s", Role::subject, {10, 1000}}}}}, Scale::log10));
    Figure equal = with({Line{"equal", Role::subject, ramp(3), {1, 2, 3}}});
    equal.x.limits = {{5, 5}};
    equal.y.limits = {{3, -3}};
    add("equal and swapped limits", equal);
    equal.y.limits = {{NAN, infinity}};
    add("limits that are no numbers", equal);
    Figure title = with({Line{"line", Role::subject, ramp(3), {1, 2, 3}}});
    title.title = std::string(400, 'W');
    title.x.label = std::string(300, 'x');
    title.y.label = std::string(300, 'y');
    title.footnote = std::string(300, 'f');
    add("long unbroken words", title);
    Figure names = with({Bars{{}, {{"s", Role::subject, {}}}}});
    for (int i = 0; i < 60; ++i) {
        std::get<Bars>(names.marks[0]).names.push_back("a rather long name " + std::to_string(i));
        std::get<Bars>(names.marks[0]).series[0].values.push_back(i);
    }
    add("sixty long names", names);
    Figure labels = with({});
    for (int k = 0; k < 40; ++k) {
        labels.marks.push_back(Line{"a long series name " + std::to_string(k), category(k),
                                    ramp(30), std::vector<double>(30, k)});
    }
    add("forty series", labels);
    Figure rules = with({Line{"line", Role::subject, ramp(9), ramp(9)}});
    for (int k = 0; k < 12; ++k) {
        rules.marks.push_back(
            Rule{"rule number " + std::to_string(k), Role::limit, k % 2 == 0, 0.7 * k});
        rules.marks.push_back(Note{4, 4, "note number " + std::to_string(k)});
        rules.marks.push_back(
            Handle{"handle " + std::to_string(k), Role::limit, 4.0, 4.0, "a", "b"});
    }
    add("crowd of rules, notes and handles", rules);
    Figure broken = with({Line{"short y", Role::subject, ramp(9), {1, 2}},
                          Band{"short", Role::subject, ramp(4), {1}, {2, 3}},
                          Histogram{"short", Role::subject, {1}, {2, 3}},
                          Bars{{"a", "b"}, {{"s", Role::subject, {1}}}}, broken_segments()});
    add("lists of different lengths", broken);
    Heatmap map;
    map.rows = 3;
    map.cols = 3;
    map.cells = {1, 2};
    add("matrix with too few cells", with({map}));
    map.cells = std::vector<float>(9, NAN);
    map.low = map.high = 0;
    add("matrix of NaN", with({map}));
    add("tree with broken parents", with({Tree{{{5, "a"}, {1, "b"}, {-7, "c"}, {0, "d"}}}}));
    Links pointers;
    pointers.left.assign(70,
                         {Role::limit, std::vector<std::string>(30, "W"), std::string(90, 'W')});
    pointers.right.assign(3, {Role::muted, {}, "", std::string(90, 'n')});
    pointers.arrows = {{-1, 0}, {0, 3}, {70, 0}, {69, 2}};
    add("links with long names and arrows to nowhere", with({pointers}));
    Listing code;
    code.chosen = 900;
    code.first_line = 4000000000;
    code.lines.assign(500, {std::string(300, 'W'), Role::limit, std::string(300, 'n')});
    add("a listing of long marked lines", with({code}));
    Cells named;
    named.columns = 3;
    named.gap_every = 1;
    named.items.resize(200);
    named.row_names.assign(90, std::string(80, 'W'));
    add("cells with long names for too many rows", with({named}));
    Figure text =
        with({Note{1, 1, "bad \xff bytes \xc3"}, Line{"\x01\x02", Role::subject, {0, 2}, {0, 2}}});
    add("text that is not UTF-8", text);
    return list;
}

}  // namespace

TEST_CASE("nasty data are laid out without overlaps, at every size", "[figure][layout]") {
    for (const auto& sample : nasty_figures()) {
        for (const Size size :
             {Size{1200, 800}, {640, 480}, {320, 240}, {120, 90}, {64, 64}, {1, 1}, {0, 0}}) {
            for (const float scale : {1.0F, 1.75F}) {
                const Scene scene =
                    laid_out(outcome_of(sample.figure), size, ThemeKind::light, scale);
                CAPTURE(sample.name, size.width, size.height, scale);
                CHECK(samples::wild_positions(scene) == std::vector<std::string>{});
                CHECK(samples::misplaced_texts(scene, measure) == std::vector<std::string>{});
                CHECK(samples::labels_on_data(scene, measure) == std::vector<std::string>{});
            }
        }
    }
}

TEST_CASE("every sample keeps its labels apart", "[figure][layout]") {
    for (const auto& sample : samples::all_marks()) {
        for (const Size size : {Size{900, 600}, {480, 360}, {300, 200}}) {
            const Scene scene = laid_out(outcome_of(sample.figure), size);
            CAPTURE(sample.name, size.width, size.height);
            CHECK(samples::wild_positions(scene) == std::vector<std::string>{});
            CHECK(samples::misplaced_texts(scene, measure) == std::vector<std::string>{});
            const bool on_pictures = sample.name == "heatmap" || sample.name == "signed";
            if (!on_pictures) {
                CHECK(samples::labels_on_data(scene, measure) == std::vector<std::string>{});
            }
        }
    }
}

TEST_CASE("frames of a row line up", "[figure][layout]") {
    const Scene scene = laid_out(samples::quantizer_panel(), {764, 720});
    REQUIRE(scene.plots.size() == 4);
    CHECK(scene.plots[0].frame.y == scene.plots[1].frame.y);
    CHECK(scene.plots[0].frame.bottom() == scene.plots[1].frame.bottom());
    CHECK(scene.plots[2].frame.y == scene.plots[3].frame.y);
    CHECK(scene.plots[2].frame.bottom() == scene.plots[3].frame.bottom());
    CHECK(scene.plots[1].frame.right() == scene.plots[3].frame.right());
}

TEST_CASE("axes lie on whole points, so that one-pixel lines are crisp", "[figure][layout]") {
    for (const PlotArea& plot : laid_out(samples::quantizer_panel(), {701, 633}).plots) {
        for (const float v : {plot.frame.x, plot.frame.y, plot.frame.width, plot.frame.height}) {
            CHECK(v == std::round(v));
        }
    }
}

TEST_CASE("a figure with room labels its curves directly, one without gets a key",
          "[figure][layout]") {
    const auto texts_in_frame = [](const Scene& scene, const std::string& prefix) {
        int count = 0;
        for (const auto& t : samples::text_boxes(scene, measure)) {
            count += t.text.starts_with(prefix) && scene.plots[0].frame.contains({t.box.x, t.box.y})
                         ? 1
                         : 0;
        }
        return count;
    };
    const Line a{"curve a", Role::subject, ramp(20), std::vector<double>(20, 1)};
    const Line b{"curve b", Role::baseline, ramp(20), std::vector<double>(20, 2)};
    CHECK(texts_in_frame(laid_out(outcome_of(with({a, b}))), "curve") == 2);
    for (const auto& sample : samples::all_marks()) {
        if (sample.name == "crossing") {
            const Scene scene = laid_out(outcome_of(sample.figure));
            CHECK(texts_in_frame(scene, "series") == 0);
            int keys = 0;
            for (const auto& t : samples::text_boxes(scene, measure)) {
                keys += t.text.starts_with("series") ? 1 : 0;
            }
            CHECK(keys == 8);
        }
    }
}

TEST_CASE("a line of a million points becomes a few a pixel column and keeps its peak",
          "[figure][layout]") {
    Line line{"long", Role::subject, ramp(1000000), {}};
    for (std::size_t i = 0; i < line.x.size(); ++i) {
        line.y.push_back(std::sin(0.001 * static_cast<double>(i)));
    }
    line.y[777777] = 5;
    const Scene scene = laid_out(outcome_of(with({line})));
    std::size_t points = 0;
    float highest = infinity;
    for (const Primitive& item : scene.items) {
        if (const auto* p = std::get_if<Polyline>(&item)) {
            points += p->points.size();
            for (const Point& at : p->points) {
                highest = std::min(highest, at.y);
            }
        }
    }
    CHECK(points <= 4 * 600);
    const PlotArea& plot = scene.plots[0];
    CHECK(highest == Approx(plot.y(5)).margin(0.5));
}

TEST_CASE("marks beyond a zoom are cut at the frame", "[figure][layout]") {
    const Line line{"steep", Role::subject, {0, 1, 2, 1e9}, {0, 1e12, -1e12, 3}};
    const Scene scene = laid_out(outcome_of(with({line})), {640, 480}, ThemeKind::dark, 1,
                                 {{"nasty", {{{0.5, 1.5}}, {{0.0, 1.0}}}}});
    REQUIRE(scene.plots.size() == 1);
    CHECK(scene.plots[0].x.low == 0.5);
    CHECK(scene.plots[0].y.high == 1.0);
    CHECK(samples::wild_positions(scene) == std::vector<std::string>{});
    const Rect room = scene.plots[0].frame.inset(-8);
    for (const Primitive& item : scene.items) {
        if (const auto* p = std::get_if<Polyline>(&item); p && p->line_width > 1) {
            for (const Point& at : p->points) {
                CHECK(room.contains(at));
            }
        }
    }
}

namespace {

/// The texts of a laid-out listing in the order of drawing, 480 points wide.
std::vector<std::string> texts_of(const Listing& code, float height) {
    Figure f = with({code});
    f.title.clear();
    f.x.hidden = f.y.hidden = true;
    Outcome o;
    o.rows = {{1, {f}}};
    std::vector<std::string> texts;
    const Scene scene = layout(o, {480, height}, make_theme(ThemeKind::light), measure);
    for (const auto& box : samples::text_boxes(scene, measure)) {
        texts.push_back(box.text);
    }
    return texts;
}

Listing numbered(int count) {
    Listing code;
    for (int i = 1; i <= count; ++i) {
        code.lines.push_back({"line " + std::to_string(i)});
    }
    return code;
}

}  // namespace

TEST_CASE("a listing shows all its lines where they fit", "[figure][listing]") {
    // 300 points less two margins of 18 leave 264: sixteen rows of 16.
    const auto texts = texts_of(numbered(16), 300);
    REQUIRE(texts.size() == 32);
    CHECK(texts[0] == "1");
    CHECK(texts[1] == "line 1");
    CHECK(texts[31] == "line 16");
}

TEST_CASE("a long listing keeps what matters and counts what it leaves out", "[figure][listing]") {
    Listing code = numbered(100);
    code.chosen = 49;
    code.lines[9].note = "a store";
    const auto texts = texts_of(code, 300);
    const auto has = [&](const std::string& text) {
        return std::count(texts.begin(), texts.end(), text) == 1;
    };
    CHECK(has("line 50"));
    CHECK(has("line 10"));
    CHECK(has("a store"));
    int rows = 0, lines = 0;
    for (const std::string& text : texts) {
        const bool fold = text.starts_with("…");
        rows += fold || text.starts_with("line ") ? 1 : 0;
        lines += text.starts_with("line ") ? 1 : fold ? std::stoi(text.substr(4)) : 0;
    }
    CHECK(rows == 16);
    CHECK(lines == 100);  // shown and hidden
}

TEST_CASE("a fold of a listing says when it hides marked lines", "[figure][listing]") {
    Listing code = numbered(100);
    for (const std::size_t line : {49U, 2U, 4U, 97U}) {
        code.lines[line].note = "note";
    }
    code.chosen = 49;
    const auto texts = texts_of(code, 55);  // three rows: 55 points less two margins of 3
    CHECK(texts == std::vector<std::string>{"… 49 lines, 2 of them marked", "50", "line 50", "note",
                                            "… 50 lines, 1 of them marked"});
}

TEST_CASE("comments of a listing stand apart from code, strings do not", "[figure][listing]") {
    Listing code;
    code.lines = {{"    int a = 0;  // zero"}, {"print(\"http://x\");"}, {"/* all"}, {" * of it"}};
    const auto texts = texts_of(code, 300);
    CHECK(texts == std::vector<std::string>{"1", "int a = 0;", "// zero", "2",
                                            "print(\"http://x\");", "3", "/* all", "4", "* of it"});
}

TEST_CASE("only noted lines of a listing can be picked", "[figure][listing][hover]") {
    Listing code = numbered(3);
    code.lines[1] = {"line 2", Role::limit, "8 sectors", "load"};
    code.pick = {"site", {std::int64_t{0}, std::int64_t{7}, std::int64_t{0}}};
    Figure f = with({code});
    f.title.clear();
    f.x.hidden = f.y.hidden = true;
    const Scene scene = laid_out(outcome_of(f));
    REQUIRE(scene.hovers.size() == 1);
    CHECK(scene.hovers[0].text == "load");
    REQUIRE(scene.hovers[0].set.size() == 1);
    CHECK(scene.hovers[0].set[0] == std::pair<std::string, Value>("site", std::int64_t{7}));
}

TEST_CASE("tokens that find no room are counted, behind a line break too", "[figure][layout]") {
    Tokens text;
    for (int i = 0; i < 60; ++i) {
        text.items.push_back({i % 4 == 3 ? " end\n" : " word"});
    }
    Figure f = with({text});
    f.x.hidden = f.y.hidden = true;
    CHECK(recording_of(laid_out(outcome_of(f), {300, 240})).find(" more\"") != std::string::npos);
}

TEST_CASE("the pointer finds values and what a click sets", "[figure][hover]") {
    Figure f = with(
        {Points{"series", Role::subject, {1, 2}, {10, 20}, {"first", "second"}, {"bits", {}}}});
    f.y.unit = "dB";
    const Scene scene = laid_out(outcome_of(f));
    const PlotArea& plot = scene.plots[0];
    const auto hit = hover_at(scene, {plot.x(2), plot.y(20)});
    REQUIRE(hit);
    CHECK(hit->text == "second\nx: 2\ny: 20 dB");
    REQUIRE(hit->set.size() == 1);
    CHECK(hit->set[0].first == "bits");
    CHECK(hit->set[0].second == Value(std::int64_t(1)));
    CHECK_FALSE(hover_at(scene, {1, 1}));
}

TEST_CASE("the whole place of a picked bar can be clicked, however short it is",
          "[figure][hover]") {
    Figure f = with({Bars{{"long", "short"}, {{"s", Role::subject, {1000, 0.001}}}}});
    auto& bars = std::get<Bars>(f.marks[0]);
    bars.horizontal = true;
    bars.pick = {"rung", {std::int64_t{1}, std::int64_t{2}}};
    const Scene scene = laid_out(outcome_of(f));
    const Rect frame = scene.plots.at(0).frame;
    const auto hit = hover_at(scene, {frame.right() - 5, frame.y + frame.height * 0.75F});
    REQUIRE(hit);
    CHECK(hit->text == "short");
    REQUIRE(hit->set.size() == 1);
    CHECK(hit->set[0] == std::pair<std::string, Value>("rung", std::int64_t{2}));
}

TEST_CASE("bars out of focus step back", "[figure]") {
    Bars bars{{"a", "b", "c"}, {{"s", Role::subject, {1, 2, 3}}}};
    const auto opaque = [](const Bars& mark) {
        const Theme theme = make_theme(ThemeKind::dark);
        int count = 0;
        for (const Primitive& item : laid_out(outcome_of(with({mark}))).items) {
            const auto* body = std::get_if<FillRect>(&item);
            count += body && body->color == theme.style(Role::subject).color ? 1 : 0;
        }
        return count;
    };
    CHECK(opaque(bars) == 3);
    bars.chosen = 1;
    CHECK(opaque(bars) == 1);
}

TEST_CASE("cells part after every few columns and stretch as far as they may", "[figure]") {
    const auto cells_of = [](const Cells& cells) {
        std::vector<Rect> rects;
        Figure f = with({cells});
        f.x.hidden = f.y.hidden = true;
        for (const HoverSpot& spot : laid_out(outcome_of(f), {800, 200}).hovers) {
            rects.push_back(spot.area);
        }
        return rects;
    };
    Cells cells;
    cells.columns = 4;
    cells.items.assign(80, {Role::subject, 1, "", "a cell"});  // twenty low rows
    const auto plain = cells_of(cells);
    REQUIRE(plain.size() == 80);
    CHECK(plain[2].x - plain[1].x == plain[1].x - plain[0].x);
    cells.gap_every = 2;
    const auto parted = cells_of(cells);
    CHECK(parted[2].x - parted[1].x > parted[1].x - parted[0].x);
    CHECK(parted[4].x == parted[0].x);
    cells.stretch = 5;
    CHECK(cells_of(cells)[0].width > 2 * parted[0].width);
}

TEST_CASE("a heat map answers cell by cell without a spot for each", "[figure][hover]") {
    Heatmap map;
    map.rows = 200;
    map.cols = 3000;
    map.cells.assign(600000, 0.5F);
    map.cells[3000 * 57 + 1234] = -9;
    map.label = "error";
    map.pick_col_param = "column";
    const Scene scene = laid_out(outcome_of(with({map})));
    CHECK(scene.hovers.size() < 100);
    REQUIRE(scene.grids.size() == 1);
    const PlotArea& plot = scene.plots[0];
    const auto hit = hover_at(scene, {plot.x(1234.5), plot.y(57.5)});
    REQUIRE(hit);
    CAPTURE(hit->text);
    CHECK(hit->text.find("−9") != std::string::npos);  // pooling keeps the outlier
    CHECK(hit->text.find("farthest from zero") != std::string::npos);
    REQUIRE(hit->set.size() == 1);
    CHECK(std::get<double>(hit->set[0].second) == Approx(1234.5).margin(0.01));
}

TEST_CASE("row 0 of a matrix is at the top unless the axis runs upwards", "[figure][hover]") {
    Heatmap map;
    map.rows = 2;
    map.cols = 1;
    map.cells = {1, 2};
    for (const bool upwards : {false, true}) {
        map.row0_at_bottom = upwards;
        const Scene scene = laid_out(outcome_of(with({map})));
        const Rect& frame = scene.plots[0].frame;
        const auto hit = hover_at(scene, {frame.centre().x, frame.y + 2});
        REQUIRE(hit);
        CHECK(hit->text == (upwards ? "row 1, column 0\nvalue: 2" : "row 0, column 0\nvalue: 1"));
    }
}

TEST_CASE("handles can be grabbed where they are drawn, and only on a screen", "[figure][layout]") {
    const Figure f = with({Handle{"point", Role::limit, 3.0, 4.0, "a", "b"},
                           Handle{"line", Role::limit, 7.0, {}, "c", {}},
                           Line{"curve", Role::subject, ramp(11), ramp(11)}});
    const Scene scene = laid_out(outcome_of(f));
    REQUIRE(scene.handles.size() == 2);
    const PlotArea& plot = scene.plots[0];
    CHECK(scene.handles[0].area.contains({plot.x(3), plot.y(4)}));
    CHECK(scene.handles[1].area.contains({plot.x(7), plot.frame.y + 5}));
    LayoutOptions paper;
    paper.handles = false;
    CHECK(layout(outcome_of(f), {640, 480}, make_theme(ThemeKind::print), measure, paper)
              .handles.empty());
}

TEST_CASE("bars and hidden axes cannot be zoomed, curves can", "[figure][layout]") {
    std::set<std::string> zoomable;
    for (const auto& sample : samples::all_marks()) {
        const Scene scene = laid_out(outcome_of(sample.figure));
        REQUIRE(scene.plots.size() == 1);
        if (scene.plots[0].zoomable) {
            zoomable.insert(sample.name);
        }
    }
    CHECK(zoomable.contains("lines"));
    CHECK(zoomable.contains("signed"));
    for (const char* fixed : {"bars", "stacked", "heatmap", "bits", "tree", "tokens", "blocks"}) {
        CAPTURE(fixed);
        CHECK_FALSE(zoomable.contains(fixed));
    }
}

TEST_CASE("axis maps invert", "[figure]") {
    for (const Scale scale : {Scale::linear, Scale::log10, Scale::log2}) {
        const AxisMap map = {0.5, 800, 400, 20, scale};
        for (const double v : {0.5, 3.0, 77.0, 800.0}) {
            CHECK(map.invert(map(v)) == Approx(v).epsilon(1e-4));  // positions are floats
        }
    }
}

TEST_CASE("text wraps at spaces and breaks only words that must", "[figure]") {
    const Font font = {Face::mono, 10};  // 6 points a character
    CHECK(wrap("one two three", font, 48, measure) == std::vector<std::string>{"one two", "three"});
    CHECK(wrap("abcdefghij k", font, 30, measure) ==
          std::vector<std::string>{"abcde", "fghij", "k"});
    CHECK(wrap("ééééé", font, 18, measure) == std::vector<std::string>{"ééé", "éé"});
    CHECK(wrap("", font, 18, measure).empty());
    CHECK(wrap("x", font, 0, measure) == std::vector<std::string>{"x"});
    CHECK(shortened("abcdefgh", font, 30, measure) == "abcd…");
    CHECK(shortened("abc", font, 30, measure) == "abc");
    CHECK(shortened("abc", font, 3, measure).empty());
}

TEST_CASE("figures under each other that show the same axis line up", "[layout]") {
    const auto over = [](const std::string& id, std::pair<double, double> limits, bool hidden) {
        Figure f = with({Line{"", Role::subject, {0, 1}, {0, 1}}});
        f.id = id;
        f.x.limits = limits;
        f.y.hidden = hidden;
        f.y.named_ticks = {{0.5, "a name of some length"}};
        return f;
    };
    Outcome o;
    o.finding = "Two axes";
    o.rows = {{1, {over("wide", {-1, 1}, false)}},
              {1, {over("bare", {-1, 1}, true)}},
              {1, {over("other", {-2, 2}, true)}}};
    const Scene scene = laid_out(o);
    REQUIRE(scene.plots.size() == 3);
    CHECK(scene.plots[0].frame.x == scene.plots[1].frame.x);
    CHECK(scene.plots[0].frame.right() == scene.plots[1].frame.right());
    CHECK(scene.plots[2].frame.x < scene.plots[0].frame.x);  // another axis needs no room for names
}

TEST_CASE("a scrolling panel is high enough for every name and every curve", "[layout]") {
    Bars bars;
    bars.horizontal = true;
    bars.series = {{"", Role::subject, {}}};
    for (int i = 0; i < 20; ++i) {
        bars.names.push_back("row" + std::to_string(i));
        bars.series[0].values.push_back(i);
    }
    Outcome outcome = outcome_of(with({bars}));
    const Theme theme = make_theme(ThemeKind::light, 1.75F);
    const float width = 600, from = 400;
    const auto names_at = [&](float height) {
        std::set<std::string> shown;
        for (const Primitive& item : layout(outcome, {width, height}, theme, measure).items) {
            if (const auto* run = std::get_if<TextRun>(&item)) {
                shown.insert(run->text);
            }
        }
        return std::count_if(bars.names.begin(), bars.names.end(),
                             [&](const std::string& name) { return shown.count(name) > 0; });
    };
    CHECK(names_at(from) < 20);
    const float height = comfortable_height(outcome, width, from, theme, measure);
    CHECK(height > from);
    CHECK(names_at(height) == 20);

    // What is high enough stays as it is; tokens and cells are never asked to grow.
    CHECK(comfortable_height(outcome, width, height, theme, measure) == height);
    CHECK(comfortable_height(outcome, 0, from, theme, measure) == from);  // no room: no plots
    CHECK(comfortable_height(outcome_of(with({Cells{}})), width, from, theme, measure) == from);
}

TEST_CASE("a narrow map keeps the numbers of its colour bar, and its footnote", "[layout]") {
    Heatmap map;
    map.rows = map.cols = 4;
    map.cells.assign(16, 0.5F);
    map.low = 0;
    map.high = 0.0319;
    map.is_signed = true;
    Figure f = with({map});
    f.footnote = "the first 64 of 256 rows";
    Outcome outcome = outcome_of(f);
    std::vector<std::string> texts;
    for (const Primitive& item : laid_out(outcome, {260, 420}).items) {
        if (const auto* run = std::get_if<TextRun>(&item)) {
            texts.push_back(run->text);
        }
    }
    const auto has = [&](const std::string& text) {
        return std::find(texts.begin(), texts.end(), text) != texts.end();
    };
    CHECK(has("0.0319"));
    CHECK(has("−0.0319"));
    CHECK(has("the first 64 of 256 rows"));
}

}  // namespace nibble::layout_test
