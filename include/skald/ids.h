// Strong types for what would otherwise all be integers or strings. Units are in the names or here.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace skald {

// An integer that is only comparable with its own kind. `+ n` and `- n` move it; a - b is a
// distance.
template <typename Tag, typename Int>
struct StrongInt {
    Int value = 0;

    constexpr StrongInt() = default;
    constexpr explicit StrongInt(Int v) : value(v) {}
    constexpr auto operator<=>(const StrongInt&) const = default;
    constexpr StrongInt operator+(Int n) const { return StrongInt(static_cast<Int>(value + n)); }
    constexpr StrongInt operator-(Int n) const { return StrongInt(static_cast<Int>(value - n)); }
    constexpr Int operator-(StrongInt other) const { return static_cast<Int>(value - other.value); }
    constexpr StrongInt& operator++() {
        ++value;
        return *this;
    }
};

// An event's place in its partition: from 0, gapless, assigned at commit.
using Offset = StrongInt<struct OffsetTag, std::uint64_t>;
// An event's place in its stream: from 0.
using Version = StrongInt<struct VersionTag, std::uint64_t>;
using Partition = StrongInt<struct PartitionTag, std::uint16_t>;
// A reign of one primary. From 1.
using Epoch = StrongInt<struct EpochTag, std::uint64_t>;

// Microseconds since 1970, UTC.
struct Time {
    std::int64_t us = 0;
    constexpr auto operator<=>(const Time&) const = default;
};

// RFC 3339 in UTC with microseconds, as 2026-01-31T08:00:00.000000Z.
std::string to_string(Time time);
// Reads RFC 3339 with any offset and 0-9 fraction digits (those past 6 are cut). nullopt when it is
// not one, or before year 1 or after 9999.
std::optional<Time> parse_time(std::string_view text);

// 16 bytes, in the order they are printed.
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};
    constexpr auto operator<=>(const Uuid&) const = default;
    constexpr bool is_nil() const { return *this == Uuid{}; }
};

// Lower case with hyphens.
std::string to_string(const Uuid& id);
// Accepts 8-4-4-4-12 hex digits in either case; nullopt otherwise.
std::optional<Uuid> parse_uuid(std::string_view text);

}  // namespace skald

template <>
struct std::hash<skald::Uuid> {
    std::size_t operator()(const skald::Uuid& id) const noexcept {
        std::uint64_t halves[2];
        static_assert(sizeof halves == sizeof id.bytes);
        __builtin_memcpy(halves, id.bytes.data(), sizeof halves);
        return static_cast<std::size_t>(halves[0] ^ (halves[1] * 0x9e3779b97f4a7c15ULL));
    }
};
