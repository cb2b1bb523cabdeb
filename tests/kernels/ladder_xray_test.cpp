// What the ladders claim to teach, counted: the X-ray of the two ladders to study, against numbers
// worked out by hand for their examples.
#include <set>
#include <stdexcept>

#include "kernels/emulator/launch.hpp"
#include "kernels/ladder.hpp"

#include "tests/catch.hpp"

namespace nibble::kernels {
namespace {

using emulator::Access;
using emulator::Report;
using emulator::Session;
using emulator::SiteCounts;
using emulator::Space;

Report xray(const Ladder& ladder, const std::string& rung_name) {
    Arena arena(device(Machine::emulated), ladder, ladder.example);
    arena.prepare(std::vector<float>(ladder.example.values(), 0.5f));
    const Session session({.xray = true, .watch = {.requests = 1}});
    for (const Rung& rung : ladder.rungs) {
        if (rung.name == rung_name) {
            rung.emulated(ladder.example, arena.pointers());
        }
    }
    REQUIRE(session.reports().size() == 1);
    return session.reports().front();
}

/// The places that pass over one buffer in one direction, in the order of the source.
std::vector<SiteCounts> sites(const Report& report, const std::string& buffer, Access access) {
    std::vector<SiteCounts> found;
    for (const SiteCounts& site : report.sites) {
        if (site.space == Space::global && site.access == access && !site.shown.empty() &&
            site.shown.front().buffer == buffer) {
            found.push_back(site);
        }
    }
    return found;
}

struct Claim {
    std::string rung;
    struct Site {
        std::uint64_t requests;
        double sectors, moved_over_used;
    };
    std::vector<Site> loads, stores;  // of x, of codes
    std::uint64_t barriers, collectives;
};

void check_claim(const Ladder& ladder, const Claim& claim) {
    CAPTURE(claim.rung);
    const Report report = xray(ladder, claim.rung);
    const auto check_sites = [&](const char* buffer, Access access,
                                 const std::vector<Claim::Site>& expected) {
        const std::vector<SiteCounts> found = sites(report, buffer, access);
        CAPTURE(buffer);
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            CHECK(found[i].requests == expected[i].requests);
            CHECK(found[i].sectors_per_request() == expected[i].sectors);
            CHECK(found[i].moved_over_used() == expected[i].moved_over_used);
            CHECK(found[i].file.ends_with(ladder.rungs.front().source));
        }
    };
    check_sites("x", Access::load, claim.loads);
    check_sites("codes", Access::store, claim.stores);
    CHECK(report.barriers == claim.barriers);
    CHECK(report.collectives == claim.collectives);
}

}  // namespace

TEST_CASE("each rung of the INT4 ladder asks less of memory, by the numbers", "[ladder][xray]") {
    const Ladder& ladder = *find_ladder("quantize-int4-group");
    REQUIRE(ladder.example.values() == 16 * 512);  // 64 groups of 128 floats, 512 bytes each
    const Claim claims[] = {
        // 64 threads in 2 warps, each over 128 floats one by one, 512 bytes from its neighbour; the
        // second time in pairs; a byte of codes 64 bytes from its neighbour
        {"naive", {{256, 32, 8}, {128, 32, 8}, {128, 32, 8}}, {{128, 32, 32}}, 0, 0},
        // 2 warps a group, 2 floats a lane; then pairs, which lie 8 bytes apart. 1 + 6 barriers a
        // group, for a tree over 64 threads
        {"coalesced", {{256, 4, 1}, {128, 8, 2}, {128, 8, 2}}, {{128, 1, 1}}, 64 * 7, 0},
        // a warp a group, 4 floats a lane, twice; 16 lanes store a byte. 5 shuffles for the maximum
        // and 4 for the nibbles
        {"shuffles", {{256, 4, 1}, {256, 4, 1}}, {{256, 1, 2}}, 0, 64 * 9},
        // one load of 16 bytes a lane, one store of 2
        {"vectorised", {{64, 16, 1}}, {{64, 2, 1}}, 0, 64 * 5},
        // the same loads, and stores of 4 bytes: half as many; a trade of halves for each
        {"in_flight", {{64, 16, 1}}, {{32, 4, 1}}, 0, 64 * 5 + 32},
    };
    REQUIRE(std::size(claims) == ladder.rungs.size());
    for (const Claim& claim : claims) {
        check_claim(ladder, claim);
    }
}

