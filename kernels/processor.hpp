// What the processor is called, for those who read a number that was measured on it.
#pragma once

#include <string>
#include <string_view>

namespace nibble::kernels {

/// "Intel(R) Xeon(R) Platinum 8480+", as the system says; "this processor" where it does not.
std::string processor_name();

/// The instruction set in use under its maker's name: "AVX-512", "AVX2", "NEON".
std::string instruction_set();
/// The same for one of Highway's names: "AVX3_ZEN4" is "AVX-512".
std::string instruction_set(std::string_view highway_target);

}  // namespace nibble::kernels
