// A mistake in a kernel, named: which rule of CUDA was broken, by which thread of which block, at
// which line. On a GPU most of these are silent; the emulator throws.
#pragma once

#include <stdexcept>
#include <string>

#include "kernels/emulator/where.hpp"

namespace nibble::kernels {

/// Three coordinates of a thread, a block or a shape, as in threadIdx and gridDim.
struct Index3 {
    unsigned x = 0, y = 0, z = 0;
    bool operator==(const Index3&) const = default;
};

class Fault : public std::runtime_error {
public:
    enum class Kind {
        divergent_barrier,     // some threads wait at a barrier that others never reach
        mismatched_mask,       // lanes meet in a warp function with different masks, or without bit
        absent_lane,           // a shuffle reads a lane that did not take part
        deadlock,              // threads wait for each other in a circle
        out_of_bounds,         // an access outside its buffer or __shared__ array
        misaligned,            // an address that is no multiple of the access' size
        uninitialised_shared,  // shared memory read before anybody in the block wrote it
        unfinished_copy,       // shared memory read while an asynchronous copy is on its way
        race,                  // two threads, one of them writing, with no barrier between them
        bad_launch,            // a shape that no GPU accepts
    };

    struct Place {
        std::string kernel;    // as launch<...> names it
        Index3 block, thread;  // blockIdx and threadIdx of the thread that noticed
        std::string file;      // where in the source; empty when no line is to blame
        unsigned line = 0;
    };

    Fault(Kind kind, Place place, const std::string& message);

    Kind kind() const { return kind_; }
    const Place& place() const { return place_; }
    /// What happened, without the place; what() says both.
    const std::string& message() const { return message_; }

private:
    Kind kind_;
    Place place_;
    std::string message_;
};

/// "divergent barrier", "misaligned access" ...
const char* name(Fault::Kind kind);

/// "(3, 0, 0)"
std::string text(const Index3& index);

namespace emulator {

/// "ladder.cuh:42", without the folders
std::string text(const Where& where);

}  // namespace emulator
}  // namespace nibble::kernels
