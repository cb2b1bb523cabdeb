#include "kernels/quantize/dequantize.cuh"
