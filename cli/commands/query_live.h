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

// Tells the rows as they are stored, then brings the model to the end of the log, so that what was
// not handled yet comes as deltas. A model that was never complete is brought there first.
Result<void> follow_rows(ModelSession& session, const LiveWords& words,
                         const Invocation& invocation);

}  // namespace skald::cli
