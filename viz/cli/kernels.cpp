// `nibble kernels [ID]`: the ladders of GPU kernels, what each rung teaches and must move, where it
// can run; and for one ladder what the X-ray counts on the emulator. Never a time: emulated time
// says nothing about a GPU.
#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "kernels/emulator/launch.hpp"
#include "kernels/ladder.hpp"
#include "sim/core/error.hpp"
#include "sim/core/rng.hpp"
#include "sim/core/text.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/text.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;
using kernels::Job;
using kernels::Ladder;
using kernels::Machine;
using kernels::Rung;

/// More values than this would keep the emulator busy for minutes.
constexpr std::size_t most_emulated = std::size_t{1} << 20;

constexpr std::array machines = {Machine::cpu, Machine::cuda, Machine::emulated};

/// The ladder's own example, with what was given in its place.
Job job_of(const CommandLine& line, const Ladder& ladder) {
    Job job = ladder.example;
    const auto take = [&](const char* flag, std::size_t& field) {
        if (line.given(flag)) {
            field = static_cast<std::size_t>(std::get<std::int64_t>(line.value(flag)));
        }
    };
    take("rows", job.rows);
    take("columns", job.columns);
    take("group_size", job.group_size);
    for (const auto type :
         {kernels::InputType::f32, kernels::InputType::f16, kernels::InputType::bf16}) {
        if (line.given("input") &&
            std::get<std::string>(line.value("input")) == kernels::name(type)) {
            job.input = type;
        }
    }
    return job;
}

/// Why a ladder cannot run the job; empty when it can.
std::string refusal(const Ladder& ladder, const Job& job) {
    try {
        ladder.check(job);
        return {};
    } catch (const std::invalid_argument& e) { return e.what(); }
}

/// "ready", or why not.
std::string status_on(Machine machine) {
    const kernels::DeviceInfo info = kernels::device(machine).probe();
    return info.ready() ? "ready" : info.reason;
}

std::string job_text(const Job& job) {
    const std::string groups =
        job.group_size == 0 ? "" : fmt::format(", groups of {}", job.group_size);
    return fmt::format("{} x {} {}{}", job.rows, job.columns, kernels::name(job.input), groups);
}

double intensity(const Ladder& ladder, const Job& job) {
    return ladder.flops(job) / ladder.bytes(job);
}

// ---- the X-ray -------------------------------------------------------------------------------

/// What all launches of a rung did, in one kind of memory and direction.
struct Traffic {
    std::uint64_t requests = 0, lanes = 0;
    kernels::emulator::Cost cost;

    void add(const kernels::emulator::SiteCounts& site) {
        requests += site.requests;
        lanes += site.lanes;
        cost.sectors += site.cost.sectors;
        cost.distinct_bytes += site.cost.distinct_bytes;
        cost.wavefronts += site.cost.wavefronts;
        cost.ideal_wavefronts += site.cost.ideal_wavefronts;
    }
    double per_request(std::uint64_t count) const {
        return requests == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(requests);
    }
    double moved_over_used() const {
        return cost.distinct_bytes == 0
                   ? 0.0
                   : static_cast<double>(cost.sectors * kernels::emulator::sector_bytes) /
                         static_cast<double>(cost.distinct_bytes);
    }
    double bank_conflict() const {
        return cost.ideal_wavefronts == 0 ? 0.0
                                          : static_cast<double>(cost.wavefronts) /
                                                static_cast<double>(cost.ideal_wavefronts);
    }
};

struct XrayTotals {
    std::size_t launches = 0;
    Traffic loads, stores, atomics, shared;
    std::uint64_t barriers = 0, collectives = 0;
};

/// Weights as trained layers have them; what is counted hardly depends on them.
std::vector<float> some_weights(std::size_t count) {
    const Rng rng = Rng(1).stream("kernels");
    std::vector<float> weights(count);
    for (std::size_t i = 0; i < count; ++i) {
        weights[i] = static_cast<float>(0.02 * rng.normal(i));
    }
    return weights;
}

