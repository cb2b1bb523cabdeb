// `nibble measure`: the roofs of this machine and the speed of the kernels on it, as a table and as
// a file that the labs read (sim/measured/). Nothing here is timed on the emulator.
#include <chrono>
#include <ctime>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kernels/device.hpp"
#include "kernels/measure/ladder_speed.hpp"
#include "kernels/measure/processor_speed.hpp"
#include "kernels/processor.hpp"
#include "sim/core/atomic_file.hpp"
#include "sim/core/error.hpp"
#include "sim/core/rng.hpp"
#include "sim/core/version.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/text.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;
using kernels::LadderSpeed;
using kernels::ProcessorSpeed;
using kernels::Spread;

/// Everything one run found.
struct Found {
    kernels::DeviceInfo gpu;
    ProcessorSpeed processor;
    std::vector<LadderSpeed> here, on_gpu;
};

/// Weights as trained layers have them: a million of them, over and over.
std::vector<float> measured_weights(std::size_t count) {
    constexpr std::size_t period = std::size_t{1} << 20U;
    const Rng rng = Rng(1).stream("measure");
    std::vector<float> weights(count);
    for (std::size_t i = 0; i < count; ++i) {
        weights[i] = i < period ? static_cast<float>(0.02 * rng.normal(i)) : weights[i - period];
    }
    return weights;
}

Found measure(bool quick) {
    Found found;
    kernels::MeasureEffort effort;
    if (quick) {
        effort = {.largest_bytes = std::size_t{256} << 10U, .seconds = 1e-4, .repetitions = 3};
    }
    {
        Progress progress("measuring the processor");
        found.processor = kernels::measure_processor(
            effort, [&](double share) { progress.show(share, "memory and arithmetic"); });
    }
    const std::size_t repetitions = quick ? 3 : 7;
    const std::size_t side = quick ? 256 : 4096;
    {
        Progress progress("measuring the kernels");
        found.here = kernels::measure_ladders_here(
            side, side, measured_weights(side * side), repetitions,
            [&](double share, const std::string& id) { progress.show(share, id); });
    }
    found.gpu = kernels::device(kernels::Machine::cuda).probe();
    if (found.gpu.ready()) {
        const std::size_t gpu_side = 2 * side;  // 8192 x 8192 floats are 268 MB
        Progress progress("measuring the kernels on the GPU");
        try {
            found.on_gpu = kernels::measure_ladders_on_gpu(
                gpu_side, gpu_side, measured_weights(gpu_side * gpu_side), repetitions,
                [&](double share, const std::string& id) { progress.show(share, id); });
        } catch (const kernels::DeviceError& e) {
            throw Error(Error::Code::no_device, e.what(), "free the GPU and measure again");
        }
    }
    return found;
}

// ---- as JSON ---------------------------------------------------------------------------------

