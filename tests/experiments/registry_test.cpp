// What every experiment must satisfy, by walking the registry: a new one is tested by being listed.
#include <nlohmann/json.hpp>
#include <set>

#include "sim/core/parallel.hpp"
#include "sim/core/utf8.hpp"
#include "sim/experiments/all.hpp"

#include "tests/catch.hpp"

namespace nibble::registry_test {

namespace {

/// A value inside the parameter's range, from the index-th draw.
Value random_value(const ParamInfo& p, const Rng& rng, std::uint64_t index) {
    const double u = rng.uniform(index);
    switch (p.type) {
        case ParamType::boolean:
            return u < 0.5;
        case ParamType::choice:
            return p.choices[rng.below(index, p.choices.size())].name;
        case ParamType::text:
        case ParamType::file:
            return p.default_value;
        default:
            break;
    }
    const bool log = p.range.scale != Scale::linear && p.range.min > 0;
    const double value = log ? p.range.min * std::pow(p.range.max / p.range.min, u)
                             : p.range.min + u * (p.range.max - p.range.min);
    if (p.type == ParamType::integer) {
        return static_cast<std::int64_t>(std::llround(value));
    }
    return value;
}

/// What a run gives, or what it shows so far when it has published twice: an experiment that
/// grows for long is not followed to the end of every parameter set.
Outcome early_outcome(const Experiment& e, const ParamValues& values, RunContext context) {
    std::stop_source stop;
    RunData latest;
    int published = 0;
    context.stop = stop.get_token();
    context.publish_data = [&](RunData data) {
        latest = std::move(data);
        if (++published == 2) {
            stop.request_stop();
        }
    };
    try {
        return evaluate(e, values, context);
    } catch (const Error& error) {
        if (error.code() != Error::Code::cancelled || !latest) {
            throw;
        }
    }
    return e.show(e.checked(values), latest);
}

/// Runs and checks what holds for any outcome. A refusal must be an Error that explains itself:
/// some combinations of values that are fine alone make no sense together.
void check_sane(const Experiment& e, const ParamValues& values, Cache& shared) {
    RunContext context;
    context.shared = &shared;
    Outcome o;
    try {
        o = early_outcome(e, values, context);
    } catch (const Error& error) {
        CHECK(error.code() == Error::Code::bad_param);
        CHECK_FALSE(std::string(error.what()).empty());
        CHECK_FALSE(error.hint().empty());
        return;
    }
    CHECK_FALSE(o.finding.empty());
    CHECK_FALSE(o.explanation.empty());
    CHECK(is_utf8(o.finding + o.explanation));
    CHECK(o.explanation.find("nan") == std::string::npos);
    CHECK(o.finding.find("nan") == std::string::npos);
    REQUIRE_FALSE(o.metrics.empty());
    std::set<std::string> names;
    for (const Metric& m : o.metrics) {
        CHECK(names.insert(m.name).second);
        // Whatever a clock said is measured, and says of which machine.
        CHECK((!m.timed || m.origin.kind == Origin::Kind::measured_here));
        CHECK((!m.timed || !m.origin.source.empty()));
    }
    std::set<std::string> ids;
    for (const FigureRow& row : o.rows) {
        for (const Figure& f : row.figures) {
            CHECK(ids.insert(f.id).second);
            CHECK_FALSE(f.title.empty());
            CHECK_FALSE(f.alt_text.empty());
            CHECK_FALSE(f.marks.empty());
        }
    }
    CHECK_FALSE(ids.empty());
    if (o.timeline) {
        const ParamInfo& step = e.params[e.index_of(o.timeline->param)];
        CHECK(step.role == ParamRole::view);
        CHECK(step.type == ParamType::integer);
        CHECK(o.timeline->first <= o.timeline->last);
        CHECK(step.range.min <= static_cast<double>(o.timeline->first));
        CHECK(static_cast<double>(o.timeline->last) <= step.range.max);
    }
    for (const Table& t : o.tables) {
        for (const auto& cells : t.rows) {
            CHECK(cells.size() == t.columns.size());
        }
    }
}

/// Everything that must not depend on the machine's load.
std::string fingerprint(const Outcome& o) {
    return to_json(reproducible(o)).dump();
}

}  // namespace

TEST_CASE("the registry is in order", "[registry]") {
    std::set<std::string> ids;
    for (const Experiment& e : all_experiments()) {
        INFO(e.id);
        CHECK(ids.insert(e.id).second);
        CHECK_FALSE(e.group.empty());
        CHECK(e.question.ends_with("?"));
        int primary = 0;
        std::set<std::string> names;
        for (const ParamInfo& p : e.params) {
            INFO(p.name);
            CHECK(names.insert(p.name).second);
            CHECK(std::all_of(p.name.begin(), p.name.end(), [](unsigned char c) {
                return std::islower(c) || std::isdigit(c) || c == '_';
            }));
            CHECK(p.sentence.ends_with("."));
            CHECK(p.checked(p.default_value) == p.default_value);
            CHECK((p.type != ParamType::choice || p.choices.size() >= 2));
            CHECK((p.type != ParamType::file || !p.suffixes.empty()));
            CHECK((p.range.scale == Scale::linear || p.range.min > 0));
            primary += p.is_advanced || p.role == ParamRole::view ? 0 : 1;
        }
        CHECK(primary >= 1);
        // At most four primary parameters show at once; alternatives hide each other.
        int shown = 0;
        const auto relevant = e.relevant(e.defaults());
        for (std::size_t i = 0; i < e.params.size(); ++i) {
            const ParamInfo& p = e.params[i];
            shown += relevant[i] && !p.is_advanced && p.role == ParamRole::data ? 1 : 0;
        }
        CHECK(shown <= 4);
    }
}

TEST_CASE("every experiment runs at its defaults and at the ends of every range", "[registry]") {
    for (const Experiment& e : all_experiments()) {
        Cache shared(std::size_t{256} << 20);
        INFO(e.id);
        check_sane(e, e.defaults(), shared);
        for (std::size_t i = 0; i < e.params.size(); ++i) {
            const ParamInfo& p = e.params[i];
            std::vector<Value> ends;
            if (p.type == ParamType::integer) {
                ends = {static_cast<std::int64_t>(p.range.min),
                        static_cast<std::int64_t>(p.range.max)};
            } else if (p.type == ParamType::real) {
                ends = {p.range.min, p.range.max};
            } else if (p.type == ParamType::boolean) {
                ends = {false, true};
            }
            for (const Choice& c : p.choices) {
                ends.emplace_back(c.name);
            }
            for (const Value& end : ends) {
                INFO(p.name << " = " << to_text(end));
                ParamValues values = e.defaults();
                values[i] = end;
                check_sane(e, values, shared);
            }
        }
    }
}

/// Labs that run models or layers, or time them: for their largest settings that takes seconds.
bool works_for_seconds(const Experiment& e) {
    static const std::set<std::string> ids = {"paged-attention", "perplexity", "deployment",
                                              "speculate-live",  "training",   "acceptance-chain"};
    return e.group == "Layers" || ids.contains(e.id);
}

TEST_CASE("every experiment stands random parameter sets", "[registry]") {
    for (const Experiment& e : all_experiments()) {
        const std::uint64_t sets = works_for_seconds(e) ? 8 : 100;
        Cache shared(std::size_t{256} << 20);
        for (std::uint64_t trial = 0; trial < sets; ++trial) {
            const Rng rng = Rng(trial).stream(e.id);
            ParamValues values;
            std::string shown;
            for (std::size_t i = 0; i < e.params.size(); ++i) {
                values.push_back(random_value(e.params[i], rng, i));
                shown += " --" + e.params[i].name + " " + to_text(values.back());
            }
            INFO("nibble run " << e.id << shown);
            check_sane(e, values, shared);
        }
    }
}

TEST_CASE("every parameter refuses what is out of range", "[registry]") {
    for (const Experiment& e : all_experiments()) {
        for (std::size_t i = 0; i < e.params.size(); ++i) {
            const ParamInfo& p = e.params[i];
            std::vector<Value> bad;
            if (p.type == ParamType::integer) {
                bad = {static_cast<std::int64_t>(p.range.min) - 1,
                       static_cast<std::int64_t>(p.range.max) + 1, std::string("4"), true};
            } else if (p.type == ParamType::real) {
                bad = {std::nextafter(p.range.min, -INFINITY),
                       std::nextafter(p.range.max, INFINITY), std::nan(""), double(INFINITY),
                       std::string("4")};
            } else if (p.type == ParamType::choice) {
                bad = {std::string("no-such-choice"), std::int64_t{0}};
            } else if (p.type == ParamType::boolean) {
                bad = {std::int64_t{1}, std::string("true")};
            } else {
                bad = {std::int64_t{1}, std::string("\xff")};
            }
            for (const Value& v : bad) {
                INFO(e.id << " " << p.name << " = " << to_text(v));
                ParamValues values = e.defaults();
                values[i] = v;
                CHECK_THROWS_AS(evaluate(e, values), Error);
            }
        }
    }
}

TEST_CASE("the same seed gives the same outcome on 1, 2 and 3 threads", "[registry]") {
    for (const Experiment& e : all_experiments()) {
        INFO(e.id);
        std::set<std::size_t> hashes;
        for (const int count : {1, 2, 3}) {
            set_threads(count);
            hashes.insert(std::hash<std::string>{}(fingerprint(evaluate(e, e.defaults()))));
        }
        set_threads(0);
        CHECK(hashes.size() == 1);
    }
}

TEST_CASE("previews answer too", "[registry]") {
    for (const Experiment& e : all_experiments()) {
        INFO(e.id);
        RunContext context;
        context.preview = true;
        CHECK_FALSE(evaluate(e, e.defaults(), context).metrics.empty());
    }
}

TEST_CASE("a run that is no longer wanted stops", "[registry]") {
    for (const Experiment& e : all_experiments()) {
        INFO(e.id);
        std::stop_source stop;
        stop.request_stop();
        RunContext context;
        context.stop = stop.get_token();
        // Either it notices, or it is so short that it need not.
        try {
            evaluate(e, e.defaults(), context);
        } catch (const Error& error) { CHECK(error.code() == Error::Code::cancelled); }
    }
}

}  // namespace nibble::registry_test
