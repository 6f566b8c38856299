// Lengths of time as users write them.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace skald {

// 250ms, 10s, 5m, 24h, 7d: a whole number, at least 1, and its unit. A bare number is not a
// duration: nullopt, as for what no 64 bits of microseconds hold.
std::optional<std::chrono::microseconds> parse_duration(std::string_view text);

}  // namespace skald
