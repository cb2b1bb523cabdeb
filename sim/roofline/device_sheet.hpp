// A machine as its maker's sheet describes it: how many bytes it holds, how fast they move, how
// many operations its matrix units do. One TOML file in data/hardware is one machine.
//
// Figures are dense. 16-bit products summed in FP32 and summed in FP16 are two figures, because on
// consumer boards the first is half of the second. A figure that the maker does not print is
// absent, never guessed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sim/core/outcome.hpp"
#include "sim/core/units.hpp"

namespace nibble {

/// Operations a second of the matrix units, for one kind of operand each.
struct MatrixRates {
    std::optional<FlopsPerSecond> fp16, fp16_accumulate_fp16, int8, fp8, fp8_accumulate_fp16, int4,
        fp4;
};

struct DeviceSheet {
    std::string id;  // the file's name: "a100-80gb-sxm"
    std::string name, maker;
    Bytes memory;  // as sold: 80 GB are 80e9 bytes
    BytesPerSecond bandwidth;
    MatrixRates dense, sparse;           // sparse: with two of every four weights zero
    std::optional<BytesPerSecond> link;  // to the other devices, each way
    std::optional<double> board_power;   // W
    std::string sheet;                   // where the figures are printed
    char grade = 'B';  // A: seen in an independent text too; B: as in the sheet; D: derived
    std::string note;

    Origin origin() const { return {Origin::Kind::datasheet, sheet}; }
    /// The rate of products of 8-bit operands: integers, else floats.
    std::optional<FlopsPerSecond> eight_bit() const { return dense.int8 ? dense.int8 : dense.fp8; }
};

/// Throws Error::bad_file naming the line and key that make no machine, Error::io when unreadable.
DeviceSheet read_device(const std::filesystem::path& path);

}  // namespace nibble
