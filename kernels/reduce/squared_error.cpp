#include "kernels/reduce/squared_error.cuh"
