// skald query --live: the rows of a query, then what becomes of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/model_session.h"

namespace skald::cli {

struct LiveWords {
    std::string model;
    cqrs::RowQuery query;
    std::optional<std::uint64_t> count;  // deltas to print; none: until a stop is requested
};

// Tells the rows as they are stored, then what becomes of them. A directory's model is brought to
// the end of the log meanwhile, so that what was not handled yet comes as deltas; one that was
// never complete is brought there first. A node's go on by themselves.
Result<void> follow_rows(ModelSession& session, const LiveWords& words,
                         const Invocation& invocation);

}  // namespace skald::cli
