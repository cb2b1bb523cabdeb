#include "kernels/quantize/groups.cuh"
