#include "kernels/quantize/packed.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quantize/nibbles_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/quantize/nibbles-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

void pack_codes(const std::uint8_t* codes, std::uint8_t* packed, std::size_t count,
                bool high_first) {
    high_first ? pack<true>(codes, packed, count) : pack<false>(codes, packed, count);
}

void unpack_codes(const std::uint8_t* packed, std::uint8_t* codes, std::size_t count,
                  bool high_first) {
    high_first ? unpack<true>(packed, codes, count) : unpack<false>(packed, codes, count);
}

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble::kernels {
namespace {

HWY_EXPORT(pack_codes);
HWY_EXPORT(unpack_codes);

}  // namespace

void pack_nibbles(const std::uint8_t* codes, std::uint8_t* packed, std::size_t count,
                  bool high_first) {
    HWY_DYNAMIC_DISPATCH(pack_codes)(codes, packed, count, high_first);
}

void unpack_nibbles(const std::uint8_t* packed, std::uint8_t* codes, std::size_t count,
                    bool high_first) {
    HWY_DYNAMIC_DISPATCH(unpack_codes)(packed, codes, count, high_first);
}

}  // namespace nibble::kernels
#endif
