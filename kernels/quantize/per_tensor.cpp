#include "kernels/quantize/per_tensor.cuh"
