#include "kernels/quantize/ggml_blocks.cuh"
