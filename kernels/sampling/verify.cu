#include "kernels/sampling/verify.cuh"
