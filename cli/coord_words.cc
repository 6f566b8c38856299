#include "cli/coord_words.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace skald::cli {

std::string this_process() {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    return fmt::format("{}:{}", host.data(), ::getpid());
}

double age_seconds(Time since, Time now) {
    return static_cast<double>(std::max<std::int64_t>(now.us - since.us, 0)) / 1e6;
}

std::string age_text(Time since, Time now) {
    struct Unit {
        std::int64_t us;
        const char* name;
    };
    constexpr std::array<Unit, 5> kUnits{Unit{86'400'000'000, "d"}, Unit{3'600'000'000, "h"},
                                         Unit{60'000'000, "m"}, Unit{1'000'000, "s"},
                                         Unit{1000, "ms"}};
    const std::int64_t us = std::max<std::int64_t>(now.us - since.us, 0);
    for (const Unit& unit : kUnits) {
        if (us >= unit.us) {
            return fmt::format("{}{}", us / unit.us, unit.name);
        }
    }
    return "0ms";
}

std::optional<std::chrono::milliseconds> in_milliseconds(
    std::optional<std::chrono::microseconds> time) {
    return time ? std::optional(std::chrono::ceil<std::chrono::milliseconds>(*time)) : std::nullopt;
}

}  // namespace skald::cli
