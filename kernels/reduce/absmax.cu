#include "kernels/reduce/absmax_rungs.cuh"
