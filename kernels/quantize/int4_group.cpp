#include "kernels/quantize/int4_group.cuh"
