#include "base/duration.h"

#include <charconv>
#include <cstdint>
#include <limits>

namespace skald {

std::optional<std::chrono::microseconds> parse_duration(std::string_view text) {
    static constexpr struct {
        std::string_view unit;
        std::uint64_t us;
    } kUnits[] = {{"ms", 1000},
                  {"s", 1'000'000},
                  {"m", 60'000'000},
                  {"h", 3'600'000'000},
                  {"d", 86'400'000'000}};
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [digits_end, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc{} || value == 0) {
        return std::nullopt;
    }
    const std::string_view written(digits_end, static_cast<std::size_t>(end - digits_end));
    for (const auto& [unit, us] : kUnits) {
        if (written == unit && value <= std::numeric_limits<std::int64_t>::max() / us) {
            return std::chrono::microseconds(value * us);
        }
    }
    return std::nullopt;
}

}  // namespace skald
