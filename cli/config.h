// The configuration of a node, out of flags, environment, file and defaults, in this order of
// precedence. Pure: text goes in, a struct comes out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/console.h"
#include "skald/result.h"

namespace skald::cli {

inline constexpr std::string_view kDefaultConfigFile = "/etc/skald/skald.toml";

// One [[security.permissions]] table; only a file can hold them.
struct PermissionRule {
    std::string key;
    std::vector<std::string> read;
    std::vector<std::string> write;
    std::vector<std::string> admin;
    bool operator==(const PermissionRule&) const = default;
};

struct ServeConfig {
    std::string data = "/var/lib/skald";
    std::uint64_t partitions = 1;
    std::vector<std::string> listen{"tcp://127.0.0.1:7400"};
    std::string http = "127.0.0.1:7480";
    std::string secret_key_file;
    std::vector<std::string> clients;  // public keys that are admitted
    std::vector<PermissionRule> permissions;
    std::string log_format = "text";
    std::string log_level = "info";
    bool operator==(const ServeConfig&) const = default;
};

// An effective value and where it comes from: "default", "FILE:LINE", "$SKALD_NODE__DATA",
// "--data".
struct Setting {
    std::string key;    // "node.data"
    std::string value;  // as TOML writes it
    std::string source;
};

struct LoadedConfig {
    ServeConfig config;
    std::vector<Setting> settings;  // every key, in the order of the documentation
};

struct ConfigFile {
    std::string name;
    std::string text;
};

// A flag that was given, under the key it sets.
struct FlagValue {
    std::string key;   // "listen.clients"
    std::string flag;  // "--listen"
    std::vector<std::string> words;
};

struct ConfigInputs {
    std::optional<ConfigFile> file;
    Environment environment;
    std::vector<FlagValue> flags;
};

// invalid_argument: says the file's line and column, the variable or the flag, and what was
// expected.
Result<LoadedConfig> load_config(const ConfigInputs& inputs);

// TOML that load_config reads back, each value with its source behind it.
std::string print_config(const LoadedConfig& loaded);

}  // namespace skald::cli
