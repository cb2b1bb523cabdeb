// The kernel-ladder lab on facts that can be counted by hand.
//
// The default job is group-wise INT4 of 8 x 512 floats in 128 groups of 32. It needs the floats
// (16384 bytes), half a byte of code for each (2048) and 128 scales (512): 18944 bytes.
#include <nlohmann/json.hpp>

#include "sim/core/text.hpp"
#include "sim/experiments/kernels/kernel_ladder/figures.hpp"

#include "tests/catch.hpp"
#include "tests/experiments/lab.hpp"

namespace nibble::kernel_ladder_test {

using namespace nibble::test;
using namespace nibble::kernel_ladder_lab;

namespace {

/// `results` keeps the X-rays of a ladder for its other rungs.
Outcome outcome(const Settings& settings, bool preview = false, Cache* results = nullptr) {
    RunContext context;
    context.preview = preview;
    return run_lab("kernel-ladder", settings, context, results);
}

template <class M>
const M& mark(const Figure& f) {
    for (const Mark& m : f.marks) {
        if (const M* found = std::get_if<M>(&m)) {
            return *found;
        }
    }
    throw std::runtime_error("no such mark");
}

const Cells& lanes(const Outcome& o) {
    return mark<Cells>(figure(o, "lanes"));
}

int count(const Cells& cells, Role role) {
    return static_cast<int>(
        std::count_if(cells.items.begin(), cells.items.end(),
                      [role](const Cells::Item& c) { return c.role == role && !c.outlined; }));
}

int asked(const Cells& cells) {
    return count(cells, Role::category0) + count(cells, Role::category4);
}

std::string position(std::string_view ladder, std::string_view rung) {
    const auto& rungs = kernels::find_ladder(ladder)->rungs;
    const auto found =
        std::find_if(rungs.begin(), rungs.end(), [&](const auto& r) { return r.name == rung; });
    REQUIRE(found != rungs.end());
    return std::to_string(found - rungs.begin() + 1);
}

/// A load of 4 bytes a lane whose lanes stand `stride` bytes apart.
Request strided(std::int64_t stride) {
    Request request;
    request.active = ~0U;
    request.bytes_per_lane = 4;
    for (std::size_t lane = 0; lane < request.offset.size(); ++lane) {
        request.offset[lane] = static_cast<std::int64_t>(lane) * stride;
    }
    return request;
}

}  // namespace

TEST_CASE("the naive rung moves 15.6 times what group-wise INT4 needs", "[kernel-ladder]") {
    // 128 threads, four warps, a group each. Both readings of the floats: 128 requests, 32 sectors
    // each, since lanes stand 128 bytes apart. Codes: 64 requests of 16 sectors, 16 bytes apart.
    // Scales: 4 requests of 4 sectors.
    const Outcome o = outcome({});
    const double sectors = 2 * 128 * 32 + 64 * 16 + 4 * 4;
    CHECK(o.metric("moved_bytes").value == 32 * sectors);
    CHECK(o.metric("needed_bytes").value == 16384 + 2048 + 512);
    CHECK(o.metric("moved_over_needed").value == Approx(32 * sectors / 18944));
    CHECK(o.metric("moved_per_value").value == 32 * sectors / 4096);
    CHECK(o.metric("requests").value == 32.0 * (2 * 128 + 64 + 4) / 4096);
    CHECK(o.metric("sectors_per_request").value == Approx(sectors / (2 * 128 + 64 + 4)));
    CHECK(o.metric("active_lanes").value == 32);
    CHECK(o.metric("barriers").value == 0);
    CHECK(o.metric("site_sectors_per_request").value == 32);
    CHECK(o.metric("site_moved_over_used").value == 8);
    CHECK(o.finding.starts_with("“Naive” moves 15.6 times the bytes it needs, “"));
}

TEST_CASE("the vectorised rung moves next to nothing it does not need", "[kernel-ladder]") {
    // 32 warps: floats 16 sectors, codes 64 bytes in 2, four scales in 1.
    const Outcome o = outcome({{"rung", position("quantize-int4-group", "vectorised")}});
    CHECK(o.metric("moved_bytes").value == 32 * 32 * (16 + 2 + 1));
    CHECK(o.metric("site_sectors_per_request").value == 16);
    CHECK(o.metric("site_moved_over_used").value == 1);
}

TEST_CASE("half the bytes a value, half the words asked for", "[kernel-ladder]") {
    const Outcome o = outcome({{"input", "f16"}});
    CHECK(o.metric("needed_bytes").value == 8192 + 2048 + 512);
    // Lanes stand 64 bytes apart, so a request still touches 32 sectors and uses 2 bytes of each.
    CHECK(o.metric("site_sectors_per_request").value == 32);
    CHECK(o.metric("site_moved_over_used").value == 16);
}

TEST_CASE("the picture shows 32 lanes in 32 rows, and steps along them", "[kernel-ladder]") {
    const Outcome first = outcome({});
    const Cells& cells = lanes(first);
    CHECK(cells.columns == 32);
    REQUIRE(cells.items.size() == 32 * 32);
    CHECK(cells.row_names.size() == 32);
    CHECK(asked(cells) == 32);
    CHECK(count(cells, Role::limit) == 32 * 7);  // the other words of each sector
    CHECK(count(cells, Role::muted) == 0);
    CHECK(cells.items[0].text == "0");
    CHECK(cells.items[32].text == "1");
    REQUIRE(first.timeline);
    CHECK(first.timeline->param == "step");
    CHECK(first.timeline->first == 1);
    CHECK(first.timeline->last == 32);     // a group of 32 values, one load each
    CHECK(first.timeline->marks.empty());  // every request costs the same
    const Outcome later = outcome({{"step", "10"}});
    CHECK(asked(lanes(later)) == 32);
    CHECK(lanes(later).items[9].text == "0");
    CHECK(lanes(later).items[0].role == Role::muted);   // asked for nine steps ago
    CHECK(count(lanes(later), Role::muted) == 32 * 8);  // steps 1 to 8, a sector to the left
    CHECK(figure(first, "lanes")
              .title.find("32 lanes × 4 B = 128 B asked for, 32 sectors × 32 B = 1024 B moved") !=
          std::string::npos);
}

TEST_CASE("one wide request fills four rows", "[kernel-ladder]") {
    const Outcome o =
        outcome({{"rung", position("quantize-int4-group", "vectorised")}, {"step", "64"}});
    CHECK(asked(lanes(o)) == 128);
    CHECK(count(lanes(o), Role::limit) == 0);
    CHECK(lanes(o).items[4].text == "1");  // four words a lane
}

TEST_CASE("the balance of a request counts lanes, sectors and passes", "[kernel-ladder]") {
    SiteCounts global;
    CHECK(balance_of(global, strided(4)) ==
          "32 lanes × 4 B = 128 B asked for, 4 sectors × 32 B = 128 B moved");
    CHECK(balance_of(global, strided(128)) ==
          "32 lanes × 4 B = 128 B asked for, 32 sectors × 32 B = 1024 B moved");
    Request lone = strided(4);
    lone.active = 1;
    CHECK(balance_of(global, lone) == "1 lane × 4 B = 4 B asked for, 1 sector × 32 B = 32 B moved");
    SiteCounts shared;
    shared.space = kernels::emulator::Space::shared;
    CHECK(balance_of(shared, strided(4)) ==
          "32 lanes × 4 B = 128 B asked for, 1 pass over the banks");
    CHECK(balance_of(shared, strided(128)) ==
          "32 lanes × 4 B = 128 B asked for, 32 passes over the banks where 1 would do");
}

TEST_CASE("a marked line leads to its load, and the listing follows", "[kernel-ladder]") {
    const Outcome o = outcome({});
    const Listing& code = mark<Listing>(figure(o, "source"));
    REQUIRE(code.chosen >= 0);
    const auto chosen = static_cast<std::size_t>(code.chosen);
    CHECK(code.lines[chosen].role == Role::limit);
    CHECK(code.lines[chosen].note == "load: 32 sectors, 8×");
    CHECK(code.lines[chosen].text.find("x[") != std::string::npos);
    REQUIRE(code.pick.values.size() == code.lines.size());
    for (std::size_t i = 0; i < code.lines.size(); ++i) {
        if (code.lines[i].note.empty()) {
            continue;
        }
        const auto site = std::get<std::int64_t>(code.pick.values[i]);
        INFO(code.lines[i].text);
        CHECK(site >= 1);
        const Outcome there = outcome({{"site", std::to_string(site)}});
        CHECK(mark<Listing>(figure(there, "source")).chosen == static_cast<int>(i));
    }
}

TEST_CASE("every place of every rung can be looked at, and belongs to a source held in the program",
          "[kernel-ladder]") {
    Cache results(std::size_t{64} << 20);
    for (const kernels::Ladder& ladder : kernels::ladders()) {
        for (std::size_t rung = 1; rung <= ladder.rungs.size(); ++rung) {
            const Settings base = {{"ladder", ladder.id}, {"rung", std::to_string(rung)}};
            const Outcome o = outcome(base, false, &results);
            INFO(ladder.id << " rung " << rung);
            CHECK(o.metric("moved_over_needed").value >= 1);
            CHECK(mark<Listing>(figure(o, "source")).chosen >= 0);
            CHECK(o.tables.at(0).rows.size() == ladder.rungs.size());
        }
    }
}

TEST_CASE("rungs and steps beyond the last show the last", "[kernel-ladder]") {
    const Experiment& e = find_experiment(all_experiments(), "kernel-ladder");
    const auto most = std::get<std::int64_t>(e.params[e.index_of("rung")].checked(
        static_cast<std::int64_t>(e.params[e.index_of("rung")].range.max)));
    Cache results(std::size_t{64} << 20);
    for (const kernels::Ladder& ladder : kernels::ladders()) {
        const auto last = std::to_string(ladder.rungs.size());
        const Outcome clamped =
            outcome({{"ladder", ladder.id}, {"rung", std::to_string(most)}, {"site", "40"}}, false,
                    &results);
        const Outcome exact = outcome({{"ladder", ladder.id}, {"rung", last}}, false, &results);
        CHECK(clamped.finding == exact.finding);
    }
}

TEST_CASE("a preview counts fewer rows and says so, with the same result for a value",
          "[kernel-ladder]") {
    const Outcome exact = outcome({}), preview = outcome({}, true);
    CHECK(exact.sampling.empty());
    CHECK(preview.sampling == "counted on 4 of 8 rows");
    CHECK(preview.metric("moved_per_value").value == exact.metric("moved_per_value").value);
}

TEST_CASE("a job that the ladder cannot run is refused with a way out", "[kernel-ladder]") {
    try {
        outcome({{"group_size", "33"}});
        FAIL("an odd group cannot share bytes");
    } catch (const Error& error) {
        CHECK(error.code() == Error::Code::bad_param);
        CHECK(std::string(error.what()).find("33") != std::string::npos);
        CHECK(error.hint().find("--group_size") != std::string::npos);
    }
}

TEST_CASE("recorded speeds become bars with their machine, other ladders' do not",
          "[kernel-ladder]") {
    const kernels::Ladder& ladder = *kernels::find_ladder("quantize-int4-group");
    Data data = take_xrays(ladder, {2, 64, 32, kernels::InputType::f32}, {});
    KernelSpeed fast;
    fast.ladder = ladder.id;
    fast.rung = ladder.rungs[1].name;
    fast.input = "f32";
    fast.gb_per_s = 3000;
    fast.copy_gb_per_s = 4000;
    KernelSpeed other = fast;
    other.ladder = "another";
    data.recordings = {{"Other GPU", "2026-01-01", "c", {other}},
                       {"A GPU", "2026-01-31", "nibble measure", {fast}}};
    Outcome o;
    o.rows = figures(data, look_at(data, 1, 0, 1));
    REQUIRE(o.rows[0].figures.size() == 3);
    const Figure& f = o.rows[0].figures[2];
    CHECK(f.title.find("recorded on A GPU") != std::string::npos);
    CHECK(f.footnote == "2026-01-31, nibble measure");
    const Bars& bars = mark<Bars>(f);
    CHECK(bars.series[0].values[1] == 3000);
    CHECK(std::isnan(bars.series[0].values[0]));  // was not measured
    CHECK(bars.chosen == 0);
    CHECK(mark<Rule>(f).at == 4000);
}

TEST_CASE("a parameter that is said to change nothing changes nothing, on every ladder",
          "[kernel-ladder]") {
    const Experiment& e = find_experiment(all_experiments(), "kernel-ladder");
    const std::size_t size = e.index_of("group_size"), which = e.index_of("ladder");
    for (const Choice& ladder : e.params[which].choices) {
        ParamValues values = e.defaults();
        values[which] = e.params[which].parsed(ladder.name);
        if (e.relevant(values)[size]) {
            continue;
        }
        CAPTURE(ladder.name);
        const Outcome small = outcome({{"ladder", ladder.name}, {"group_size", "32"}}, true);
        const Outcome large = outcome({{"ladder", ladder.name}, {"group_size", "256"}}, true);
        CHECK(to_json(small).dump() == to_json(large).dump());
    }
}

}  // namespace nibble::kernel_ladder_test