/// "2026-01-31", by universal time.
std::string today() {
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm utc{};
    gmtime_r(&now, &utc);
    return fmt::format("{:04}-{:02}-{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday);
}

void put_spread(Json& j, const std::string& unit, const Spread& s) {
    j[unit] = s.median;
    j[unit + "_low"] = s.low;
    j[unit + "_high"] = s.high;
    j["repetitions"] = s.repetitions;
}

Json ladder_json(const LadderSpeed& s) {
    Json j = {{"ladder", s.ladder},
              {"rung", s.rung},
              {"rows", s.job.rows},
              {"columns", s.job.columns},
              {"group_size", s.job.group_size},
              {"input", kernels::name(s.job.input)}};
    put_spread(j, "gb_per_s", s.gb_per_s);
    if (s.copy_gb_per_s > 0) {
        j["copy_gb_per_s"] = s.copy_gb_per_s;
    }
    return j;
}

Json processor_json(const ProcessorSpeed& p, const std::vector<LadderSpeed>& ladders) {
    Json j = {{"name", kernels::processor_name()},
              {"instruction_set", kernels::instruction_set()},
              {"threads", p.threads},
              {"last_level_cache_bytes", p.last_level_cache_bytes},
              {"largest_bytes", p.largest_bytes},
              {"beyond_cache", p.beyond_cache()},
              {"memory", Json::array()},
              {"arithmetic", Json::array()},
              {"ladders", Json::array()}};
    for (const kernels::MemorySpeed& m : p.memory) {
        Json point = {{"operation", m.operation}, {"threads", m.threads}, {"bytes", m.bytes}};
        put_spread(point, "gb_per_s", m.gb_per_s);
        j["memory"].push_back(point);
    }
    for (const kernels::ArithmeticSpeed& a : p.arithmetic) {
        Json point = {{"operation", a.operation}, {"threads", a.threads}};
        put_spread(point, "gop_per_s", a.gop_per_s);
        j["arithmetic"].push_back(point);
    }
    for (const LadderSpeed& s : ladders) {
        j["ladders"].push_back(ladder_json(s));
    }
    return j;
}

Json found_json(const Found& found, const std::string& command) {
    Json j = {{"machine", found.gpu.ready() ? found.gpu.name : kernels::processor_name()},
              {"date", today()},
              {"command", command},
              {"nibble", version}};
    j["gpu"] = {{"ready", found.gpu.ready()},
                {"name", found.gpu.name},
                {"reason", found.gpu.reason},
                {"memory_bytes", found.gpu.memory_bytes}};
    j["kernels"] = Json::array();
    for (const LadderSpeed& s : found.on_gpu) {
        j["kernels"].push_back(ladder_json(s));
    }
    j["processor"] = processor_json(found.processor, found.here);
    return j;
}

// ---- as text ---------------------------------------------------------------------------------

std::string bytes_text(std::size_t bytes) {
    constexpr std::size_t mib = std::size_t{1} << 20U;
    return bytes < mib ? fmt::format("{} KiB", bytes >> 10U) : fmt::format("{} MiB", bytes / mib);
}

/// "12.3 (12.1 .. 12.4)": the median and the quartiles.
std::string spread_text(const Spread& s) {
    return fmt::format("{:.3g} ({:.3g} .. {:.3g})", s.median, s.low, s.high);
}

std::string memory_text(const ProcessorSpeed& p) {
    Columns table({Align::right, Align::right, Align::right, Align::right, Align::right}, 2);
    table.add({"threads", "each", "read GB/s", "copy GB/s", "write GB/s"});
    for (const kernels::MemorySpeed& row : p.memory) {
        if (row.operation != "read") {
            continue;
        }
        std::vector<std::string> cells = {fmt::format("{}", row.threads), bytes_text(row.bytes)};
        for (const char* operation : {"read", "copy", "write"}) {
            for (const kernels::MemorySpeed& m : p.memory) {
                if (m.operation == operation && m.threads == row.threads && m.bytes == row.bytes) {
                    cells.push_back(spread_text(m.gb_per_s));
                }
            }
        }
        table.add(cells);
    }
    return table.text();
}

std::string processor_text(const ProcessorSpeed& p) {
    const std::string cache = p.last_level_cache_bytes == 0
                                  ? "of unknown size"
                                  : "of " + bytes_text(p.last_level_cache_bytes);
    std::string text = fmt::format(
        "{}, {}, {} threads; arrays up to {} {} the last-level cache {}\n"
        "Medians, in brackets the quartiles of the repetitions.\n\nMemory\n{}\nArithmetic\n",
        kernels::processor_name(), kernels::instruction_set(), p.threads,
        bytes_text(p.largest_bytes), p.beyond_cache() ? "go beyond" : "may fit", cache,
        memory_text(p));
    Columns table({Align::left, Align::right, Align::right}, 2);
    table.add({"operation", "threads", "Gop/s"});
    for (const kernels::ArithmeticSpeed& a : p.arithmetic) {
        table.add({a.operation, fmt::format("{}", a.threads), spread_text(a.gop_per_s)});
    }
    return text + table.text();
}

std::string ladders_text(const std::vector<LadderSpeed>& speeds) {
    Columns table({Align::left, Align::left, Align::right, Align::right}, 2);
    table.add({"ladder", "rung", "GB/s", "of a copy"});
    for (const LadderSpeed& s : speeds) {
        table.add({s.ladder, s.rung, spread_text(s.gb_per_s),
                   s.copy_gb_per_s > 0
                       ? fmt::format("{:.0f} %", 100 * s.gb_per_s.median / s.copy_gb_per_s)
                       : "-"});
    }
    return table.text();
}

std::string gpu_text(const Found& found) {
    if (!found.gpu.ready()) {
        return fmt::format("\nGPU: not measured: {}\n", found.gpu.reason);
    }
    const double copy = found.on_gpu.empty() ? 0 : found.on_gpu.front().copy_gb_per_s;
    return fmt::format("\n{}, {:.0f} GB of memory, which a copy moves at {:.0f} GB/s\n{}",
                       found.gpu.name, static_cast<double>(found.gpu.memory_bytes) / 1e9, copy,
                       ladders_text(found.on_gpu));
}

}  // namespace

int measure_command(const Words& words) {
    CommandLine line("measure [--out FILE.json]",
                     "Measures this machine: the speed of memory at every size and of arithmetic, "
                     "and the kernels on the processor and on the GPU where there is one. Takes "
                     "about a minute; let nothing else run meanwhile.");
    line.add(file_flag("out", {".json"}, "Also save it, as data/measured/ has it."), "Output",
             "FILE.json");
    line.add(switch_flag("json", "As JSON, for programs."), "Output");
    line.add(switch_flag("quick", "Tiny arrays for an instant: to try it, not to believe it."),
             "Work");
    line.footer("Examples", {"nibble measure", "nibble measure --out machine.json"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    if (line.given("out")) {
        check_output(line.text("out"), {".json"});
    }
    const Found found = measure(line.is_on("quick"));
    const std::string text =
        found_json(found, line.is_on("quick") ? "nibble measure --quick" : "nibble measure")
            .dump(2) +
        "\n";
    if (line.given("out")) {
        AtomicFile file(line.text("out"));
        file.write(text);
        file.commit();
    }
    print(line.is_on("json")
              ? text
              : processor_text(found.processor) + "\nKernels, on one thread of the processor\n" +
                    ladders_text(found.here) + gpu_text(found));
    return 0;
}

}  // namespace nibble
