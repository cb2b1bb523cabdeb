#include "kernels/attention/decode_rungs.cuh"