TEST_CASE("each rung of the INT8 ladder asks less of memory, by the numbers", "[ladder][xray]") {
    const Ladder& ladder = *find_ladder("quantize-int8-row");
    REQUIRE((ladder.example.rows == 64 && ladder.example.columns == 512));
    const Claim claims[] = {
        // 64 threads in 2 warps, a row each: 512 floats one by one, twice
        {"naive", {{1024, 32, 8}, {1024, 32, 8}}, {{1024, 32, 32}}, 0, 0},
        // 8 warps a row, 2 floats a lane, twice; 1 + 8 barriers for a tree over 256 threads
        {"coalesced", {{1024, 4, 1}, {1024, 4, 1}}, {{1024, 1, 1}}, 64 * 9, 0},
        // one barrier; 5 shuffles in each warp, then 3 among the 8 results
        {"shuffles", {{1024, 4, 1}, {1024, 4, 1}}, {{1024, 1, 1}}, 64, 64 * 8 * 8},
        // 128 vectors a row: 4 of the 8 warps have one for each lane
        {"vectorised", {{256, 16, 1}, {256, 16, 1}}, {{256, 4, 1}}, 64, 64 * 8 * 8},
        // 2 warps a row, 2 vectors a lane, once; 5 shuffles, then 1 between the two results
        {"registers", {{256, 16, 1}}, {{256, 4, 1}}, 64, 64 * 2 * 6},
    };
    REQUIRE(std::size(claims) == ladder.rungs.size());
    for (const Claim& claim : claims) {
        check_claim(ladder, claim);
    }
}

TEST_CASE("counters of a warp's own spare a histogram the queue in global memory",
          "[ladder][xray]") {
    const Ladder& ladder = *find_ladder("histogram");
    const auto atomics = [&](const Rung& rung, Space space) {
        Arena arena(device(Machine::emulated), ladder, ladder.example);
        arena.prepare(std::vector<float>(ladder.example.values(), 0.01f));
        const Session session({.xray = true});
        rung.emulated(ladder.example, arena.pointers());
        std::uint64_t lanes = 0;
        for (const SiteCounts& site : session.reports().back().sites) {
            lanes += site.space == space && site.access == Access::atomic ? site.lanes : 0;
        }
        return lanes;
    };
    const std::uint64_t values = ladder.example.values();  // 8192
    CHECK(atomics(ladder.rungs[0], Space::global) == values);
    CHECK(atomics(ladder.rungs[1], Space::shared) == values);
    CHECK(atomics(ladder.rungs[1], Space::global) == 32 * 259);  // a block's counters, 32 blocks
    CHECK(atomics(ladder.rungs[2], Space::global) == 8 * 259);   // 4 values a thread: 8 blocks
}

TEST_CASE("every ladder says what it is, and refuses what it cannot run", "[ladder]") {
    std::set<std::string> ids;
    for (const Ladder& ladder : ladders()) {
        CAPTURE(ladder.id);
        CHECK(ids.insert(ladder.id).second);
        CHECK(find_ladder(ladder.id) == &ladder);
        CHECK_FALSE(ladder.title.empty());
        CHECK(ladder.does.ends_with("."));
        CHECK(ladder.tolerance_reason.ends_with("."));
        CHECK(ladder.rungs.size() >= 2);
        CHECK(ladder.bytes(ladder.example) > 0);
        CHECK(ladder.flops(ladder.example) >= 0);
        CHECK_NOTHROW(ladder.check(ladder.example));
        std::set<std::string> names;
        for (const Rung& rung : ladder.rungs) {
            CHECK(names.insert(rung.name).second);
            CHECK(rung.teaches.ends_with("."));
            CHECK(rung.emulated != nullptr);
        }
        const auto refusal = [&](const Job& job) -> std::string {
            try {
                const Arena arena(device(Machine::emulated), ladder, job);
            } catch (const std::invalid_argument& e) { return e.what(); }
            return {};
        };
        CHECK(refusal({0, 8, 0}).starts_with("rows 0 by columns 8 hold no value"));
        CHECK(refusal({std::size_t{1} << 40, 512, 0}).find("1099511627776") != std::string::npos);
    }
    CHECK(find_ladder("nothing") == nullptr);
    CHECK_THROWS_WITH(find_ladder("quantize-nf4-block")->check({2, 64, 7}),
                      Catch::Contains("group_size 7 is odd"));
    CHECK_NOTHROW(find_ladder("quantize-int8-group")->check({2, 64, 7}));
    CHECK_THROWS_WITH(find_ladder("quantize-q4-0")->check({2, 40, 0}),
                      Catch::Contains("columns 40 are no whole blocks"));
    CHECK_THROWS_WITH(find_ladder("histogram")->check({2, 40, 0, InputType::bf16}),
                      Catch::Contains("input bf16"));
}

}  // namespace nibble::kernels
