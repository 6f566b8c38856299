#include "cli/key_values.h"

#include <fmt/format.h>

#include <algorithm>

namespace skald::cli {

Result<std::vector<std::pair<std::string, std::string>>> parse_key_values(
    std::string_view option, const std::vector<std::string>& entries) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const std::string& entry : entries) {
        const std::size_t equals = entry.find('=');
        if (equals == std::string::npos || equals == 0) {
            return Error(Errc::invalid_argument,
                         fmt::format("{} {}: not KEY=VALUE", option, entry));
        }
        std::string key = entry.substr(0, equals);
        if (std::any_of(all.begin(), all.end(),
                        [&key](const auto& known) { return known.first == key; })) {
            return Error(Errc::invalid_argument,
                         fmt::format("{} {}: `{}` is given twice", option, entry, key));
        }
        all.emplace_back(std::move(key), entry.substr(equals + 1));
    }
    return all;
}

}  // namespace skald::cli
