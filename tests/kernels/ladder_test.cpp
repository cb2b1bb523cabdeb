// Every rung of every ladder: the same bytes as the oracle, on the emulator in three orders of
// threads and on a GPU where there is one.
#include "kernels/ladder.hpp"

#include <cstring>
#include <random>

#include "kernels/emulator/launch.hpp"

#include "tests/catch.hpp"
#include "tests/kernels/packed_oracle.hpp"

namespace nibble::kernels {
namespace {

using emulator::Order;
using emulator::Session;
using test::Packed;

/// Weights with all that can go wrong in some groups: zeros, a NaN, an infinity, one huge value,
/// and scales so small that they vanish.
std::vector<float> weights_for(const Job& job) {
    std::mt19937 generator(5);
    std::normal_distribution<float> draw(0.0f, 0.02f);
    std::vector<float> x(job.values());
    for (float& v : x) {
        v = draw(generator);
    }
    const std::size_t group = job.group_size == 0 ? job.columns : job.group_size;
    const auto group_of = [&](std::size_t g, auto change) {
        const std::size_t start = g * group;
        for (std::size_t i = start; i < std::min(start + group, x.size()); ++i) {
            change(x[i], i - start);
        }
    };
    group_of(1, [](float& v, std::size_t) { v = 0.0f; });
    group_of(2, [](float& v, std::size_t i) { v = i == 1 ? std::nanf("") : v; });
    group_of(3, [](float& v, std::size_t i) { v = i == 0 ? -INFINITY : v; });
    group_of(4, [](float& v, std::size_t i) { v = i == 1 ? 1e4f : v; });
    group_of(5, [](float& v, std::size_t i) { v = i % 2 == 0 ? 1e-45f : -0.0f; });
    group_of(6, [](float& v, std::size_t) { v *= 1e-37f; });
    return x;
}

std::vector<std::uint8_t> bytes_of_buffer(const Arena& arena, std::size_t i) {
    const std::vector<std::byte> bytes = arena.download(i);
    std::vector<std::uint8_t> same(bytes.size());
    std::memcpy(same.data(), bytes.data(), bytes.size());
    return same;
}

void check_rung(const Device& on, const Ladder& ladder, RunLadder run, const Job& job) {
    const std::vector<float> weights = weights_for(job);
    Arena arena(on, ladder, job);
    arena.prepare(weights);
    run(job, arena.pointers());
    on.wait();
    const Packed expected =
        test::oracle_quantize({PackedFormat::int4, job.rows, job.columns, job.group_size},
                              test::rounded_to(job.input, weights));
    REQUIRE(bytes_of_buffer(arena, 1) == expected.codes);
    REQUIRE(bytes_of_buffer(arena, 2) == expected.scales);
}

/// Sizes with tails of every kind: odd columns, groups cut short, one value, a whole row.
std::vector<Job> jobs_for(const Ladder& ladder) {
    std::vector<Job> jobs;
    for (const InputType input : {InputType::f32, InputType::f16, InputType::bf16}) {
        for (Job job : {Job{3, 256, 32}, Job{5, 128, 16}, Job{2, 77, 32}, Job{3, 9, 4},
                        Job{9, 1, 2}, Job{2, 130, 0}, Job{4, 512, 256}, Job{3, 384, 128}}) {
            job.input = input;
            jobs.push_back(job);
        }
    }
    jobs.push_back(ladder.example);
    return jobs;
}

}  // namespace

TEST_CASE("every rung writes the oracle's bytes on the emulator, in every order", "[ladder]") {
    for (const Ladder& ladder : ladders()) {
        for (const Rung& rung : ladder.rungs) {
            for (const Job& job : jobs_for(ladder)) {
                for (const Order order : {Order::forward, Order::reverse, Order::shuffled}) {
                    CAPTURE(ladder.id, rung.name, job.rows, job.columns, job.group_size,
                            name(job.input), static_cast<int>(order));
                    const Session session({.order = order, .seed = 3});
                    check_rung(device(Machine::emulated), ladder, rung.emulated, job);
                }
            }
        }
    }
}

TEST_CASE("every rung writes the oracle's bytes on the GPU", "[ladder][gpu]") {
    const Device& gpu = device(Machine::cuda);
    const DeviceInfo info = gpu.probe();
    if (!info.ready()) {
        WARN("skipped: " << info.reason);
        return;
    }
    for (const Ladder& ladder : ladders()) {
        for (const Rung& rung : ladder.rungs) {
            for (const Job& job : jobs_for(ladder)) {
                CAPTURE(ladder.id, rung.name, job.rows, job.columns, job.group_size,
                        name(job.input));
                REQUIRE(rung.cuda != nullptr);
                check_rung(gpu, ladder, rung.cuda, job);
            }
        }
    }
}

TEST_CASE("each rung's source is in the program, comment and all", "[ladder]") {
    for (const Ladder& ladder : ladders()) {
        for (const Rung& rung : ladder.rungs) {
            CAPTURE(ladder.id, rung.name);
            const SourceExcerpt excerpt = source_of(rung);
            REQUIRE(excerpt.text.starts_with("/// "));
            CHECK(excerpt.text.find("__global__ void") != std::string_view::npos);
            CHECK(excerpt.text.ends_with("\n}\n"));
            const std::string_view all = source_text(rung.source);
            std::size_t at = 0;
            for (unsigned line = 1; line < excerpt.first_line; ++line) {
                at = all.find('\n', at) + 1;
            }
            CHECK(all.substr(at).starts_with(excerpt.text));
        }
    }
    CHECK(source_text("kernels/quantize/nothing.cuh").empty());
    Rung absent = ladders().front().rungs.front();
    absent.kernel = "nothing";
    CHECK(source_of(absent).text.empty());
}

}  // namespace nibble::kernels
