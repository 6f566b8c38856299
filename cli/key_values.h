// Arguments of the form KEY=VALUE.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "skald/result.h"

namespace skald::cli {

// In their order. invalid_argument, naming the option: no `=`, an empty key, or one given twice.
Result<std::vector<std::pair<std::string, std::string>>> parse_key_values(
    std::string_view option, const std::vector<std::string>& entries);

}  // namespace skald::cli
