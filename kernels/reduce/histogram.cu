#include "kernels/reduce/histogram.cuh"
