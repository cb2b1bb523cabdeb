// Time of one thread by its own clock, which stands while others have the processor: what to
// compare two ways of doing the same by, on a machine that does other things too.
#pragma once

#include <functional>

namespace nibble::kernels {

/// Seconds that the calling thread takes for `work`, whose parallel loops all run on it.
double seconds_on_this_thread(const std::function<void()>& work);

}  // namespace nibble::kernels
