// The place in a kernel's source where a word of CUDA stands: what a fault names and what the X-ray
// counts by. It arrives as a default argument, so kernels never write it.
#pragma once

#if defined(__clang__)
namespace nibble::kernels::emulator {

/// clang 14 lacks what libstdc++'s <source_location> needs, and has the builtins it is made of.
class Where {
public:
    static constexpr Where current(const char* file = __builtin_FILE(),
                                   unsigned line = __builtin_LINE(),
                                   unsigned column = __builtin_COLUMN()) {
        Where here;
        here.file_ = file;
        here.line_ = line;
        here.column_ = column;
        return here;
    }
    constexpr const char* file_name() const { return file_; }
    constexpr unsigned line() const { return line_; }
    constexpr unsigned column() const { return column_; }

private:
    const char* file_ = "";
    unsigned line_ = 0, column_ = 0;
};

}  // namespace nibble::kernels::emulator
#else
#include <source_location>

namespace nibble::kernels::emulator {

using Where = std::source_location;

}  // namespace nibble::kernels::emulator
#endif
