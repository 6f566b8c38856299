// The store a command works on: a directory in this process, or a server.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/command.h"

namespace skald::cli {

struct StoreChoice {
    std::string directory;  // empty: a server
    std::uint64_t partitions = 1;
    std::string option = "a directory";  // how it is named in words
};

enum class Create : bool { no, yes };

// Adds --data (as `names` has it) and, for commands that may create the directory, --partitions.
void declare_store(Arguments& arguments, StoreChoice& choice, Create create,
                   std::string_view names = "--data");

// The server that is meant; nullopt: the directory is. invalid_argument when both are named, or for
// a key; not_found for a file of one.
Result<std::optional<ClientOptions>> choose_server(const Invocation& invocation,
                                                   const StoreChoice& choice);

// Errors of open_store and connect; invalid_argument when a directory and a server are both named.
Result<std::unique_ptr<EventStore>> open_session(const Invocation& invocation,
                                                 const StoreChoice& choice, Create create);

// The coordination store of the server, or of a directory that no node has open.
Result<std::unique_ptr<coord::Coord>> open_coordination(const Invocation& invocation,
                                                        const StoreChoice& choice);

// Services at the server, whose calls take up to `timeout`. Errors of connect_services.
Result<std::unique_ptr<Services>> open_services(const Invocation& invocation,
                                                std::chrono::milliseconds timeout);

// The durable consumers of the server. Errors of connect_consumers.
Result<std::unique_ptr<Consumers>> open_consumers(const Invocation& invocation);

}  // namespace skald::cli
