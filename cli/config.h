// The configuration of a node, out of flags, environment, file and defaults, in this order of
// precedence. Pure: text goes in, a struct comes out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "cli/console.h"
#include "skald/node.h"
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
    std::uint64_t map_bytes = limits::kMapBytesDefault;
    std::vector<std::string> listen{"tcp://127.0.0.1:7400"};
    std::string http = "127.0.0.1:7480";
    std::string secret_key_file;
    std::vector<std::string> clients;  // public keys that are admitted
    std::vector<PermissionRule> permissions;
    std::uint64_t sessions = NodeLimits{}.sessions;
    std::uint64_t subscriptions = NodeLimits{}.subscriptions;
    std::uint64_t request_bytes_in_flight = NodeLimits{}.request_bytes_in_flight;
    std::uint64_t session_bytes_in_flight = NodeLimits{}.session_bytes_in_flight;
    std::uint64_t session_requests_in_flight = NodeLimits{}.session_requests_in_flight;
    std::uint64_t send_bytes_queued = NodeLimits{}.send_bytes_queued;
    std::uint64_t expiry_ms = static_cast<std::uint64_t>(NodeLimits{}.expiry.count());
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
    // Every key but the permissions, in the order of the documentation.
    std::vector<Setting> settings;
    std::vector<std::string> permission_sources;  // of each rule of the config
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

// The same as one JSON object: each key with its `value` and `source`.
std::string config_json(const LoadedConfig& loaded);

}  // namespace skald::cli
