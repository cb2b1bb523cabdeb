#include "tests/lesson/fixture.hpp"

namespace nibble::test {
namespace {

enum class Shape { round, square };

struct Params {
    double x = 1, y = 2;
    Shape shape = Shape::round;
    std::string fine_print;
};
struct Data {
    double sum = 0, product = 0;
};

Data run(const Params& p, const RunContext&) {
    return {p.x + p.y, p.x * p.y};
}

Outcome show(const Params& p, const Data& d) {
    Outcome o;
    o.finding = "The sum is " + std::to_string(static_cast<int>(d.sum));
    o.explanation = "It was added up.";
    o.metrics = {
        {"sum", "Sum", d.sum, "ms"}, {"product", "Product", d.product}, {"ticks", "Ticks", 3}};
    o.metrics[2].timed = true;
    o.tables = {
        {"rows", {{"name"}, {"value"}, {"kind"}}, {{"a", p.x, "first"}, {"b", p.y, "second"}}}};
    Figure f;
    f.id = "curve";
    f.title = "A line";
    f.x = {"time", "s"};
    f.y = {"height", "m"};
    f.marks = {Line{"true", Role::subject, {0, 10}, {0, 10 * p.x}}};
    o.rows = {{1, {f}}};
    return o;
}

}  // namespace

const Experiments& toy_experiments() {
    static const Experiments all = [] {
        Experiments list;
        list.push_back(define<Params, Data>(
            "toy", "Toys", "Toy", "What is the sum?",
            {real("x", &Params::x, {0, 10}), real("y", &Params::y, {0, 10}),
             choice("shape", &Params::shape, {{"round", "round"}, {"square", "square"}}),
             file("fine_print", &Params::fine_print, {".npy"})},
            run, show));
        return list;
    }();
    return all;
}

const std::string& toy_lesson_text() {
    static const std::string text = R"(---
title: Toys
minutes: 20
prerequisites: 00
question: What is
  the sum?
---
# A heading

Some *prose* with $a_{i}$, `code`, and {{metric toy x=3 sum}}; also {{value toy: sum * 2}}. {{finding toy x=3}}.

```predict
id: drawn
ask: Draw it.
kind: line
setting: toy
figure: curve
series: true
```
```predict
id: placed
ask: Place it.
kind: point
setting: toy
figure: curve
x: x
y: 10 * sum
```
```figure
setting: toy x=4
show: curve
caption: The curve.
```
```task
id: reach
ask: Make it large.
setting: toy
controls: x shape
reached: sum >= 9 and shape == "square"
solution: x=8 shape=square
hint: Move x.
```
```question
id: one
ask: Which?
kind: single
setting: toy
option: small
because: No.
option: large
right: sum[x=9] > 10
```
```question
id: many
ask: Which ones?
kind: multiple
option: this
right: true
option: that
option: those
right: 1 < 2
```
```question
id: typed
ask: How long?
kind: number
setting: toy x=4
truth: sum
tolerance: 5 %
unit: ms
```
```question
id: words
ask: In a word?
kind: text
accept: bandwidth | memory * speed
why: Because.
```
```teacher
Take your time: {{value toy: sum}} minutes.
```
)";
    return text;
}

Lesson toy_lesson() {
    return read_lesson(toy_lesson_text(), "01-toy.md", toy_experiments());
}

}  // namespace nibble::test
