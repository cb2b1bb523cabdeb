#include "tests/kernels/emulator/examples.cuh"
