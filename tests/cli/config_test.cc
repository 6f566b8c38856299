#include "cli/config.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>

namespace skald::cli {
namespace {

constexpr const char* kFile = R"([node]
data = "/from/file"
partitions = 4

[listen]
clients = ["tcp://127.0.0.1:1", "ipc://x"]
http = ""

[log]
level = "debug"

[security]
clients = "*"

[[security.permissions]]
key = "*"
read = ["orders-*"]

[[security.permissions]]
key = "k"
write = ["a", "b"]
admin = ["*"]
)";

ConfigInputs with_file(const std::string& text) {
    ConfigInputs inputs;
    inputs.file = ConfigFile{"c.toml", text};
    return inputs;
}

LoadedConfig loaded(const ConfigInputs& inputs) {
    const auto config = load_config(inputs);
    if (!config) {
        FAIL(config.error().message);
    }
    return *config;
}

std::string source_of(const LoadedConfig& config, const std::string& key) {
    const auto found = std::find_if(config.settings.begin(), config.settings.end(),
                                    [&key](const Setting& setting) { return setting.key == key; });
    return found == config.settings.end() ? "missing" : found->source;
}

std::string problem_of(const ConfigInputs& inputs) {
    const auto config = load_config(inputs);
    REQUIRE_FALSE(config);
    CHECK(config.error().code == Errc::invalid_argument);
    return config.error().message;
}

}  // namespace

TEST_CASE("config: defaults") {
    const LoadedConfig config = loaded({});
    CHECK(config.config == ServeConfig{});
    for (const Setting& setting : config.settings) {
        CHECK(setting.source == "default");
    }
}

TEST_CASE("config: a file") {
    const ServeConfig config = loaded(with_file(kFile)).config;
    CHECK(config.data == "/from/file");
    CHECK(config.partitions == 4);
    CHECK(config.listen == std::vector<std::string>{"tcp://127.0.0.1:1", "ipc://x"});
    CHECK(config.http.empty());
    CHECK(config.log_level == "debug");
    CHECK(config.log_format == "text");
    CHECK(config.clients == std::vector<std::string>{"*"});
    CHECK(config.permissions ==
          std::vector<PermissionRule>{{"*", {"orders-*"}, {}, {}}, {"k", {}, {"a", "b"}, {"*"}}});
}

TEST_CASE("config: flags beat the environment, which beats the file, which beats defaults") {
    ConfigInputs inputs = with_file(kFile);
    CHECK(source_of(loaded(inputs), "node.data") == "c.toml:2");
    CHECK(source_of(loaded(inputs), "log.format") == "default");
    inputs.environment["SKALD_NODE__DATA"] = "/from/env";
    inputs.environment["SKALD_LISTEN__CLIENTS"] = "tcp://a:1,tcp://b:2";
    inputs.environment["SKALD_SERVER"] = "is not configuration of a node";
    inputs.environment["OTHER__THING"] = "neither is this";
    const LoadedConfig from_environment = loaded(inputs);
    CHECK(from_environment.config.data == "/from/env");
    CHECK(from_environment.config.listen == std::vector<std::string>{"tcp://a:1", "tcp://b:2"});
    CHECK(from_environment.config.partitions == 4);
    CHECK(source_of(from_environment, "node.data") == "$SKALD_NODE__DATA");
    inputs.flags.push_back({"node.data", "--data", {"/from/flag"}});
    inputs.flags.push_back({"listen.clients", "--listen", {"tcp://c:3", "tcp://d:4,tcp://e:5"}});
    const LoadedConfig from_flags = loaded(inputs);
    CHECK(from_flags.config.data == "/from/flag");
    CHECK(from_flags.config.listen ==
          std::vector<std::string>{"tcp://c:3", "tcp://d:4", "tcp://e:5"});
    CHECK(source_of(from_flags, "node.data") == "--data");
}

