// What a consumer's file calls its settings, and `consumer show` likewise.
#pragma once

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "skald/consumers.h"

namespace skald::cli {

using Words = std::array<std::string_view, 3>;  // for an enum's values, in their order

inline constexpr Words kModeWords{"shared", "exclusive", "per_key"};
inline constexpr Words kWhenFullWords{"reject", "drop_oldest", "wait"};

template <typename Enum>
std::string_view word_of(const Words& words, Enum value) {
    return words.at(static_cast<std::size_t>(value));
}

inline std::string time_text(std::chrono::milliseconds time) {
    if (time.count() % 3'600'000 == 0 && time.count() != 0) {
        return fmt::format("{}h", time.count() / 3'600'000);
    }
    return time.count() % 1000 == 0 ? fmt::format("{}s", time.count() / 1000)
                                    : fmt::format("{}ms", time.count());
}

}  // namespace skald::cli
