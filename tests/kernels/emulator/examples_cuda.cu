#include "tests/kernels/emulator/broken.cuh"
#include "tests/kernels/emulator/examples.cuh"
