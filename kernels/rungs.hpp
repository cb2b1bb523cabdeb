// Between the kernels and the registry: the rungs of a ladder as one machine knows them. Each
// ladder's .cuh defines its function in both namespaces, once for the emulator and once by nvcc,
// and the registry joins the two; so a rung is written, described and launched in one file.
#pragma once

#include <span>

#include "kernels/ladder.hpp"

namespace nibble::kernels {

struct RungRow {
    const char* name;     // as Rung
    const char* teaches;  // as Rung
    const char* kernel;   // the function
    RunLadder run;
};

namespace emulated {
std::span<const RungRow> quantize_int4_group_rows();
}
namespace cuda {  // only in builds with CUDA
std::span<const RungRow> quantize_int4_group_rows();
}

}  // namespace nibble::kernels