TEST_CASE("config: what is wrong is named, with its place") {
    const std::vector<std::pair<std::string, std::string>> files{
        {"[node]\ndata = 7\n", "c.toml:2:8: node.data must be a string"},
        {"[node]\npartitions = \"x\"\n", "c.toml:2:14: node.partitions must be a whole number"},
        {"[node]\npartitions = 0\n",
         "c.toml:2:14: node.partitions must be a number from 1 to 1024"},
        {"[node]\npartitions = 1.5\n",
         "c.toml:2:14: node.partitions must be a string, a whole number or a list of strings"},
        {"[listen]\nclients = [1]\n", "c.toml:2:11: listen.clients must be a list of strings"},
        {"[listen]\nhtp = \"x\"\n",
         "c.toml:2:7: unknown key `listen.htp`: did you mean `listen.http`?"},
        {"[log]\nlevel = \"loud\"\n",
         "c.toml:2:9: log.level must be debug, info, warning or error"},
        {"[log]\nformat = \"xml\"\n", "c.toml:2:10: log.format must be text or json"},
        {"[limits]\nexpiry_ms = 5\n",
         "c.toml:2:13: limits.expiry_ms must be a number from 1000 to 3600000"},
        {"data = \"x\"\n", "c.toml:1:8: `data` stands outside of a [section]"},
        {"[security]\npermissions = 1\n",
         "c.toml:2:15: security.permissions must be a list of tables"},
        {"[[security.permissions]]\nkey = \"k\"\nreed = []\n",
         "c.toml:3:8: unknown key `security.permissions.reed`: known are key, read, write, admin"},
        {"[[security.permissions]]\nread = []\n",
         "c.toml:1:1: security.permissions must be tables with a `key`: a public key or `*`"},
        {"[[security.permissions]]\nkey = \"k\"\nread = \"x\"\n",
         "c.toml:3:8: security.permissions.read must be a list of stream globs"},
        {"\xff", "c.toml: not UTF-8"},
    };
    for (const auto& [text, message] : files) {
        CAPTURE(text);
        CHECK(problem_of(with_file(text)) == message);
    }
    CHECK(problem_of(with_file("[node]\ndata = \n")).starts_with("c.toml:2:8: "));
    CHECK(problem_of(with_file("[node\n")).starts_with("c.toml:1:"));
}

TEST_CASE("config: a wrong variable or flag is named") {
    ConfigInputs inputs;
    inputs.environment["SKALD_NODE__PARTITIONS"] = "many";
    CHECK(problem_of(inputs) ==
          "environment variable SKALD_NODE__PARTITIONS: node.partitions must be a number from 1 to "
          "1024");
    inputs.environment = {{"SKALD_NODE__DATE", "x"}};
    CHECK(problem_of(inputs) ==
          "environment variable SKALD_NODE__DATE: unknown key `node.date`: did you mean "
          "`node.data`?");
    inputs.environment = {{"SKALD_SECURITY__PERMISSIONS", "x"}};
    CHECK(
        problem_of(inputs) ==
        "environment variable SKALD_SECURITY__PERMISSIONS: permissions are read from a file only");
    inputs.environment.clear();
    inputs.flags.push_back({"node.partitions", "--partitions", {"-1"}});
    CHECK(problem_of(inputs) == "--partitions: node.partitions must be a number from 1 to 1024");
}

TEST_CASE("config: what is printed names sources, and reads as the same", "[golden]") {
    ConfigInputs inputs = with_file(kFile);
    inputs.environment["SKALD_LOG__FORMAT"] = "json";
    inputs.flags.push_back({"node.data", "--data", {"/d \"q\""}});
    const LoadedConfig config = loaded(inputs);
    const std::string text = print_config(config);
    CHECK(text == R"([node]
data = "/d \"q\""  # --data
partitions = 4  # c.toml:3
map_bytes = 1099511627776  # default

[listen]
clients = ["tcp://127.0.0.1:1", "ipc://x"]  # c.toml:6
http = ""  # c.toml:7

[security]
secret_key_file = ""  # default
clients = ["*"]  # c.toml:13

[limits]
sessions = 16384  # default
subscriptions = 1024  # default
request_bytes_in_flight = 33554432  # default
session_bytes_in_flight = 16777216  # default
session_requests_in_flight = 16384  # default
send_bytes_queued = 50331648  # default
expiry_ms = 5000  # default

[log]
format = "json"  # $SKALD_LOG__FORMAT
level = "debug"  # c.toml:10

[[security.permissions]]  # c.toml:15
key = "*"
read = ["orders-*"]
write = []
admin = []

[[security.permissions]]  # c.toml:19
key = "k"
read = []
write = ["a", "b"]
admin = ["*"]
)");
    CHECK(loaded(with_file(text)).config == config.config);
}

}  // namespace skald::cli
