// Pointers that are watched. Under nvcc, Global<T> and SharedPointer<T> are plain T*, and
// __shared__ Shared<float[32][33]> is a plain array; here they are these classes, which look and
// behave the same and pass every access through the block's checks and the X-ray.
//
// An element of a Pointer<const T> reads as a value. An element of a Pointer<T> is a Reference:
// assigning stores, converting to T loads. `auto v = p[i]` would silently postpone the load, so it
// does not compile; write `float v = p[i]`.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include "kernels/emulator/block.hpp"

namespace nibble::kernels::emulator {

/// An index and the place in the source that indexes: the conversion from an integer happens at
/// the call, so that is where the default argument is evaluated.
struct Index {
    std::ptrdiff_t value;
    Where where;

    template <class I>
    requires std::integral<I> || std::is_enum_v<I> Index(
        I i, Where here = Where::current())  // NOLINT(google-explicit-constructor)
        : value(static_cast<std::ptrdiff_t>(i)), where(here) {}
};

/// The checks of one access, with a short way out for what is most frequent: an access to global
/// memory that is fine and that nobody counts.
inline void observe(Access access, const Extent* extent, const void* address, std::size_t bytes,
                    std::size_t alignment, const void* value, const Where& where) {
    if (extent == nullptr) {
        return;  // memory the emulator does not know, handed in by a test, say
    }
    Block& block = *running_block;
    if (extent->space == Space::global && !block.watches_global() &&
        extent->holds(address, bytes) &&
        reinterpret_cast<std::uintptr_t>(address) % alignment == 0) {
        return;
    }
    block.check(access, *extent, address, bytes, alignment, value, where);
}

template <class T>
T load(const T* address, const Extent* extent, const Where& where) {
    observe(Access::load, extent, address, sizeof(T), alignof(T), nullptr, where);
    return *address;
}

template <class T>
void store(T* address, const Extent* extent, const T& value, const Where& where) {
    observe(Access::store, extent, address, sizeof(T), alignof(T), &value, where);
    *address = value;
}

template <class T>
class Pointer;

/// An element that can be written. Lives within one expression.
template <class T>
class Reference {
public:
    Reference(T* address, const Extent* extent, Where where)
        : address_(address), extent_(extent), where_(where) {}
    Reference(const Reference&) = delete;

    operator T() && {  // NOLINT(google-explicit-constructor): that is how an element reads
        return load(address_, extent_, where_);
    }
    T operator=(const T& value) && {
        store(address_, extent_, value, where_);
        return value;
    }
    T operator=(Reference&& other) && {
        const T value = std::move(other);
        store(address_, extent_, value, where_);
        return value;
    }
    T operator+=(const T& v) && {
        return change([&](const T& old) { return T(old + v); });
    }
    T operator-=(const T& v) && {
        return change([&](const T& old) { return T(old - v); });
    }
    T operator*=(const T& v) && {
        return change([&](const T& old) { return T(old * v); });
    }
    T operator/=(const T& v) && {
        return change([&](const T& old) { return T(old / v); });
    }
    T operator|=(const T& v) && {
        return change([&](const T& old) { return T(old | v); });
    }
    T operator&=(const T& v) && {
        return change([&](const T& old) { return T(old & v); });
    }
    T operator^=(const T& v) && {
        return change([&](const T& old) { return T(old ^ v); });
    }
    Pointer<T> operator&() && { return Pointer<T>(address_, extent_); }

private:
    template <class F>
    T change(F f) {
        const T value = f(load(address_, extent_, where_));
        store(address_, extent_, value, where_);
        return value;
    }

    T* address_;
    const Extent* extent_;
    Where where_;
};

template <class T>
class Pointer {
public:
    using Element = std::remove_const_t<T>;

    Pointer() = default;
    Pointer(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
    /// Of a buffer, whose ends the emulator looks up, or of any other memory, which goes unchecked.
    Pointer(T* address)  // NOLINT(google-explicit-constructor): kernels are called with bare ones
        : address_(address), extent_(extent_of(address)) {}
    Pointer(T* address, const Extent* extent) : address_(address), extent_(extent) {}
    template <class U>
    requires(std::is_const_v<T>&& std::same_as<U, Element>)
        Pointer(const Pointer<U>& other)  // NOLINT(google-explicit-constructor): as T* to const T*
        : address_(other.address()), extent_(other.extent()) {}

    auto operator[](Index i) const {
        if constexpr (std::is_const_v<T>) {
            return load<Element>(address_ + i.value, extent_, i.where);
        } else {
            return Reference<T>(address_ + i.value, extent_, i.where);
        }
    }
    template <std::integral I>
    Pointer operator+(I i) const {
        return Pointer(address_ + i, extent_);
    }
    template <std::integral I>
    Pointer operator-(I i) const {
        return Pointer(address_ - i, extent_);
    }
    template <std::integral I>
    Pointer& operator+=(I i) {
        address_ += i;
        return *this;
    }
    Pointer& operator++() { return *this += 1; }
    std::ptrdiff_t operator-(const Pointer& other) const { return address_ - other.address_; }
    auto operator<=>(const Pointer& other) const { return address_ <=> other.address_; }
    bool operator==(const Pointer& other) const { return address_ == other.address_; }
    explicit operator bool() const { return address_ != nullptr; }

    T* address() const { return address_; }
    const Extent* extent() const { return extent_; }

private:
    T* address_ = nullptr;
    const Extent* extent_ = nullptr;
};

/// What `__shared__ Shared<T[n]>` and `__shared__ Shared<T[rows][columns]>` are here: a name for a
/// place in the arena of whichever block runs. Kernels declare it static and thread_local (that is
/// what __shared__ expands to), so each OS thread has its own.
template <class Array>
class Shared {
    static_assert(std::rank_v<Array> == 1 || std::rank_v<Array> == 2,
                  "Shared is for arrays of one or two dimensions; a scalar is an array of one");
    using T = std::remove_all_extents_t<Array>;
    static constexpr bool flat = std::rank_v<Array> == 1;

public:
    /// An element of a flat array, a row of a two-dimensional one.
    auto operator[](Index i) {
        const Pointer<T> first = start(i.where);
        if constexpr (flat) {
            return Reference<T>(first.address() + i.value, first.extent(), i.where);
        } else {
            constexpr std::ptrdiff_t columns = std::extent_v<Array, 1>;
            return first + i.value * columns;
        }
    }
    operator Pointer<T>()  // NOLINT(google-explicit-constructor): arrays decay
        requires flat {
        return start(Where::current());
    }
    template <std::integral I>
    requires flat Pointer<T>
    operator+(I i) { return start(Where::current()) + i; }

private:
    Pointer<T> start(Where where) {
        if (serial_ != running_block->serial()) {
            // 128: banks are counted from the start of an array
            constexpr std::size_t alignment = 128;
            extent_ = &running_block->place_shared(sizeof(Array), alignment, where);
            serial_ = running_block->serial();
        }
        return {reinterpret_cast<T*>(extent_->base), extent_};
    }

    const Extent* extent_ = nullptr;
    std::uint64_t serial_ = 0;
};

}  // namespace nibble::kernels::emulator