XrayTotals xray(const Ladder& ladder, const Rung& rung, const Job& job) {
    using kernels::emulator::Access;
    kernels::Arena arena(kernels::device(Machine::emulated), ladder, job);
    arena.prepare(some_weights(job.values()));
    const kernels::emulator::Session session({.xray = true});
    rung.emulated(job, arena.pointers());
    XrayTotals totals;
    for (const kernels::emulator::Report& report : session.reports()) {
        ++totals.launches;
        totals.barriers += report.barriers;
        totals.collectives += report.collectives;
        for (const kernels::emulator::SiteCounts& site : report.sites) {
            Traffic& traffic = site.space == kernels::emulator::Space::shared ? totals.shared
                               : site.access == Access::store                 ? totals.stores
                               : site.access == Access::atomic                ? totals.atomics
                                                                              : totals.loads;
            traffic.add(site);
        }
    }
    return totals;
}

Json traffic_json(const Traffic& t) {
    return {{"requests", t.requests},
            {"sectors_per_request", t.per_request(t.cost.sectors)},
            {"moved_over_used", t.moved_over_used()},
            {"active_lanes", t.per_request(t.lanes)}};
}

Json totals_json(const XrayTotals& t) {
    return {
        {"launches", t.launches},
        {"loads", traffic_json(t.loads)},
        {"stores", traffic_json(t.stores)},
        {"atomics", traffic_json(t.atomics)},
        {"shared", {{"requests", t.shared.requests}, {"bank_conflict", t.shared.bank_conflict()}}},
        {"barriers", t.barriers},
        {"warp_functions", t.collectives}};
}

// ---- as text and as JSON ---------------------------------------------------------------------

/// Of every machine; asked for once, because a GPU takes its time to answer.
Json statuses() {
    Json all;
    for (const Machine machine : machines) {
        all[kernels::name(machine)] = status_on(machine);
    }
    return all;
}

Json ladder_json(const Ladder& ladder, const Job& job, const Json& devices, bool with_xray) {
    const std::string refused = refusal(ladder, job);
    Json j = {{"id", ladder.id},
              {"family", ladder.family},
              {"title", ladder.title},
              {"does", ladder.does}};
    j["job"] = {{"rows", job.rows},
                {"columns", job.columns},
                {"group_size", job.group_size},
                {"input", kernels::name(job.input)}};
    if (refused.empty()) {
        j["bytes"] = ladder.bytes(job);
        j["flops"] = ladder.flops(job);
        j["flops_per_byte"] = intensity(ladder, job);
    } else {
        j["refused"] = refused;
    }
    j["tolerance"] = ladder.tolerance;
    j["tolerance_reason"] = ladder.tolerance_reason;
    for (const Rung& rung : ladder.rungs) {
        Json r = {{"name", rung.name},
                  {"teaches", rung.teaches},
                  {"kernel", rung.kernel},
                  {"source", rung.source}};
        for (const char* machine : {"cuda", "emulated"}) {
            r["status"][machine] = devices.at(machine);
        }
        if (with_xray) {
            r["xray"] = totals_json(xray(ladder, rung, job));
        }
        j["rungs"].push_back(r);
    }
    return j;
}

std::string cost_text(const Ladder& ladder, const Job& job) {
    const std::string refused = refusal(ladder, job);
    if (!refused.empty()) {
        return fmt::format("not for this job: {}", refused);
    }
    return fmt::format("{}: {:.0f} bytes, {:.0f} flops, {:.2f} flops a byte", job_text(job),
                       ladder.bytes(job), ladder.flops(job), intensity(ladder, job));
}

std::string ladder_text(const Ladder& ladder, const Job& job) {
    const std::size_t width = page_width();
    std::string text = fmt::format("{}  {}\n", ladder.id, ladder.title);
    text += wrapped(ladder.does, width, 4) + wrapped(cost_text(ladder, job), width, 4);
    for (const Rung& rung : ladder.rungs) {
        constexpr std::size_t indent = 18;
        text += fmt::format("    {:<14}", rung.name) +
                wrapped(rung.teaches, width, indent).substr(indent);
    }
    return text;
}

std::string device_lines() {
    std::string text = "Devices\n";
    for (const Machine machine : machines) {
        text += fmt::format("  {:<10}{}\n", kernels::name(machine), status_on(machine));
    }
    return text;
}

