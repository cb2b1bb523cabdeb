// Where dequantized values go; included once for each instruction set.
//
// A store to memory that no cache holds first reads the line that it will overwrite. A matrix too
// large to be found in the cache later is therefore written past it: values are made in a small
// buffer and leave it as whole lines.
#if defined(NIBBLE_PACKED_WRITER_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef NIBBLE_PACKED_WRITER_INL_HPP
#undef NIBBLE_PACKED_WRITER_INL_HPP
#else
#define NIBBLE_PACKED_WRITER_INL_HPP
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "kernels/quantize/packed-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace nibble::kernels::HWY_NAMESPACE {

class Writer {
public:
    static constexpr std::size_t piece = 1024;  // values

    /// Row `first` of y is next.
    Writer(const PackedShape& shape, float* y, std::size_t first)
        : to_(y + first * shape.columns),
          past_cache_(shape.rows * shape.columns * sizeof(float) >= largest_cached) {}
    ~Writer() {
        if (past_cache_) {
            hwy::FlushStream();
        }
    }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Room for the next values, at most `piece`, to be filled before written(count).
    HWY_INLINE float* next() { return past_cache_ ? buffer_ : to_; }

    HWY_INLINE void written(std::size_t count) {
        if (past_cache_) {
            stream(count);
        }
        to_ += count;
    }

private:
    // More than a core's own caches hold.
    static constexpr std::size_t largest_cached = std::size_t{8} << 20;
    static constexpr std::size_t line = 64 / sizeof(float);

    void stream(std::size_t count) const {
        const Tag d;
        const std::size_t into_line = reinterpret_cast<std::uintptr_t>(to_) / sizeof(float) % line;
        std::size_t i = std::min(count, (line - into_line) % line);
        std::memcpy(to_, buffer_, i * sizeof(float));
        for (; i + line <= count; i += line) {
            for (std::size_t part = i; part < i + line; part += lanes) {
                hn::Stream(hn::LoadU(d, buffer_ + part), d, to_ + part);
            }
        }
        std::memcpy(to_ + i, buffer_ + i, (count - i) * sizeof(float));
    }

    float* to_;
    bool past_cache_;
    alignas(64) float buffer_[piece];
};

}  // namespace nibble::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
