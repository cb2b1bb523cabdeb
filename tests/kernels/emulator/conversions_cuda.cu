// CUDA's own conversions, on the processor: its headers define them for host and device alike, so
// the emulator's can be compared with them on a machine without a GPU.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include "tests/kernels/emulator/conversions.hpp"

namespace nibble::kernels::cuda {

Codes convert(float x) {
    Codes c;
    c.half = __half_as_ushort(__float2half_rn(x));
    c.bfloat = __bfloat16_as_ushort(__float2bfloat16_rn(x));
    c.e4m3 = __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3);
    c.e5m2 = __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E5M2);
    c.e4m3_unsaturated = __nv_cvt_float_to_fp8(x, __NV_NOSAT, __NV_E4M3);
    c.e5m2_unsaturated = __nv_cvt_float_to_fp8(x, __NV_NOSAT, __NV_E5M2);
    return c;
}

float half_to_float(std::uint16_t code) {
    return __half2float(__ushort_as_half(code));
}

float bfloat_to_float(std::uint16_t code) {
    return __bfloat162float(__ushort_as_bfloat16(code));
}

std::uint16_t fp8_to_half(std::uint8_t code, bool e5m2) {
    return __nv_cvt_fp8_to_halfraw(code, e5m2 ? __NV_E5M2 : __NV_E4M3).x;
}

}  // namespace nibble::kernels::cuda
