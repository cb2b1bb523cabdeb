#include "kernels/quantize/nibbles.cuh"
