#include "kernels/quantize/int8_row.cuh"
