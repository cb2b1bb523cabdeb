#include "kernels/quantize/ops.hpp"
