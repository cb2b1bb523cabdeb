// Speeds of kernels measured on some machine and kept as a file, so that a chart can show them on a
// machine without that GPU. One JSON file a machine in data/measured/:
//
//     {
//       "machine": "NVIDIA H200",                what the numbers were measured on
//       "date": "2026-01-31",
//       "command": "nibble measure --json",      what measured them
//       "kernels": [
//         {"ladder": "quantize-int4-group", "rung": "naive",
//          "rows": 16384, "columns": 16384, "group_size": 128, "input": "f32",
//          "gb_per_s": 812.5,                    bytes that must move / time, 1e9 bytes a second
//          "copy_gb_per_s": 4210.0}              read and write of a plain copy in the same run
//       ]
//     }
//
// Members that are not named here are passed over; sim/measured/processor_speed.hpp reads another.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace nibble {

struct KernelSpeed {
    std::string ladder, rung, input;
    std::int64_t rows = 0, columns = 0, group_size = 0;
    double gb_per_s = 0, copy_gb_per_s = 0;
};

struct KernelRecording {
    std::string machine, date, command;
    std::vector<KernelSpeed> kernels;
};

/// Throws Error::bad_file naming `where` and the member that is missing or not what it should be.
KernelRecording parse_kernel_recording(std::string_view text, const std::string& where);

/// Every *.json in `folder`, by file name; none when there is no such folder. Throws what
/// parse_kernel_recording throws, Error::io when a file cannot be read.
std::vector<KernelRecording> read_kernel_recordings(const std::filesystem::path& folder);

}  // namespace nibble