std::string xray_text(const Ladder& ladder, const Job& job) {
    Columns table({Align::left, Align::right, Align::right, Align::right, Align::right,
                   Align::right, Align::right, Align::right, Align::right},
                  2);
    table.add({"rung", "loads", "sectors", "moved/used", "stores", "sectors", "moved/used",
               "conflict", "barriers"});
    for (const Rung& rung : ladder.rungs) {
        const XrayTotals t = xray(ladder, rung, job);
        table.add({rung.name, fmt::format("{}", t.loads.requests),
                   fmt::format("{:.2f}", t.loads.per_request(t.loads.cost.sectors)),
                   fmt::format("{:.2f}", t.loads.moved_over_used()),
                   fmt::format("{}", t.stores.requests),
                   fmt::format("{:.2f}", t.stores.per_request(t.stores.cost.sectors)),
                   fmt::format("{:.2f}", t.stores.moved_over_used()),
                   t.shared.requests == 0 ? "-" : fmt::format("{:.2f}", t.shared.bank_conflict()),
                   fmt::format("{}", t.barriers)});
    }
    return "X-ray (counted on the emulator: requests of a warp to global memory, the 32-byte "
           "sectors\neach touches, bytes moved over bytes used; conflicts in shared memory)\n" +
           table.text();
}

const Ladder& ladder_named(const std::string& id) {
    if (const Ladder* ladder = kernels::find_ladder(id)) {
        return *ladder;
    }
    std::vector<std::string> ids;
    for (const Ladder& ladder : kernels::ladders()) {
        ids.push_back(ladder.id);
    }
    const std::string near = nearest(id, ids);
    throw Error(
        Error::Code::bad_param, fmt::format("no ladder is called \"{}\"", id),
        near.empty() ? "`nibble kernels` lists them" : fmt::format("did you mean {}?", near));
}

void check_emulated(const Ladder& ladder, const Job& job) {
    const std::string refused = refusal(ladder, job);
    if (!refused.empty()) {
        throw Error(Error::Code::bad_param, refused);
    }
    if (job.values() > most_emulated) {
        throw Error(Error::Code::bad_param,
                    fmt::format("rows {} by columns {} are too many values for the emulator",
                                job.rows, job.columns),
                    fmt::format("give at most {} in all", most_emulated));
    }
}

void add_flags(CommandLine& line) {
    line.positional("ID", "A ladder, as `nibble kernels` names it.", false);
    line.add(whole_flag("rows", 0, {0, whole_limit}, "Rows; the ladder's example unless given"),
             "Job");
    line.add(whole_flag("columns", 0, {0, whole_limit}, "Columns, as rows"), "Job");
    line.add(whole_flag("group_size", 0, {0, whole_limit}, "Values that share a scale; 0: a row"),
             "Job");
    line.add(choice_flag("input", {"f32", "f16", "bf16"}, "Type of what is quantized"), "Job");
    line.add(switch_flag("json", "As JSON, for programs."), "Output");
    line.footer("Examples", {"nibble kernels", "nibble kernels quantize-int4-group",
                             "nibble kernels --rows 4096 --columns 4096 --json"});
}

}  // namespace

int kernels_command(const Words& words) {
    CommandLine line(
        "kernels [ID] [--json]",
        "Lists the ladders of GPU kernels: what each rung teaches, what it has to move "
        "and compute, and where it can run. With an ID also what a warp asks of memory, "
        "counted on the emulator.");
    add_flags(line);
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    if (!line.text("ID").empty()) {
        const Ladder& ladder = ladder_named(line.text("ID"));
        const Job job = job_of(line, ladder);
        check_emulated(ladder, job);
        print(line.is_on("json") ? ladder_json(ladder, job, statuses(), true).dump(2) + "\n"
                                 : ladder_text(ladder, job) + "\n" + xray_text(ladder, job) + "\n" +
                                       device_lines());
        return 0;
    }
    Json all = {{"devices", statuses()}, {"ladders", Json::array()}};
    std::string text, family;
    for (const Ladder& ladder : kernels::ladders()) {
        const Job job = job_of(line, ladder);
        if (ladder.family != family) {
            family = ladder.family;
            text += fmt::format("{}Family {}\n\n", text.empty() ? "" : "\n", family);
        }
        if (line.is_on("json")) {
            all["ladders"].push_back(ladder_json(ladder, job, all["devices"], false));
        } else {
            text += ladder_text(ladder, job) + "\n";
        }
    }
    print(line.is_on("json") ? all.dump(2) + "\n" : text + device_lines());
    return 0;
}

}  // namespace nibble
