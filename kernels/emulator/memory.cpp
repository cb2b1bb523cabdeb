#include "kernels/emulator/memory.hpp"

#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <shared_mutex>

#include "kernels/emulator/sanitizer.hpp"

namespace nibble::kernels::emulator {
namespace {

constexpr std::size_t guard_bytes = 1024;  // on each side; a multiple of the alignment
constexpr std::align_val_t alignment{buffer_alignment};
constexpr unsigned char guard_fill = 0xfb, fresh_fill = 0xff;

std::size_t whole_bytes(std::size_t bytes) {
    const std::size_t rounded = (bytes + buffer_alignment - 1) / buffer_alignment;
    return rounded * buffer_alignment + 2 * guard_bytes;
}

/// The guard zones of a buffer; the one behind begins right after its last byte.
struct Guards {
    std::byte *before, *after;
    std::size_t after_bytes;

    explicit Guards(const Extent& e)
        : before(e.base - guard_bytes),
          after(e.base + e.bytes),
          after_bytes(whole_bytes(e.bytes) - guard_bytes - e.bytes) {}

    void set() const {
        std::memset(before, guard_fill, guard_bytes);
        std::memset(after, guard_fill, after_bytes);
        sanitizer::poison(before, guard_bytes);
        sanitizer::poison(after, after_bytes);
    }
    void lift() const {
        sanitizer::unpoison(before, guard_bytes);
        sanitizer::unpoison(after, after_bytes);
    }
    /// Offset from the buffer's first byte of the first changed guard byte; `none` when intact.
    static constexpr std::ptrdiff_t none = PTRDIFF_MIN;
    std::ptrdiff_t damage() const {
        if (sanitizer::address) {
            return none;
        }
        const std::byte fill{guard_fill};
        for (std::size_t i = 0; i < guard_bytes; ++i) {
            if (before[i] != fill) {
                return static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(guard_bytes);
            }
        }
        for (std::size_t i = 0; i < after_bytes; ++i) {
            if (after[i] != fill) {
                return after - before - static_cast<std::ptrdiff_t>(guard_bytes) +
                       static_cast<std::ptrdiff_t>(i);
            }
        }
        return none;
    }
};

/// Every live buffer by its first address. Launches look up their arguments, from any thread.
struct Registry {
    std::shared_mutex mutex;
    std::map<std::uintptr_t, std::unique_ptr<Extent>> buffers;
};

Registry& registry() {
    static Registry all;
    return all;
}

std::string damage_sentence(const Extent& e) {
    const std::ptrdiff_t offset = Guards(e).damage();
    if (offset == Guards::none) {
        return {};
    }
    return "byte " + std::to_string(offset) + " of buffer " + (e.name.empty() ? "?" : e.name) +
           ", which has " + std::to_string(e.bytes) + " bytes, was written through a bare pointer";
}

}  // namespace

void* allocate(std::size_t bytes, const std::string& name) {
    auto* whole = static_cast<std::byte*>(::operator new(whole_bytes(bytes), alignment));
    auto extent = std::make_unique<Extent>(Extent{whole + guard_bytes, bytes, Space::global, name});
    std::memset(extent->base, fresh_fill, bytes);
    Guards(*extent).set();
    void* buffer = extent->base;
    Registry& all = registry();
    const std::unique_lock lock(all.mutex);
    all.buffers[reinterpret_cast<std::uintptr_t>(buffer)] = std::move(extent);
    return buffer;
}

void release(void* buffer) noexcept {
    Registry& all = registry();
    const std::unique_lock lock(all.mutex);
    const auto found = all.buffers.find(reinterpret_cast<std::uintptr_t>(buffer));
    if (found != all.buffers.end()) {
        const Guards guards(*found->second);
        guards.lift();
        ::operator delete(guards.before, alignment);
        all.buffers.erase(found);
    }
}

const Extent* extent_of(const void* address) {
    Registry& all = registry();
    const std::shared_lock lock(all.mutex);
    auto next = all.buffers.upper_bound(reinterpret_cast<std::uintptr_t>(address));
    if (next == all.buffers.begin()) {
        return nullptr;
    }
    const Extent& e = *std::prev(next)->second;
    // one past the end still belongs to the buffer: kernels count down from there
    return e.holds(address, 0) ? &e : nullptr;
}

std::string damaged_guard() {
    Registry& all = registry();
    const std::shared_lock lock(all.mutex);
    for (const auto& [base, extent] : all.buffers) {
        std::string damage = damage_sentence(*extent);
        if (!damage.empty()) {
            Guards(*extent).set();
            return damage;
        }
    }
    return {};
}

}  // namespace nibble::kernels::emulator
