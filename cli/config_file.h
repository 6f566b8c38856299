// The TOML behind the configuration: keys and values with their places.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/config.h"

namespace skald::cli {

inline constexpr std::string_view kPermissionsKey = "security.permissions";

enum class ValueKind { text, number, list };
// "a string", "a whole number", "a list of strings".
std::string_view name_of(ValueKind kind);

struct FileValue {
    std::string key;  // "node.data"
    ValueKind kind = ValueKind::text;
    std::vector<std::string> words;  // one, or those of a list
    std::string source;              // "skald.toml:3"
    std::string place;               // "skald.toml:3:8", for errors
};

struct ParsedConfigFile {
    std::vector<FileValue> values;
    std::vector<PermissionRule> permissions;
    std::vector<std::string> permission_sources;  // "skald.toml:12", of each
};

// invalid_argument with line, column and what was expected.
Result<ParsedConfigFile> parse_config_file(const std::string& name, std::string_view text);

}  // namespace skald::cli
