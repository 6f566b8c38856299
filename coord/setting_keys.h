// Where settings are kept. No name has a `/`, so none is within another's range; the longest key
// takes 438 bytes. Private to coord/.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "skald/coord.h"

namespace skald::coord::setting_keys {

inline constexpr std::string_view kValues = "/config/";
inline constexpr std::string_view kDeclared = "/config-declared/";
inline constexpr std::string_view kHistory = "/config-history/";
inline constexpr std::string_view kGuards = "/config-guard/";

// Of values or declarations. Without a key: what all of the service begin with.
inline std::string at(std::string_view space, std::string_view service, std::string_view key = {}) {
    return fmt::format("{}{}/{}", space, service, key);
}
// What each change of a key writes and compares, of whichever service.
inline std::string guard(std::string_view key) {
    return fmt::format("{}{}", kGuards, key);
}
inline std::string history(std::string_view service, std::string_view key) {
    return fmt::format("{}{}/{}/", kHistory, service, key);
}
inline std::string change(std::string_view service, std::string_view key, std::uint64_t number) {
    return fmt::format("{}{:020}", history(service, key), number);
}

// Service and key of a value or a declaration; the key is empty, or has a `/`, if it is no setting.
inline std::pair<std::string, std::string> names(std::string_view space, const Entry& entry) {
    const std::string rest = entry.key.substr(space.size());
    const std::size_t slash = rest.find('/');
    return slash == std::string::npos ? std::pair(rest, std::string())
                                      : std::pair(rest.substr(0, slash), rest.substr(slash + 1));
}

}  // namespace skald::coord::setting_keys
