#include "kernels/quantize/grouped.cuh"
