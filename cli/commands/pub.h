// skald pub: appends one event, or hands it to whoever is subscribed now.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/session.h"

namespace skald::cli {

struct PubOptions {
    StoreChoice store;
    std::string stream;
    std::string type;
    std::optional<std::string> data;
    std::optional<std::string> file;
    std::string input;  // "-": data from standard input
    std::string content_type{kContentTypeJson};
    std::optional<std::string> id;
    std::optional<std::string> time;
    std::string expect = "any";
    std::vector<std::string> metadata;  // "key=value"
    std::vector<std::string> tags;
    std::string correlation;
    std::string causation;
    std::string ack = "quorum";
    bool ephemeral = false;
    std::optional<std::string> fence;  // "name:token"
    // How durable consumers give it out.
    std::optional<std::string> at;
    std::optional<std::chrono::microseconds> delay;
    std::optional<std::chrono::microseconds> ttl;
    std::string priority = "normal";
    std::string repeat;
};

// The append the options describe; reads the file or standard input they name.
Result<Append> make_append(const PubOptions& options, Console& console);

// NAME:TOKEN; the name may hold colons.
Result<Fence> parse_fence(std::string_view text);

// "any", "none", "exists" or a version.
Result<Expected> parse_expected(std::string_view text);

}  // namespace skald::cli
