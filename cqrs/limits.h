// Every bound of aggregates in one place, with what happens when it is reached.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/limits.h"

namespace skald::cqrs::limits {

// Of a described struct: beyond, the process aborts when the description is first used.
inline constexpr std::size_t kFieldsMax = 64;  // a bit each
// Events asked for in one page while an aggregate is loaded.
inline constexpr std::uint32_t kLoadPageEvents = 1000;
static_assert(kLoadPageEvents <= skald::limits::kPageEventsMax);
// Commands of one aggregate that are remembered: the oldest is forgotten.
inline constexpr std::size_t kCommandsRememberedMax = 4096;
// Times that one and the same append is sent again while its outcome is unknown: beyond,
// outcome_unknown.
inline constexpr unsigned kResendsMax = 3;
// Items of a query that a decision rests on, with those of fail_if_exists: beyond,
// request_too_large. One more is added for the command's own events.
inline constexpr std::size_t kBoundaryItemsMax = 14;
static_assert(kBoundaryItemsMax < skald::limits::kQueryItemsMax);
// Aggregates held in a repository's cache: what was not used for longest goes.
inline constexpr std::size_t kCachedAggregatesMax = 1'000'000;

}  // namespace skald::cqrs::limits
