#include "sim/measured/processor_roof.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "kernels/measure/processor_speed.hpp"
#include "kernels/processor.hpp"
#include "sim/core/input_file.hpp"

namespace nibble {
namespace {

constexpr double giga = 1e9;
constexpr std::size_t live_largest = std::size_t{128} << 20U;
constexpr double live_seconds = 0.002;  // of one measurement
constexpr std::size_t live_repetitions = 3;

ProcessorRecording recording_of(const kernels::ProcessorSpeed& speed) {
    ProcessorRecording r;
    r.name = kernels::processor_name();
    r.threads = speed.threads;
    r.last_level_cache_bytes = static_cast<std::int64_t>(speed.last_level_cache_bytes);
    r.largest_bytes = static_cast<std::int64_t>(speed.largest_bytes);
    for (const kernels::MemorySpeed& m : speed.memory) {
        r.memory.push_back({m.operation, m.threads, static_cast<std::int64_t>(m.bytes),
                            m.gb_per_s.median, m.gb_per_s.low, m.gb_per_s.high});
    }
    for (const kernels::ArithmeticSpeed& a : speed.arithmetic) {
        r.arithmetic.push_back(
            {a.operation, a.threads, 0, a.gop_per_s.median, a.gop_per_s.low, a.gop_per_s.high});
    }
    return r;
}

}  // namespace

ProcessorRoof roof_of(const ProcessorRecording& recording, const std::string& where) {
    ProcessorRoof roof;
    roof.name = recording.name;
    const auto with_all = [&](const LoopSpeed& s, const char* operation) {
        return s.threads == recording.threads && s.operation == operation;
    };
    for (const LoopSpeed& s : recording.memory) {
        const Bytes bytes{static_cast<double>(s.bytes * s.threads)};
        if (!with_all(s, "read")) {
            continue;
        }
        if (bytes > roof.largest) {
            roof.largest = bytes;
            roof.memory = BytesPerSecond{giga * s.median};
        }
        if (roof.smallest == Bytes{} || bytes < roof.smallest) {
            roof.smallest = bytes;
            roof.cache = BytesPerSecond{giga * s.median};
        }
    }
    for (const LoopSpeed& s : recording.arithmetic) {
        if (with_all(s, "multiply_add_f32")) {
            roof.peak = FlopsPerSecond{giga * s.median};
        }
    }
    if (roof.peak <= FlopsPerSecond{} || roof.memory <= BytesPerSecond{}) {
        throw Error(Error::Code::bad_file,
                    fmt::format("{}: no reads or no multiply-adds with {} threads", where,
                                recording.threads),
                    "measure again: nibble measure --out FILE.json");
    }
    const auto cache = static_cast<double>(recording.last_level_cache_bytes);
    roof.beyond_cache = cache > 0 && roof.largest > Bytes{cache};
    return roof;
}

ProcessorRoof recorded_roof(const std::string& path) {
    const auto recording = parse_processor_recording(read_text_file(path), path);
    if (!recording) {
        throw Error(Error::Code::bad_file, fmt::format("{}: holds no \"processor\"", path),
                    "name a file that `nibble measure --out FILE.json` wrote");
    }
    return roof_of(*recording, path);
}

ProcessorRoof measured_roof(const RunContext& context) {
    return *context.memo<ProcessorRoof>(
        "measured roof of this processor",
        [&] {
            const kernels::MeasureEffort effort{.largest_bytes = live_largest,
                                                .seconds = live_seconds,
                                                .repetitions = live_repetitions};
            const auto speed = kernels::measure_processor(effort, [&](double share) {
                context.check();
                context.progress(share);
            });
            ProcessorRoof roof = roof_of(recording_of(speed), "this machine");
            roof.now = true;
            return roof;
        },
        [](const ProcessorRoof&) { return sizeof(ProcessorRoof); });
}

}  // namespace nibble
