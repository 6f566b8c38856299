// What every EventStore refuses before it does anything: one place, so that a call gets the same
// answer in process, over a socket and in memory.
#pragma once

#include <string_view>

#include "skald/event_store.h"

namespace skald {

// invalid_argument: a max_count of 0, a max_age below 1 s.
Result<void> check_limits(const StreamLimits& limits);

// invalid_argument: events_in_flight or bytes_in_flight out of their range.
Result<void> check_credit(const Subscribe& request);

// invalid_stream_name, or request_too_large beyond limits::kSnapshotBytesMax.
Result<void> check_snapshot(std::string_view stream, const Snapshot& snapshot);

}  // namespace skald
