// The ladders: every GPU kernel of this folder as a row of a registry, with what it teaches, what
// it has to move, and how to run it on each machine. The command line lists them, the kernel-ladder
// lab shows them, tests and `nibble measure` walk them; adding a rung is one kernel and one row.
//
// A ladder is one operation (group-wise INT4 quantization, say) on named buffers. Its rungs are
// kernels that do that same operation on those same buffers, each better than the one before.
//
//     const Ladder& ladder = find_ladder("quantize-int4-group");
//     Arena arena(device(Machine::emulated), ladder, job);   // allocates every buffer
//     arena.prepare(weights);                                // fills the inputs
//     ladder.rungs[0].emulated(job, arena.pointers());
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/device.hpp"
#include "kernels/quantize/packed.hpp"

namespace nibble::kernels {

/// The size of one run. What does not matter to a ladder is ignored.
struct Job {
    std::size_t rows = 0, columns = 0;
    std::size_t group_size = 0;  // values that share a scale; 0: a row
    InputType input = InputType::f32;

    std::size_t values() const { return rows * columns; }
};

/// One array of a ladder, on the device that runs it.
struct BufferInfo {
    std::string name;  // "x", "codes", "scales"
    std::size_t bytes = 0;
    std::size_t element_bytes = 4;
    bool is_input = false;
    bool is_scratch = false;  // from one launch to the next: neither input nor result
};

/// Buffers in the ladder's order, in the memory of the machine that runs.
using Buffers = std::span<void* const>;
using RunLadder = void (*)(const Job&, Buffers);

struct Rung {
    std::string name;     // "naive", "coalesced": unique in its ladder, a flag's value
    std::string teaches;  // one line: what this rung does that the one before does not
    std::string kernel;   // the function's name in the source
    std::string source;   // "kernels/quantize/int4_group.cuh"
    RunLadder emulated = nullptr;
    RunLadder cuda = nullptr;  // null in builds without CUDA
};

struct Ladder {
    std::string id;      // "quantize-int4-group"
    std::string family;  // "quantize"
    std::string title;   // "Group-wise INT4"
    std::string does;    // one sentence: the operation
    Job example;         // small enough for the emulator, large enough to show every pattern

    std::vector<BufferInfo> (*buffers)(const Job&) = nullptr;
    /// Fills the inputs, in memory of this process, from weights (rows, columns); throws nothing.
    void (*prepare)(const Job&, std::span<const float> weights, Buffers) = nullptr;
    /// The same operation on the processor (Highway), in memory of this process.
    RunLadder cpu = nullptr;

    /// Bytes that must move at least: each input read once, each output written once.
    double (*bytes)(const Job&) = nullptr;
    /// Floating-point operations, by the operation's own definition.
    double (*flops)(const Job&) = nullptr;
    /// Throws std::invalid_argument naming the value when a job is not one this ladder can run.
    void (*check)(const Job&) = nullptr;

    /// How far outputs may lie from the double-precision oracle, and why.
    double tolerance = 0;
    std::string tolerance_reason;

    std::vector<Rung> rungs;  // from the naive to the best
};

/// All of them in teaching order.
const std::vector<Ladder>& ladders();
/// Null when there is none of that id.
const Ladder* find_ladder(std::string_view id);

/// The text of a kernel's source file, and of one function in it with the comment above it, both
/// held in the program. Empty when there is no such source.
std::string_view source_text(std::string_view path);
struct SourceExcerpt {
    std::string_view text;
    unsigned first_line = 0;  // counted from 1, as the X-ray's sites count
};
SourceExcerpt source_of(const Rung& rung);

/// The buffers of one ladder and job on one device.
class Arena {
public:
    /// Throws DeviceError when the device refuses, what Ladder::check throws for a bad job.
    Arena(const Device& where, const Ladder& ladder, const Job& job);

    void prepare(std::span<const float> weights);
    Buffers pointers() const { return pointers_; }
    const std::vector<BufferInfo>& infos() const { return infos_; }
    /// The bytes of buffer i, after everything launched so far.
    std::vector<std::byte> download(std::size_t i) const;

private:
    const Device* device_;
    const Ladder* ladder_;
    Job job_;
    std::vector<BufferInfo> infos_;
    std::vector<DeviceArray<std::byte>> arrays_;
    std::vector<void*> pointers_;
};

}  // namespace nibble::kernels
