// skald serve: a node until it is told to stop.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/config.h"

namespace skald::cli {

struct ServeOptions {
    std::optional<std::string> config_file;
    bool print_config = false;
    std::optional<std::string> data;
    std::optional<std::string> partitions;
    std::vector<std::string> listen;
    std::optional<std::string> http;
    std::optional<std::string> secret_key_file;
    std::vector<std::string> clients;
    std::optional<std::string> log_format;
    std::optional<std::string> log_level;
};

// What the node gets; reads the secret key's file.
Result<NodeOptions> node_options(const ServeConfig& config);

}  // namespace skald::cli
