// Little-endian loads and stores at any address, and the one place where bytes change their type.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace skald {

static_assert(std::endian::native == std::endian::little, "formats are stored little endian");

using Bytes = std::span<const std::byte>;

template <typename Int>
Int load_le(const void* from) {
    static_assert(std::is_integral_v<Int>);
    Int value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <typename Int>
void store_le(void* to, Int value) {
    static_assert(std::is_integral_v<Int>);
    std::memcpy(to, &value, sizeof value);
}

// A whole struct at any address. Its layout is the format's, so it has no hidden padding.
template <typename T>
T load_as(const void* from) {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <typename T>
void append_as(std::string& out, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline Bytes as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr std::size_t align8(std::size_t n) {
    return (n + 7) & ~std::size_t{7};
}

}  // namespace skald
