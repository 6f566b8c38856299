// skald sub: events as they come.
#pragma once

#include <cstdint>
#include <optional>

#include "cli/command.h"
#include "cli/selection.h"
#include "cli/session.h"

namespace skald::cli {

struct SubOptions {
    StoreChoice store;
    SelectionWords words;
    std::string group;
    std::optional<std::chrono::microseconds> lease;  // of the member
    std::optional<std::uint64_t> count;
    bool until_caught_up = false;
};

// Prints events until one of the options, a stop or the end of the subscription says so. Only the
// last is an error.
Result<void> follow(EventStore& store, const SubOptions& options, const Invocation& invocation);
// The same as a member of the consumer options.group; what was printed is acknowledged.
Result<void> follow_group(Consumers& consumers, const SubOptions& options,
                          const Invocation& invocation);

}  // namespace skald::cli
