#include "kernels/quantize/scales.cuh"
